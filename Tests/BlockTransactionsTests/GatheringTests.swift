import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// When a proposer waits for the clients that it has answered (protocol: fair-turns).
@Suite struct GatheringTests {
    private static func instant(_ milliseconds: Int) -> Instant {
        Instant.origin.advanced(by: .milliseconds(milliseconds))
    }

    /// Has lost a race just now, then sent a batch at 10 ms.
    private static func shared() -> Gathering {
        var gathering = Gathering()
        gathering.lost(at: instant(0))
        gathering.sent(at: instant(10))
        return gathering
    }

    @Test("A proposer that is alone waits for nobody") func alone() {
        var gathering = Gathering()
        gathering.sent(at: Self.instant(1))
        gathering.landed(answered: 8, waiting: 0, at: Self.instant(5))
        let isOver = gathering.isOver(waiting: 1, at: Self.instant(5))
        #expect(gathering.until == nil && isOver)
    }

    // protocol: fair-turns
    @Test("One that takes turns waits until its clients are back, or for as long as an entry took")
    func waits() {
        var gathering = Self.shared()
        gathering.landed(answered: 6, waiting: 2, at: Self.instant(15))
        #expect(gathering.until == Self.instant(20))
        let isOverEarly = gathering.isOver(waiting: 7, at: Self.instant(16))
        let isOverWithAll = gathering.isOver(waiting: 8, at: Self.instant(16))
        #expect(!isOverEarly && isOverWithAll)
        #expect(gathering.until == nil)
        gathering.sent(at: Self.instant(16))
        gathering.landed(answered: 8, waiting: 0, at: Self.instant(16))
        #expect(gathering.until == Self.instant(16).advanced(by: Limits.gatherTimeMin))
        let isOverLate = gathering.isOver(waiting: 1, at: Self.instant(20))
        #expect(isOverLate, "their time is up")
    }

    @Test("After it has waited in vain it goes on at once for a while")
    func inVain() {
        var gathering = Self.shared()
        gathering.landed(answered: 8, waiting: 0, at: Self.instant(900))
        #expect(gathering.until == Self.instant(900).advanced(by: Limits.gatherTimeMax))
        let isOver = gathering.isOver(waiting: 7, at: Self.instant(910))
        #expect(isOver)
        for _ in 0..<Limits.gatherRestCount {
            gathering.sent(at: Self.instant(911))
            gathering.landed(answered: 8, waiting: 0, at: Self.instant(912))
            #expect(gathering.until == nil)
        }
        gathering.landed(answered: 8, waiting: 0, at: Self.instant(913))
        #expect(gathering.until != nil)
    }

    @Test("It ends with the next lost race, and a second after the last one") func ends() {
        var gathering = Self.shared()
        gathering.landed(answered: 8, waiting: 0, at: Self.instant(12))
        gathering.lost(at: Self.instant(13))
        let isOver = gathering.isOver(waiting: 1, at: Self.instant(13))
        #expect(gathering.until == nil && isOver)
        let later = Self.instant(13).advanced(by: Limits.sharedCollectionTime)
        gathering.landed(answered: 8, waiting: 0, at: later)
        #expect(gathering.until == nil)
    }
}
