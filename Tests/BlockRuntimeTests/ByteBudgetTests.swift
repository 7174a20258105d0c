import BlockRuntime
import Testing

@Suite("A budget of bytes") struct ByteBudgetTests {
    private static func budget() -> ByteBudget<Int> {
        ByteBudget(
            "things", ofEach: .init("eachMax", 100), ofAll: .init("allMax", 250))
    }

    @Test("Nobody holds more than its part, nor all together more than the whole")
    func bounds() throws {
        var budget = Self.budget()
        budget.add(90, for: 1)
        let own = try #require(budget.refusal(of: 11, for: 1))
        #expect(own.code == .overloaded && own.retryAfter != nil && own.outcome == .notApplied)
        #expect(own.message.contains("101") && own.message.contains("eachMax = 100"))
        #expect(budget.refusal(of: 10, for: 1) == nil)
        budget.add(90, for: 2)
        let all = try #require(budget.refusal(of: 80, for: 3))
        #expect(all.message.contains("260") && all.message.contains("allMax = 250"))
        budget.remove(90, for: 1)
        #expect(budget.refusal(of: 80, for: 3) == nil)
        #expect(budget.principalCount == 1, "who holds nothing is forgotten")
        budget.checkInvariants()
    }

    @Test("Who holds nothing may hold one thing, however large") func one() {
        #expect(Self.budget().refusal(of: 1000, for: 1) == nil)
    }
}
