import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// What a custom collection says while it does not know whether an attempt has landed
/// (protocol: doubt-belongs-to-the-attempt, gone-after-doubt-is-unknown), and what it tells of a
/// sync that failed.
@Suite("Custom collection in doubt", .serialized) struct CollectionDoubtTests {
    private typealias Put = CollectionDefectTests.Put

    private static let unknown = ClientReply.failed(
        DatabaseError(.commitResultUnknown, "no answer", outcome: .unknown))

    /// Runs `body` with two connections, the first of them through a script.
    private static func run(
        _ body: @Sendable (FaultyLink.Script, Database, Database) async throws -> Void
    ) async throws {
        try await LoopbackCluster.run { cluster in
            let script = FaultyLink.Script()
            let mine = try await cluster.connect(through: script)
            let other = try await cluster.connect()
            defer {
                mine.close()
                other.close()
            }
            try await body(script, mine, other)
        }
    }

    private static func failure(_ body: () async throws -> Void) async -> DatabaseError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? DatabaseError
        }
    }

    /// What a later try may be told of for certain.
    private static let refusals: [DatabaseError] = [
        DatabaseError(.overloaded, "full"), DatabaseError(.quorumUnavailable, "no quorum"),
        DatabaseError(.deadlineExceeded, "too little time"), DatabaseError(.shuttingDown, "bye"),
        DatabaseError(.invalidArgument, "no"), DatabaseError(.collectionNotFound, "gone"),
    ]

    @Test(
        "After a sync of unknown outcome no refusal of a later one is certain",
        arguments: [true, false], Self.refusals)
    func refusedLater(isLanded: Bool, refusal: DatabaseError) async throws {
        try await Self.run { script, mine, other in
            let map = try await mine.createOrOpen("map", CollectionDefectTests.map())
            try await map.act(Put(key: "k", value: "v"))
            // It lands without an answer, or it is held up on its way.
            script.setCommits(isLanded ? .passButAnswer(Self.unknown) : .answer(Self.unknown))
            let first = await Self.failure { try await map.sync(timeout: TestTime.untilSent) }
            #expect(first?.outcome == .unknown)
            let named = try #require(await map.mayHaveCommitted.first)
            #expect(named.action == Put(key: "k", value: "v"))
            #expect(first?.message.contains("\(named.id)") == true)
            if isLanded {
                // Nor can it be found out: the log cannot be read.
                script.set {
                    switch $0 {
                    case .commit, .readLog: .answer(.failed(refusal))
                    default: .pass
                    }
                }
            } else {
                script.setCommits(.answer(.failed(refusal)))
            }
            let second = await Self.failure { try await map.sync(timeout: TestTime.untilSent) }
            #expect(second?.outcome == .unknown, "\(refusal): \(String(describing: second))")
            #expect(second?.message.contains("\(named.id)") == true)
            #expect(await map.pending == [Put(key: "k", value: "v")])
            script.set { _ in .pass }
            let report = try await map.sync()
            #expect(report.landed.count == (isLanded ? 1 : 0))
            #expect(await map.mayHaveCommitted.isEmpty)
            let open = try await other.open("map", CollectionDefectTests.map())
            let logged = try await CollectionDefectTests.logged(open)
            #expect(logged == [Put(key: "k", value: "v")])
        }
    }

    @Test(
        "What may have landed in a life that is over stays unknown for ever, and goes into no other"
    )
    func gone() async throws {
        try await Self.run { script, mine, other in
            let map = try await mine.createOrOpen("map", CollectionDefectTests.map())
            try await map.act(Put(key: "k", value: "v"))
            script.setCommits(.passButAnswer(Self.unknown))
            _ = await Self.failure { try await map.sync(timeout: TestTime.untilSent) }
            let named = try #require(await map.mayHaveCommitted.first)
            script.set { _ in .pass }
            try await other.drop("map")
            for isRecreated in [false, true] {
                if isRecreated {
                    _ = try await other.createOrOpen("map", CollectionDefectTests.map())
                }
                for _ in 0..<2 {
                    let sync = await Self.failure {
                        try await map.sync(timeout: TestTime.untilSent)
                    }
                    let update = await Self.failure {
                        try await map.update(timeout: TestTime.untilSent)
                    }
                    for error in [sync, update] {
                        #expect(error?.outcome == .unknown, "\(String(describing: error))")
                        #expect(error?.message.contains("\(named.id)") == true)
                    }
                    #expect(await map.mayHaveCommitted.map(\.id) == [named.id])
                }
            }
            let reborn = try await other.open("map", CollectionDefectTests.map())
            #expect(try await CollectionDefectTests.logged(reborn).isEmpty)
        }
    }

    @Test("An attempt that was certainly not sent raises no doubt: gone is told for certain")
    func neverSent() async throws {
        try await Self.run { script, mine, other in
            let map = try await mine.createOrOpen("map", CollectionDefectTests.map())
            try await map.act(Put(key: "k", value: "v"))
            script.setCommits(.notTaken)
            let first = await Self.failure { try await map.sync(timeout: TestTime.untilSent) }
            #expect(first?.outcome == .notApplied, "\(String(describing: first))")
            #expect(await map.mayHaveCommitted.isEmpty)
            script.set { _ in .pass }
            try await other.drop("map")
            let second = await Self.failure { try await map.sync(timeout: TestTime.untilSent) }
            #expect(second?.code == .collectionNotFound && second?.outcome == .notApplied)
        }
    }

    @Test(
        "What a sync that failed had dropped is told by the next one, and can be asked for before")
    func report() async throws {
        try await Self.run { script, mine, other in
            let yielding = CollectionDefectTests.map { put, others in
                others.contains { $0.key == put.key } ? .drop : .keep
            }
            let map = try await mine.createOrOpen("map", yielding)
            let rival = try await other.open("map", yielding)
            try await map.act(Put(key: "k", value: "of mine"))
            try await map.act(Put(key: "l", value: "of mine"))
            try await rival.act(Put(key: "k", value: "of the rival"))
            try await rival.sync()
            script.setCommits(.answer(.failed(DatabaseError(.invalidArgument, "no"))))
            let error = await Self.failure { try await map.sync(timeout: TestTime.untilSent) }
            #expect(error?.outcome == .notApplied)
            #expect(await map.untold.dropped == [Put(key: "k", value: "of mine")])
            script.set { _ in .pass }
            let report = try await map.sync()
            #expect(report.dropped == [Put(key: "k", value: "of mine")])
            #expect(await map.untold.isEmpty)
            let next = try await map.sync()
            #expect(next.isEmpty)
        }
    }
}
