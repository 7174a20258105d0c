import BlockModel
import BlockRuntime
import BlockStructures
import BlockTransactions
import Synchronization
import Testing

/// What pending actions of a custom collection have seen, and what is known of their attempts.
@Suite("Seen and in doubt, locally") struct LocalCollectionSeenTests {
    private typealias Cluster = LocalCollectionTests.Cluster
    private typealias Command = LocalCollectionTests.Command

    /// Notes what each pending action was compared with.
    private final class Comparisons: Sendable {
        private let seen = Mutex<[(Command, [Command])]>([])
        var all: [(Command, [Command])] { seen.withLock { $0 } }
        func others(of command: Command) -> [Command] {
            all.filter { $0.0 == command }.flatMap(\.1)
        }

        func behavior(
            decode: @escaping @Sendable (Bytes) throws -> Command = { .put($0[1], $0[2]) },
            apply: @escaping @Sendable (Command, ActionScope) throws -> Void = Comparisons.apply
        ) -> CollectionBehavior<Command> {
            CollectionBehavior(
                coding: .init(
                    encode: { command in
                        switch command {
                        case .put(let key, let value): [0, key, value]
                        case .copy(let source, let target): [1, source, target]
                        }
                    }, decode: { $0[0] == 0 ? try decode($0) : .copy(from: $0[1], to: $0[2]) }),
                apply: apply,
                resolve: { [self] pending, landed in
                    seen.withLock { $0.append((pending, landed)) }
                    return .keep
                })
        }

        @Sendable static func apply(_ command: Command, _ scope: ActionScope) throws {
            switch command {
            case .put(let key, let value): try scope.set([key], [value])
            case .copy(let source, let target):
                try scope.set([target], try scope.value(for: [source]) ?? [])
            }
        }
    }

    /// Two entries of a rival, of which the first page holds one.
    private static func halfRead(
        _ comparisons: Comparisons, pending: [Command] = []
    ) throws -> (cluster: Cluster, local: LocalCollection<Command>) {
        var cluster = Cluster()
        let local = try cluster.makeLocal(comparisons.behavior())
        for (number, command) in pending.enumerated() {
            try cluster.run(local) {
                try local.act(command, id: Cluster.id(UInt64(number) + 500))
            }
        }
        let rival = try cluster.makeLocal()
        try cluster.sync(rival, [.put(1, 1)], from: 50)
        try cluster.sync(rival, [.put(2, 2)], from: 60)
        try cluster.readFirstPage(local)
        return (cluster, local)
    }

    // MARK: Read and seen

    @Test(
        "An action begun after half an update runs on what was read, and is compared with the rest")
    func begunOnWhatWasRead() throws {
        let comparisons = Comparisons()
        let (cluster, local) = try Self.halfRead(comparisons)
        let copy = Command.copy(from: 1, to: 3)
        try cluster.run(local) { try local.act(copy, id: Cluster.id(1)) }
        #expect(try cluster.value(3, local) == 1)
        #expect(local.revision == Revision(1))
        try cluster.update(local)
        #expect(comparisons.others(of: copy) == [.put(2, 2)])
        #expect(try cluster.value(3, local) == 1)
    }

    @Test(
        "One begun after half an update beside others is compared with all that its snapshot lacks")
    func begunBesideOthers() throws {
        let comparisons = Comparisons()
        let (cluster, local) = try Self.halfRead(comparisons, pending: [.put(9, 9)])
        let copy = Command.copy(from: 1, to: 3)
        try cluster.run(local) { try local.act(copy, id: Cluster.id(1)) }
        #expect(try cluster.value(3, local) == nil)
        #expect(local.revision == .zero)
        try cluster.update(local)
        for command in [.put(9, 9), copy] {
            #expect(comparisons.others(of: command) == [.put(1, 1), .put(2, 2)])
        }
        #expect(try cluster.value(3, local) == 1)
    }

