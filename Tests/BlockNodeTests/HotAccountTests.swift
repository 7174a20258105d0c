import BlockModel
import BlockRuntime
import Testing

/// 64 clients that move money between 10 accounts, in simulated time. Each runs its transfer anew
/// after a conflict, as the SDK does, and begins the next one at once.
///
/// Were all served in turn, each transfer would wait for the 63 others: that is the mean whatever
/// the order, and so the aim for the greatest is 64.
@Suite("Transfers between hot accounts")
struct HotAccountTests {
    private static let clientCount = 64
    private static let accountCount = 10

    /// How long transfers wait as it is now, by the number of trees that the accounts are in. The
    /// aim is ``clientCount`` for each. Transactions over several trees take turns at their proxy;
    /// those within one tree land with the other writes of it, and overtake them.
    private static let waitsMax = [1: 800, 3: 300]
    /// What gets done in three seconds at least.
    private static let commitCountMin = [1: 700, 3: 80]

    private static func report(
        treeCount: Int, timeout: Duration = Limits.requestTimeDefault
    ) throws -> TransferReport {
        var scene = try TransferScene(
            treeCount: treeCount, accountCount: accountCount, timeout: timeout)
        scene.addClients(clientCount)
        try scene.run(for: .seconds(3))
        return scene.report
    }

    @Test("None waits for more than so many others", arguments: [1, 3])
    func waits(treeCount: Int) throws {
        let report = try Self.report(treeCount: treeCount)
        #expect(report.max <= Self.waitsMax[treeCount] ?? 0, "\(report)")
        #expect(report.percentile(50) <= Self.clientCount, "\(report)")
        #expect(report.commitCount >= Self.commitCountMin[treeCount] ?? .max, "\(report)")
        #expect(report.unexplained.isEmpty, "\(report)")
    }

    @Test("Those that run out of time are told so", arguments: [1, 3])
    func expires(treeCount: Int) throws {
        let report = try Self.report(treeCount: treeCount, timeout: .seconds(1))
        #expect(report.commitCount >= (Self.commitCountMin[treeCount] ?? .max), "\(report)")
        // The aim: nothing but conflicts. Now the time may run out in a line of the proxy, or while
        // it is not known whether the transfer has landed.
        #expect(
            report.unexplained.allSatisfy {
                [.deadlineExceeded, .commitResultUnknown].contains($0.code)
            }, "\(report)")
    }
}
