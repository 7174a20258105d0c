import BlockRuntime
import Testing

@Suite("What was learned lately") struct RecentTableTests {
    @Test("A table of what was learned lately keeps the newest and never more than it may")
    func recent() {
        var table = RecentTable<Int, Int>(countMax: 100)
        for number in 0..<10_000 {
            table[number] = number
            #expect(table[number] == number)
            #expect(table.count <= 100)
            if number >= 50 { #expect(table[number - 49] == number - 49) }
        }
        table[9_999] = nil
        #expect(table[9_999] == nil)
    }
}
