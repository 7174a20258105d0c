import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// The local side of a custom collection, against a log and a store of blocks held by the test.
@Suite struct LocalCollectionTests {
    /// Copies the value of one key to another, or puts one.
    enum Command: Equatable, Sendable {
        case put(UInt8, UInt8)
        case copy(from: UInt8, to: UInt8)

        static let behavior = CollectionBehavior<Command>(
            coding: .init(
                encode: { command in
                    switch command {
                    case .put(let key, let value): [0, key, value]
                    case .copy(let source, let target): [1, source, target]
                    }
                },
                decode: { $0[0] == 0 ? .put($0[1], $0[2]) : .copy(from: $0[1], to: $0[2]) }),
            apply: { command, scope in
                switch command {
                case .put(let key, let value): try scope.set([key], [value])
                case .copy(let source, let target):
                    try scope.set([target], try scope.value(for: [source]) ?? [])
                }
            })
    }

    /// The cluster's side: a log that takes attempts, and the blocks they leave.
    struct Cluster {
        let collection = CollectionID(name: "custom")
        let incarnation = Incarnation(generation: 1, nonce: Identifier128(7))
        var entries: [LogEntry] = []
        var header = CollectionHeader(kind: .custom, encoding: .bytes, capacity: 64)
        var headerRevision = Revision.zero
        /// Each block after each of its writes, oldest first.
        var versions: [BlockID: [(CommittedWrite, Bytes?)]] = [:]

        var revision: Revision { Revision(UInt64(entries.count)) }

        func page(after: Revision, countMax: Int = .max) -> LogPage {
            let rest = entries.dropFirst(Int(after.rawValue)).prefix(countMax)
            return LogPage(
                entries: Array(rest), revision: revision, header: header,
                headerRevision: headerRevision, checkpoint: .zero, shardCount: 1)
        }

        func makeLocal(
            _ behavior: CollectionBehavior<Command> = Command.behavior
        ) throws -> LocalCollection<Command> {
            let local = LocalCollection(
                collection: collection, incarnation: incarnation, behavior: behavior,
                checkpoint: page(after: revision))
            try update(local)
            return local
        }

        @discardableResult
        func update(
            _ local: LocalCollection<Command>
        ) throws -> CollectionBehavior<Command>.Update {
            while try !local.read(page(after: local.nextPageAfter, countMax: 3)) {}
            var drawn = UInt64(1 << 40) + revision.rawValue << 8
            local.takeOver {
                drawn += 1
                return Cluster.id(drawn)
            }
            return local.takeReport()
        }

        /// Reads one page of one entry, and not the rest.
        func readFirstPage(_ local: LocalCollection<Command>) throws {
            #expect(try !local.read(page(after: local.nextPageAfter, countMax: 1)))
        }

        /// Runs `body` with every block it misses.
        func run<Result>(
            _ local: LocalCollection<Command>, _ body: () throws -> Result
        ) throws -> Result {
            while true {
                do {
                    return try body()
                } catch let missing as MissingBlocks {
                    let requests = local.requests(for: missing)
                    try local.add(requests.map(copy), for: requests)
                }
            }
        }

        private func copy(_ request: BlockReadRequest) -> BlockCopy? {
            let version = versions[request.key.block]?.last { $0.0.revision <= request.revision }
            return version.map {
                BlockCopy(write: $0.0, baseRevision: .zero, bytes: $0.1)
            }
        }

        /// Lands an attempt if it comes in time.
        mutating func land(_ attempt: CommitAttempt) throws -> Bool {
            guard attempt.participant.target == revision.next else { return false }
            let body = try EntryBody(canonicalBytes: attempt.body)
            for write in attempt.writes {
                let base = versions[write.block]?.last
                #expect(base?.0.revision ?? .zero == write.record.baseRevision)
                #expect(base?.0.resultHash ?? .zero == write.record.baseHash)
                let transform = try BlockTransform(canonicalBytes: write.record.transform)
                let before = try base?.1.map { try Block(canonicalBytes: $0) }
                let after = try transform.applied(to: before ?? nil)
                #expect(after?.digest ?? .zero == write.record.resultHash)
                let committed = CommittedWrite(
                    revision: attempt.participant.target, payload: attempt.payload,
                    resultHash: write.record.resultHash)
                versions[write.block, default: []].append((committed, after?.canonicalBytes))
            }
            if let after = attempt.headerAfter {
                header = after
                headerRevision = attempt.participant.target
            }
            entries.append(
                LogEntry(
                    revision: attempt.participant.target, payload: attempt.payload, body: body,
                    headerAfter: attempt.headerAfter, wallMilliseconds: 0))
            return true
        }

