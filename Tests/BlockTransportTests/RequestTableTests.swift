import BlockRuntime
import BlockTransport
import Testing

@Suite("Request table")
struct RequestTableTests {
    private func instant(_ nanoseconds: Int) -> Instant {
        Instant(nanoseconds: Int64(nanoseconds))
    }

    @Test("a reply finds its context once")
    func once() throws {
        var table = RequestTable<String>(firstCorrelation: 5)
        let first = try table.insert("a", deadline: instant(10))
        let second = try table.insert("b", deadline: instant(10))
        #expect(first != second)
        #expect(table.take(first) == "a")
        #expect(table.take(first) == nil)
        #expect(table.take(12345) == nil)
        #expect(table[second] == "b")
        table[second] = "c"
        #expect(table.take(second) == "c")
        table[second] = "d"
        #expect(table.isEmpty)
        #expect(table.nextDeadline == nil)
    }

    @Test("a reply after the deadline finds nothing")
    func late() throws {
        var table = RequestTable<Int>(firstCorrelation: 1)
        let correlation = try table.insert(7, deadline: instant(100))
        #expect(table.expire(at: instant(99)).isEmpty)
        #expect(table.expire(at: instant(100)).map(\.context) == [7])
        #expect(table.take(correlation) == nil)
    }

    @Test("a full table says so and takes again when there is room")
    func full() throws {
        var table = RequestTable<Int>(firstCorrelation: 1, countMax: 2)
        let first = try table.insert(1, deadline: instant(1))
        _ = try table.insert(2, deadline: instant(2))
        let error = #expect(throws: DatabaseError.self) {
            _ = try table.insert(3, deadline: instant(3))
        }
        #expect(error?.code == .overloaded)
        #expect(error?.message.contains("limit is 2") == true)
        #expect(table.take(first) == 1)
        _ = try table.insert(3, deadline: instant(3))
        #expect(table.removeAll().map(\.context) == [2, 3])
        #expect(table.isEmpty)
        table.checkInvariants()
    }

    @Test("no id is zero or given twice, whatever the first")
    func identifiers() throws {
        for first in [UInt64(0), 1, .max >> 1, .max - 1, .max] {
            var table = RequestTable<Int>(firstCorrelation: first)
            var last: UInt64 = 0
            for number in 0..<100 {
                let id = try table.insert(number, deadline: instant(1))
                #expect(id > last)
                last = id
            }
        }
    }

    @Test("the table behaves as a plain list of requests does")
    func model() throws {
        struct Request: Equatable {
            var id: UInt64
            var deadline: Int
            var context: Int
        }
        for seed in 0..<20 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var table = RequestTable<Int>(firstCorrelation: generator.next() >> 2)
            var model: [Request] = []
            var now = 0
            for step in 0..<2000 {
                switch generator.below(10) {
                case 0...3:
                    let deadline = now + generator.below(50)
                    let id = try table.insert(step, deadline: instant(deadline))
                    model.append(Request(id: id, deadline: deadline, context: step))
                case 4...7 where !model.isEmpty:
                    let gone = model.remove(at: generator.below(model.count))
                    #expect(table.take(gone.id) == gone.context)
                    #expect(table.take(gone.id) == nil)
                default:
                    now += generator.below(8)
                    // Sorting is by deadline, then by age: ids grow.
                    let due = model.filter { $0.deadline <= now }
                        .sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
                    let expired = table.expire(at: instant(now))
                    #expect(expired.map(\.correlation) == due.map(\.id))
                    #expect(expired.map(\.context) == due.map(\.context))
                    model.removeAll { $0.deadline <= now }
                }
                table.checkInvariants()
                #expect(table.count == model.count)
                #expect(table.nextDeadline == model.map(\.deadline).min().map(instant))
            }
        }
    }
}
