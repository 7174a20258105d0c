import BlockModel
import BlockNode
import BlockRuntime
import Testing

/// 64 clients that move money between 10 accounts, in simulated time. Each runs its transfer anew
/// after a conflict, as the SDK does, and begins the next one at once.
///
/// Were all served in turn, each transfer would wait for the 63 others: that is the mean whatever
/// the order. Of those that come later, so many may overtake one as ``Limits/turnWindow`` says.
@Suite("Transfers between hot accounts")
struct HotAccountTests {
    private static let clientCount = 64
    private static let accountCount = 10

    /// For how many others a transfer waits at most: those that were there, and those that may
    /// overtake it. As it is now the greatest is 80 in one tree and 96 in three.
    private static let waitsMax = clientCount + Int(Limits.turnWindow)
    /// What gets done in three seconds at least, by the number of trees that the accounts are in.
    private static let commitCountMin = [1: 250, 3: 60]

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
        #expect(report.max <= Self.waitsMax, "\(report)")
        #expect(report.percentile(50) <= Self.clientCount, "\(report)")
        #expect(report.commitCount >= Self.commitCountMin[treeCount] ?? .max, "\(report)")
        #expect(report.unexplained.isEmpty, "\(report)")
    }

    @Test("Those that run out of time are told so", arguments: [1, 3])
    func expires(treeCount: Int) throws {
        let report = try Self.report(treeCount: treeCount, timeout: .seconds(1))
        #expect(report.commitCount >= (Self.commitCountMin[treeCount] ?? .max), "\(report)")
        // The aim: nothing but conflicts. Now the time may run out in a line of the proxy, in
        // a round that has begun just before, or while it is not known whether it has landed.
        #expect(
            report.unexplained.allSatisfy {
                [.deadlineExceeded, .quorumUnavailable, .commitResultUnknown].contains($0.code)
            }, "\(report)")
    }
}