        /// Does commands and lands them.
        mutating func sync(
            _ local: LocalCollection<Command>, _ commands: [Command], from id: UInt64
        ) throws {
            try update(local)
            for (offset, command) in commands.enumerated() {
                try run(local) { try local.act(command, id: Cluster.id(id + UInt64(offset))) }
            }
            let attempt = try #require(try self.attempt(local, id))
            #expect(try land(attempt))
            #expect(local.attemptLanded(at: attempt.participant.target))
        }

        func attempt(
            _ local: LocalCollection<Command>, _ id: UInt64
        ) throws -> CommitAttempt? {
            try run(local) {
                try local.attempt(
                    payload: PayloadID(action: Cluster.id(id + 1000), execution: 0),
                    wallMilliseconds: 0)
            }
        }

        func value(_ key: UInt8, _ local: LocalCollection<Command>) throws -> UInt8? {
            try run(local) { try local.read { try $0.value(for: [key])?.first } }
        }

        static func id(_ number: UInt64) -> ActionID {
            ActionID(rawValue: Identifier128(UInt128(number)))
        }
    }

    @Test("D-173: what landed without an answer is found in the log, and never landed again")
    func lostAnswer() throws {
        var cluster = Cluster()
        let local = try cluster.makeLocal()
        try cluster.run(local) { try local.act(.put(1, 1), id: Cluster.id(1)) }
        let attempt = try #require(try cluster.attempt(local, 1))
        #expect(try cluster.land(attempt))
        // The answer is lost. Another try would be the very same attempt.
        #expect(try cluster.attempt(local, 2) == attempt)
        let update = try cluster.update(local)
        #expect(update.landed == [.put(1, 1)])
        #expect(local.pending.isEmpty)
        #expect(try cluster.attempt(local, 3) == nil)
        #expect(try cluster.value(1, local) == 1)
    }