    // protocol: seen-is-not-read
    @Test("Whatever is read in halves, every action has seen or is compared with each entry, once")
    func everyEntryOnce() throws {
        for seed in 0..<40 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let comparisons = Comparisons()
            var cluster = Cluster()
            let local = try cluster.makeLocal(comparisons.behavior())
            let rival = try cluster.makeLocal()
            var begun: [(Command, at: Revision)] = []
            for number in 0..<30 as Range<UInt64> {
                switch generator.below(4) {
                case 0:
                    try cluster.sync(rival, [.put(1, UInt8(number))], from: 1000 + 10 * number)
                case 1 where local.nextPageAfter < cluster.revision:
                    _ = try local.read(cluster.page(after: local.nextPageAfter, countMax: 1))
                case 2:
                    let command = Command.put(7, UInt8(number))
                    try cluster.run(local) { try local.act(command, id: Cluster.id(number + 1)) }
                    begun.append((command, local.revision))
                default: break
                }
            }
            try cluster.update(local)
            let landed = cluster.entries.flatMap(\.body.actions).map { $0.bytes[2] }
            for (command, revision) in begun {
                let later = landed.dropFirst(Int(revision.rawValue)).map { Command.put(1, $0) }
                #expect(comparisons.others(of: command) == Array(later), "seed \(seed)")
            }
        }
    }

    @Test(
        "An entry of which one action does not decode is read again as a whole, and nothing twice")
    func undecodable() throws {
        let comparisons = Comparisons()
        let isBroken = Mutex(true)
        var cluster = Cluster()
        let local = try cluster.makeLocal(
            comparisons.behavior(decode: { bytes in
                if bytes[2] == 66, isBroken.withLock({ $0 }) {
                    throw DatabaseError(.valueUndecodable, "not now")
                }
                return .put(bytes[1], bytes[2])
            }))
        try cluster.run(local) { try local.act(.put(9, 9), id: Cluster.id(1)) }
        let rival = try cluster.makeLocal()
        try cluster.sync(rival, [.put(1, 1), .put(2, 66)], from: 50)
        for _ in 0..<2 { #expect(throws: DatabaseError.self) { try cluster.update(local) } }
        #expect(local.nextPageAfter == .zero)
        isBroken.withLock { $0 = false }
        try cluster.update(local)
        #expect(comparisons.others(of: .put(9, 9)) == [.put(1, 1), .put(2, 66)])
    }

    // MARK: Reports

    @Test(
        "What a sync has landed is told by the next report if it fails, and by none if it does not")
    func landings() throws {
        for hasFailed in [true, false] {
            var cluster = Cluster()
            let local = try cluster.makeLocal()
            try cluster.run(local) { try local.act(.put(1, 1), id: Cluster.id(1)) }
            let attempt = try #require(try cluster.attempt(local, 1))
            #expect(try cluster.land(attempt))
            #expect(local.attemptLanded(at: Revision(1)))
            try cluster.run(local) { try local.act(.put(2, 2), id: Cluster.id(2)) }
            if hasFailed { local.syncFailed() }
            #expect(local.untold.landed == (hasFailed ? [.put(1, 1)] : []))
            #expect(try cluster.update(local).landed == (hasFailed ? [.put(1, 1)] : []))
            #expect(try cluster.update(local).isEmpty)
        }
    }

    @Test(
        "What an update settled is not lost when it fails then, nor is an action that cannot run"
    )
    func settledThenFailed() throws {
        let comparisons = Comparisons()
        var cluster = Cluster()
        let once = comparisons.behavior(apply: { command, scope in
            if case .put(let key, _) = command, try scope.value(for: [key]) != nil {
                throw DatabaseError(.conflict, "the key is taken")
            }
            try Comparisons.apply(command, scope)
        })
        let local = try cluster.makeLocal(once)
        try cluster.run(local) { try local.act(.put(1, 1), id: Cluster.id(1)) }
        let attempt = try #require(try cluster.attempt(local, 1))
        try cluster.run(local) { try local.act(.put(2, 2), id: Cluster.id(2)) }
        #expect(try cluster.land(attempt))
        let rival = try cluster.makeLocal()
        try cluster.sync(rival, [.put(2, 9)], from: 50)
        // The update settles what it read, and then has no time to run the rest again.
        while try !local.read(cluster.page(after: local.nextPageAfter)) {}
        local.takeOver { Cluster.id(99) }
        #expect(local.untold.landed == [.put(1, 1)])
        // It stands in nobody's way.
        try cluster.run(local) { try local.act(.put(3, 3), id: Cluster.id(3)) }
        let report = try cluster.update(local)
        #expect(report.landed == [.put(1, 1)])
        #expect(report.failed.map(\.0) == [.put(2, 2)])
        #expect(local.pending.map(\.action) == [.put(3, 3)])
    }

    // MARK: Doubt

    /// A collection whose attempt at revision 1 ended without an answer.
    private static func doubtful() throws -> (
        cluster: Cluster, local: LocalCollection<Command>, attempt: CommitAttempt
    ) {
        let cluster = Cluster()
        let local = try cluster.makeLocal()
        try cluster.run(local) { try local.act(.put(1, 1), id: Cluster.id(1)) }
        let attempt = try #require(try cluster.attempt(local, 1))
        local.attemptHandedOver()
        local.attemptFailed(.unknown)
        return (cluster, local, attempt)
    }

    // protocol: doubt-belongs-to-the-attempt
    @Test("A try that was refused for certain ends no doubt about an earlier one; the log does")
    func doubtStays() throws {
        var (cluster, local, attempt) = try Self.doubtful()
        for _ in 0..<2 {
            #expect(try cluster.attempt(local, 2) == attempt)
            local.attemptHandedOver()
            local.attemptFailed(.refused)
            #expect(local.doubtful.map(\.id) == [Cluster.id(1)])
            #expect(local.told(.refused).outcome == .unknown)
            #expect(local.told(.refused).message.contains("\(Cluster.id(1))"))
            try cluster.update(local)
        }
        let rival = try cluster.makeLocal()
        try cluster.sync(rival, [.put(2, 2)], from: 50)
        try cluster.update(local)
        #expect(local.doubtful.isEmpty)
        #expect(local.told(.refused) == .refused)
    }

    @Test("An attempt none of whose tries was begun is forgotten, and another one made")
    func neverBegun() throws {
        let cluster = Cluster()
        let local = try cluster.makeLocal()
        try cluster.run(local) { try local.act(.put(1, 1), id: Cluster.id(1)) }
        let first = try #require(try cluster.attempt(local, 1))
        local.attemptHandedOver()
        #expect(local.told(.refused).outcome == .unknown, "its try is out")
        local.attemptFailed(.refused)
        #expect(local.told(.refused) == .refused)
        #expect(try #require(try cluster.attempt(local, 2)).payload != first.payload)
    }

    @Test("What a refusal says of an attempt in doubt: fenced and lost end it, the rest does not")
    func refusals() throws {
        let value = TailValue.absent(generation: 0)
        let refusals: [(CommitRefusal, isOver: Bool)] = [
            (.fenced(value), true), (.moved(landing: .absent, value), true),
            (.moved(landing: .notLookedFor, value), false), (.blocked(value), false),
            (.pending(BlockID(.zero), []), false), (.gone(value), false),
        ]
        for (refusal, isOver) in refusals {
            let (cluster, local, attempt) = try Self.doubtful()
            local.attemptHandedOver()
            let error = local.attemptRefused(refusal)
            #expect(local.doubtful.isEmpty == isOver, "\(refusal)")
            if case .gone = refusal {
                #expect(local.told(try #require(error)).outcome == .unknown)
            } else {
                #expect(error == nil)
            }
            let next = try #require(try cluster.attempt(local, 2))
            #expect((next.payload != attempt.payload) == isOver)
            #expect(next.participant == attempt.participant)
        }
    }

    @Test("Without an earlier try, gone is certain, and a landing nobody has looked for is not")
    func firstTry() throws {
        let value = TailValue.absent(generation: 1)
        for refusal in [CommitRefusal.gone(value), .moved(landing: .notLookedFor, value)] {
            let cluster = Cluster()
            let local = try cluster.makeLocal()
            try cluster.run(local) { try local.act(.put(1, 1), id: Cluster.id(1)) }
            _ = try cluster.attempt(local, 1)
            local.attemptHandedOver()
            let error = local.attemptRefused(refusal)
            if case .gone = refusal {
                #expect(local.told(try #require(error)).outcome == .notApplied)
                #expect(local.doubtful.isEmpty)
            } else {
                #expect(local.doubtful.map(\.id) == [Cluster.id(1)])
            }
        }
    }

    #if SIMULATION_HOOKS
    @Test("A doubt that a refusal ends, and a page that nobody sees, are found")
    func planted() throws {
        try SimulationHooks.$plantedBug.withValue(.doubtDroppedByCollection) {
            let (_, local, _) = try Self.doubtful()
            local.attemptHandedOver()
            local.attemptFailed(.refused)
            #expect(local.told(.refused).outcome == .notApplied)
        }
        try SimulationHooks.$plantedBug.withValue(.readTakenForSeen) {
            let comparisons = Comparisons()
            let (cluster, local) = try Self.halfRead(comparisons)
            try cluster.run(local) { try local.act(.put(3, 3), id: Cluster.id(1)) }
            try cluster.update(local)
            #expect(local.revision == Revision(2))
            #expect(
                comparisons.others(of: .put(3, 3)) == [.put(2, 2)], "of put(1, 1) it saw nothing")
        }
    }
    #endif
}
