import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// Transfers between two trees, each of which compares and writes an account of both: how many
/// synced batches and messages they take, in simulated time, with a proxy that knows both trees.
@Suite("What transfers over two collections cost")
struct TransactionCostTests {
    /// Hops are short beside syncs, so that a time tells how many there were of both.
    private static let timing = ServiceScene.Timing(
        hop: .microseconds(1), jitter: .zero, sync: .milliseconds(1))
    /// Accounts that make a leaf of each tree, and more.
    private static let accountCount = 400
    private static let peers = 0..<3

    private static func time(syncs: Int, hops: Int) -> Duration {
        timing.sync * syncs + timing.hop * hops
    }

    /// A bank, the transfers that were asked for, and what came of them.
    private struct Scene {
        var transfers: TransferScene
        /// The newest known of each tree.
        var revisions: [Revision]
        private var transferCount = 0
        private var started = Instant.origin
        /// When each transfer was answered, after they were asked for, and where it landed.
        private(set) var answers: [(after: Duration, parts: [TransactedPart])] = []

        init() throws {
            transfers = try TransferScene(
                treeCount: 2, accountCount: accountCount, timing: timing)
            revisions = transfers.bank.trees.map(\.revision.next)
        }

        /// A transfer between two accounts that no other one touches.
        private mutating func request() throws -> ClientRequest {
            var state = TransactionState()
            transferCount += 1
            for (tree, info) in transfers.bank.trees.enumerated() {
                let account = transfers.account(2 * transferCount + tree)
                try state.update(info, seen: revisions[tree]) {
                    let balance = TransferBank.initialBalance
                    $0.snapshot = revisions[tree]
                    $0.read(account.key, TransferBank.bytes(of: balance))
                    $0.write(account.key, TransferBank.bytes(of: balance + 2 * tree - 1))
                }
            }
            let id = ActionID(rawValue: Identifier128(UInt128(transferCount) << 64))
            let landing = try #require(
                try TransactionLanding(state, id: id, stamp: TransferBank.stamp))
            return .transact(try #require(landing.request))
        }

        /// Asks for so many at once, and lets the time pass until all of them are answered.
        mutating func transfer(_ count: Int) throws {
            answers = []
            started = transfers.services.now
            for _ in 0..<count {
                let request = try request()
                try transfers.services.ask(0, UInt64(1 << 42 + transferCount), request)
            }
            let end = started.advanced(by: .seconds(5))
            while answers.count < count, try transfers.services.step(until: end) {
                for (_, reply) in transfers.services.takeAnswers() {
                    guard case .transacted(let parts) = reply else {
                        Issue.record("\(reply)")
                        continue
                    }
                    answers.append((transfers.services.now.since(started), parts))
                }
            }
            #expect(answers.count == count)
            for (tree, info) in transfers.bank.trees.enumerated() {
                let landed = answers.flatMap(\.parts).filter { $0.collection == info.collection }
                revisions[tree] = landed.map(\.revision).max() ?? revisions[tree]
            }
        }

        /// Lets everything end that goes on in the background, and counts from then on.
        mutating func countFromNow() throws {
            try rest()
            transfers.services.traffic = ServiceTraffic()
        }

        mutating func rest() throws { try transfers.services.run(for: .seconds(3)) }

        var traffic: ServiceTraffic { transfers.services.traffic ?? ServiceTraffic() }
    }

    /// Both trees are known, and have been written by a transfer before.
    private static func warmScene() throws -> Scene {
        var scene = try Scene()
        for _ in 0..<2 {
            try scene.transfer(1)
            try scene.rest()
        }
        try scene.countFromNow()
        return scene
    }

    // protocol: home-decides
    @Test("One alone waits for two synced rounds, in six messages to peers")
    func alone() throws {
        var scene = try Self.warmScene()
        try scene.transfer(1)
        // One hop to the coordinator, two for each round, and one back: nothing is read before.
        let answered = try #require(scene.answers.first).after
        #expect(answered == Self.time(syncs: 2, hops: 6), "\(answered)")
        #expect(scene.traffic.requestCounts["transact"] == 1)

        let start = try #require(scene.traffic.requests.first).at
        let decided = start.advanced(by: answered - Self.timing.hop)
        let before = scene.traffic.before(decided)
        for peer in Self.peers {
            let rounds = [
                // The change of each tree's leaf and the intent of the other participant: one
                // message, one sync. Nobody need be asked for a promise, as the accepts of the
                // transfer before have promised the ballots of this one.
                "accept, pend 2",
                // The decision, at the home: when a quorum has it, the client is answered.
                "accept",
            ]
            #expect(before.rounds(to: peer) == rounds)
            #expect(before.syncCount(of: peer) == 2)
        }
        #expect(before.messages.count == 6)

        // Behind the answer: the entry of the other participant; when that is there, the leaves
        // made final (two requests of the proxy) and the decision closed at the home.
        try scene.rest()
        #expect(scene.traffic.requestCounts == ["transact": 1, "finalise": 2])
        for peer in Self.peers {
            #expect(
                scene.traffic.syncCount(of: peer) == Self.syncCountAlone,
                "\(scene.traffic.rounds(to: peer))")
        }
        #expect(scene.traffic.messages.count == Self.messageCountAlone)
    }

    @Test("One after the other, they wait for what the one before has left, and for nobody else")
    func oneAfterTheOther() throws {
        var transfers = try TransferScene(
            treeCount: 2, accountCount: Self.accountCount, timing: Self.timing)
        transfers.addClients(1)
        try transfers.run(for: .seconds(2))
        let first = transfers.records.count
        try transfers.run(for: .seconds(2))
        let times = transfers.records.dropFirst(first).map { $0.ended.since($0.begun) }
        let median = try #require(times.isEmpty ? nil : times.sorted()[times.count / 2])
        #expect(median <= Self.time(syncs: 5, hops: 30), "\(median) of \(times.count)")
    }

    /// Of a peer, for a transfer alone with all that follows it.
    private static let syncCountAlone = 5
    /// To all peers, likewise.
    private static let messageCountAlone = 15

    @Test("Those that come while one is under way share one decision", arguments: [16, 64])
    func together(count: Int) throws {
        var scene = try Self.warmScene()
        // The first one finds everything free and goes at once; the others go together.
        try scene.transfer(1 + count)
        let revisions = Set(scene.answers.map { $0.parts.map(\.revision) })
        #expect(revisions.count == 2, "\(revisions)")
        #expect(scene.traffic.requestCounts["transact"] == 2)
        // Three rounds of their own, and three syncs of a peer that is busy with what the first one
        // has left: the others begin when both tails are free of it.
        let answered = try #require(scene.answers.last).after - scene.answers[0].after
        #expect(answered <= Self.time(syncs: 6, hops: 10), "\(answered)")

        try scene.rest()
        #expect(scene.traffic.requestCounts == ["transact": 2, "finalise": 4])
        // Whatever their number, they cost what two of them would, and looks at the tail of the
        // other participant until the intent of the first one is gone from it.
        for peer in Self.peers {
            #expect(
                scene.traffic.syncCount(of: peer) <= 2 * Self.syncCountAlone,
                "\(scene.traffic.rounds(to: peer))")
        }
        let looks = 2 * Self.peers.count
        #expect(
            scene.traffic.messages.count <= 2 * Self.messageCountAlone + looks,
            "\(scene.traffic.messages.count)")
    }
}

extension TransactionLanding {
    /// What it sends over several collections.
    fileprivate var request: TransactionRequest? {
        if case .transact(let request) = work { request } else { nil }
    }
}