    @Test("An attempt in doubt is the only one until the log has decided; then another is made")
    func doubt() throws {
        var cluster = Cluster()
        let local = try cluster.makeLocal()
        let rival = try cluster.makeLocal()
        try cluster.run(local) { try local.act(.put(1, 1), id: Cluster.id(1)) }
        let attempt = try #require(try cluster.attempt(local, 1))
        try cluster.run(local) { try local.act(.put(2, 2), id: Cluster.id(2)) }
        try cluster.update(local)
        #expect(try cluster.attempt(local, 2) == attempt)
        try cluster.sync(rival, [.put(1, 9)], from: 50)
        try cluster.update(local)
        let next = try #require(try cluster.attempt(local, 3))
        #expect(next.payload != attempt.payload)
        #expect(next.participant.target == Revision(2))
        #expect(
            try EntryBody(canonicalBytes: next.body).actions.map(\.id) == [
                Cluster.id(1), Cluster.id(2),
            ])
        // The old one comes late.
        #expect(try !cluster.land(attempt))
        #expect(try cluster.land(next))
        #expect(local.attemptLanded(at: Revision(2)))
        #expect(try cluster.value(1, local) == 1)
        #expect(try cluster.value(2, local) == 2)
    }

    @Test("D-172: an action that only read what a rival changed runs again")
    func copied() throws {
        var cluster = Cluster()
        let local = try cluster.makeLocal()
        let rival = try cluster.makeLocal()
        try cluster.sync(rival, [.put(1, 1), .put(2, 0)], from: 50)
        try cluster.update(local)
        try cluster.run(local) { try local.act(.copy(from: 1, to: 2), id: Cluster.id(1)) }
        #expect(try cluster.value(2, local) == 1)
        try cluster.sync(rival, [.put(1, 7)], from: 60)
        try cluster.sync(local, [], from: 70)
        #expect(try cluster.value(2, local) == 7)
    }

    @Test(
        "D-16: what others landed is seen after a replay, also by what is read for the first time")
    func replayReadsTheNewRevision() throws {
        var cluster = Cluster()
        let local = try cluster.makeLocal()
        let rival = try cluster.makeLocal()
        try cluster.sync(rival, [.put(1, 1)], from: 50)
        try cluster.update(local)
        try cluster.run(local) { try local.act(.put(1, 2), id: Cluster.id(1)) }
        try cluster.sync(rival, [.put(3, 3)], from: 60)
        try cluster.update(local)
        try cluster.run(local) { try local.replay() }
        #expect(local.untold.isEmpty)
        #expect(try cluster.value(3, local) == 3)
        #expect(try cluster.value(1, local) == 2)
    }

    @Test("D-15, D-32: a page of an older or of no revision is refused, and the revision is kept")
    func monotonic() throws {
        var cluster = Cluster()
        let local = try cluster.makeLocal()
        try cluster.sync(local, [.put(1, 1)], from: 1)
        try cluster.sync(local, [.put(1, 2)], from: 10)
        for revision in [Revision.zero, Revision(1)] {
            #expect(throws: DatabaseError.self) {
                _ = try local.read(
                    LogPage(
                        entries: [], revision: revision, header: cluster.header,
                        headerRevision: .zero, checkpoint: .zero, shardCount: 1))
            }
        }
        #expect(local.revision == Revision(2))
        #expect(try cluster.value(1, local) == 2)
    }

    @Test("An action whose handler fails changes nothing and is not pending")
    func failure() throws {
        let cluster = Cluster()
        let failing = CollectionBehavior<Command>(
            coding: .init(encode: { _ in [] }, decode: { _ in .put(0, 0) }),
            apply: { _, scope in
                try scope.set([1], [1])
                throw DatabaseError(.conflict, "it cannot be done")
            })
        let local = LocalCollection(
            collection: cluster.collection, incarnation: cluster.incarnation, behavior: failing,
            checkpoint: cluster.page(after: .zero))
        #expect(throws: DatabaseError.self) { try local.act(.put(1, 1), id: Cluster.id(1)) }
        #expect(local.pending.isEmpty)
        #expect(try local.read { try $0.value(for: [1]) } == nil)
    }

    @Test("Random commands of three leave what the log says, in its order", arguments: 0..<20)
    func random(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var cluster = Cluster()
        let locals = try (0..<3).map { _ in try cluster.makeLocal() }
        var lost: [CommitAttempt] = []
        for number in 0..<300 as Range<UInt64> {
            let local = locals[generator.below(3)]
            let key = UInt8(generator.below(40))
            switch generator.below(8) {
            case 0..<4:
                let command: Command =
                    generator.chance(1, in: 3)
                    ? .copy(from: key, to: UInt8(generator.below(40)))
                    : .put(key, UInt8(generator.below(256)))
                try cluster.run(local) { try local.act(command, id: Cluster.id(number + 10)) }
            case 4: try cluster.update(local)
            case 5:
                guard !lost.isEmpty else { continue }
                _ = try cluster.land(lost.remove(at: generator.below(lost.count)))
            default:
                guard let attempt = try cluster.attempt(local, number + 5000) else { continue }
                if generator.chance(1, in: 3) {
                    // It arrives late, or never.
                    lost.append(attempt)
                } else if try cluster.land(attempt), generator.chance(2, in: 3) {
                    #expect(local.attemptLanded(at: attempt.participant.target))
                } else {
                    try cluster.update(local)
                }
            }
        }
        var seen: Set<ActionID> = []
        for action in cluster.entries.flatMap(\.body.actions) {
            #expect(seen.insert(action.id).inserted, "\(action.id) is there twice")
        }
        // The model runs the log.
        var model: [UInt8: UInt8] = [:]
        for action in cluster.entries.flatMap(\.body.actions) {
            let bytes = action.bytes
            if bytes[0] == 0 {
                model[bytes[1]] = bytes[2]
            } else {
                model[bytes[2]] = model[bytes[1]]
            }
        }
        let fresh = try cluster.makeLocal()
        for key in 0..<40 as Range<UInt8> {
            #expect(try cluster.value(key, fresh) == model[key])
        }
    }
}
