import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

extension SampleLog {
    /// The entries as a reader of the log gets them.
    var logEntries: [LogEntry] {
        zip(entries, bodies).map { entry, body in
            LogEntry(
                revision: entry.revision, payload: entry.payload, body: body,
                headerAfter: entry.headerAfter, attempt: entry.attempt,
                wallMilliseconds: entry.wallMilliseconds)
        }
    }

    func makeReplay(_ handler: ReplayHandler? = nil) throws -> HistoryReplay {
        let handler = try #require(handler ?? ReplayHandler(tail.header.kind))
        return HistoryReplay(
            tail.collection, tail.incarnation, header: tail.header, handler: handler)
    }

    /// What the execution of `entries`, or of all there are, finds; and what it made.
    func replayed(
        _ entries: [LogEntry]? = nil
    ) throws -> (replay: HistoryReplay, differences: [ReplayDifference]) {
        var replay = try makeReplay()
        var differences: [ReplayDifference] = []
        for entry in entries ?? logEntries where !replay.isOver {
            differences += replay.execute(entry)
        }
        return (replay, differences)
    }
}

extension LogEntry {
    fileprivate func with(
        body: EntryBody? = nil, header: CollectionHeader?? = nil, revision: Revision? = nil
    ) -> LogEntry {
        LogEntry(
            revision: revision ?? self.revision, payload: payload, body: body ?? self.body,
            headerAfter: header ?? headerAfter, attempt: attempt,
            wallMilliseconds: wallMilliseconds)
    }
}

extension EntryBody {
    fileprivate func with(
        actions: [Action]? = nil, blocks: [TouchedBlock]? = nil, reads: [ReadDependency]? = nil
    ) -> EntryBody {
        EntryBody(
            actions: actions ?? self.actions, blocks: blocks ?? self.blocks,
            reads: reads ?? self.reads, records: records)
    }
}

extension TouchedBlock {
    fileprivate func with(
        block: BlockID? = nil, base: Revision? = nil, payload: PayloadID? = nil,
        transform: Digest? = nil, result: Digest? = nil
    ) -> TouchedBlock {
        TouchedBlock(
            block: block ?? self.block, baseRevision: base ?? baseRevision,
            basePayload: payload ?? basePayload, transformHash: transform ?? transformHash,
            resultHash: result ?? resultHash)
    }
}

/// One way of a log to say what its actions do not do; nil where an entry gives no room for it.
struct Lie: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let change: @Sendable (LogEntry) -> LogEntry?

    private static let other = Digest(domain: "test/other", [])

    private init(_ description: String, _ change: @escaping @Sendable (LogEntry) -> LogEntry?) {
        testDescription = description
        self.change = change
    }

    private static func onBlock(
        _ description: String, _ change: @escaping @Sendable (TouchedBlock) -> TouchedBlock?
    ) -> Lie {
        Lie(description) { entry in
            guard let last = entry.body.blocks.last else { return nil }
            let rest = entry.body.blocks.dropLast()
            let blocks = Array(rest) + [change(last)].compactMap { $0 }
            return entry.with(body: entry.body.with(blocks: blocks))
        }
    }

    private static func onRead(
        _ description: String, _ change: @escaping @Sendable (ReadDependency) -> ReadDependency?
    ) -> Lie {
        Lie(description) { entry in
            guard let last = entry.body.reads.last else { return nil }
            let rest = entry.body.reads.dropLast()
            let reads = Array(rest) + [change(last)].compactMap { $0 }
            return entry.with(body: entry.body.with(reads: reads))
        }
    }

    private static func onAction(
        _ description: String, _ change: @escaping @Sendable (Action) -> Action?
    ) -> Lie {
        Lie(description) { entry in
            guard let last = entry.body.actions.last, let changed = change(last) else { return nil }
            return entry.with(
                body: entry.body.with(actions: entry.body.actions.dropLast() + [changed]))
        }
    }

    /// They are found whatever the entry does.
    static let always: [Lie] = [
        onBlock("a transform hash") { $0.with(transform: other) },
        onBlock("a result hash") { $0.with(result: other) },
        onBlock("a block that is taken to be gone") {
            $0.resultHash == .zero ? nil : $0.with(result: .zero)
        },
        onBlock("a base revision") { $0.with(base: $0.baseRevision.next) },
        onBlock("the payload of a base") { $0.with(payload: Sample.payload(1 << 20)) },
        onBlock("a missing block") { _ in nil },
        onBlock("another block") { $0.with(block: BlockID(other)) },
        Lie("an extra block") { entry in
            let extra = TouchedBlock(
                block: BlockID(other), baseRevision: .zero, basePayload: nil,
                transformHash: other, resultHash: other)
            return entry.with(body: entry.body.with(blocks: entry.body.blocks + [extra]))
        },
        onRead("a missing read") { _ in nil },
        onRead("the revision of a read") {
            ReadDependency(block: $0.block, revision: $0.revision.next)
        },
        Lie("an extra read") { entry in
            let extra = ReadDependency(block: BlockID(other), revision: .zero)
            return entry.with(body: entry.body.with(reads: entry.body.reads + [extra]))
        },
        Lie("a header") { entry in
            var header = CollectionHeader(kind: .tree, encoding: .bytes, capacity: 4)
            header.root = BlockID(other)
            return entry.with(header: header)
        },
        Lie("a header that did not change") { entry in
            entry.headerAfter == nil ? nil : entry.with(header: .some(nil))
        },
        onAction("the outcome of an action") {
            Action(id: $0.id, bytes: $0.bytes, outcome: $0.outcome + [1])
        },
        onAction("an action that is none") {
            Action(id: $0.id, bytes: $0.bytes + [1], outcome: $0.outcome)
        },
        Lie("an entry that is missing") { $0.with(revision: $0.revision.next) },
    ]
}

@Suite("The replay of a history") struct HistoryReplayTests {
    /// A tree with splits, merges, removals, failed conditions and entries of several actions.
    private func treeLog() throws -> SampleLog { try treeScene().store.log }

    private func treeScene() throws -> TreeScene {
        var scene = TreeScene(proxyCount: 1, seed: 7)
        var number: UInt64 = 0
        func act(_ action: TreeAction, _ scene: inout TreeScene) throws {
            number += 1
            try scene.act(number, action)
        }
        for round in 0..<12 as Range<UInt8> {
            for key in 0..<4 as Range<UInt8> {
                try act(.put(round * 4 + key, value: round), &scene)
            }
            let check = TreeAction(
                checks: [.present(key: [200])], operations: [.put(key: [1], value: [round])])
            try act(check, &scene)
            try settle(&scene)
        }
        for key in 0..<44 as Range<UInt8> {
            try act(TreeAction(operations: [.delete(key: [key])]), &scene)
            if key % 3 == 0 { try settle(&scene) }
        }
        try settle(&scene)
        return scene
    }

    private func settle(_ scene: inout TreeScene) throws {
        while !scene.proxies[0].writer.isIdle {
            try scene.prepare()
            try scene.answer()
            scene.now = scene.now.advanced(by: .milliseconds(1))
            try scene.handle(0) { $0.tick(&$1) }
        }
    }

    private func queueLog() throws -> SampleLog {
        var scene = TreeScene(proxyCount: 1, kind: .queue)
        var number: UInt64 = 0
        for round in 0..<12 as Range<UInt8> {
            for _ in 0..<3 {
                number += 1
                let values = (0..<20).map { _ in Bytes(repeating: round, count: 200) }
                try scene.act(number, .queue(.enqueue(values)))
            }
            number += 1
            try scene.act(number, .queue(.dequeue(countMax: UInt32(round) * 7)))
            try settle(&scene)
        }
        return scene.store.log
    }

    // protocol: execution-is-deterministic
    @Test("A tree that splits, merges and refuses comes out as its log says")
    func tree() throws {
        let log = try treeLog()
        #expect(log.bodies.contains { $0.actions.count > 3 })
        #expect(log.bodies.contains { body in body.blocks.contains { $0.resultHash == .zero } })
        let conflicts = try log.bodies.flatMap(\.actions).count {
            if case .tree(.conflict) = try ActionOutcome($0.outcome, kind: .tree) {
                true
            } else {
                false
            }
        }
        #expect(conflicts == 12)
        let (replay, differences) = try log.replayed()
        #expect(differences.isEmpty, "\(differences)")
        #expect(replay.revision == log.tail.revision && !replay.isOver)
        #expect(replay.actionCount == log.bodies.reduce(0) { $0 + $1.actions.count })
    }

    @Test("A queue comes out as its log says, with all that was taken from it")
    func queue() throws {
        let log = try queueLog()
        let (replay, differences) = try log.replayed()
        #expect(differences.isEmpty, "\(differences)")
        #expect(replay.revision == log.tail.revision)
        #expect(log.bodies.contains { body in body.blocks.contains { $0.resultHash == .zero } })
    }

    @Test("A diary is appends without blocks; a block, a read or a header is none of them")
    func diary() throws {
        var log = SampleLog()
        for number in 1...40 as ClosedRange<UInt64> {
            log.append(Sample.body([2 * number, 2 * number + 1]))
        }
        let (replay, differences) = try log.replayed()
        #expect(differences.isEmpty && replay.blockCount == 0 && replay.actionCount == 80)
        for lie in Lie.always {
            guard !lie.testDescription.contains("is none"), let told = lie.change(log.logEntries[0])
            else { continue }
            #expect(try !log.replayed([told]).differences.isEmpty, "\(lie.testDescription)")
        }
    }

    @Test("Every lie about any entry of a tree is found there", arguments: Lie.always)
    func lies(lie: Lie) throws {
        try check(lie, in: treeLog())
    }

    @Test("Every lie about any entry of a queue is found there", arguments: Lie.always)
    func queueLies(lie: Lie) throws {
        try check(lie, in: queueLog())
    }

    private func check(_ lie: Lie, in log: SampleLog) throws {
        var count = 0
        var replay = try log.makeReplay()
        for entry in log.logEntries {
            if let told = lie.change(entry), told != entry {
                var other = replay
                let differences = other.execute(told)
                #expect(!differences.isEmpty, "\(lie.testDescription) at \(entry.revision)")
                #expect(differences.allSatisfy { $0.revision == told.revision })
                count += 1
            }
            #expect(replay.execute(entry).isEmpty)
        }
        #expect(count > 0, "no entry has room for \(lie.testDescription)")
    }

    @Test("Another action in the place of one is found where it does something else")
    func changedActions() throws {
        let log = try treeLog()
        var replay = try log.makeReplay()
        for entry in log.logEntries {
            let actions = entry.body.actions
            for (place, action) in actions.enumerated() {
                let content = TreeAction.put(77, value: 3)
                var changed = actions
                changed[place] = Action(
                    id: action.id, bytes: content.canonicalBytes, outcome: action.outcome)
                let told = entry.with(body: entry.body.with(actions: changed))
                var other = replay
                #expect(!other.execute(told).isEmpty, "\(place) at \(entry.revision)")
                // Its blocks have its id in theirs.
                changed[place] = Action(
                    id: Sample.action(1 << 30), bytes: action.bytes, outcome: action.outcome)
                var third = replay
                let renamed = entry.with(body: entry.body.with(actions: changed))
                let differences = third.execute(renamed)
                let makesBlocks = entry.body.blocks.contains {
                    $0.baseRevision == .zero && $0.resultHash != .zero
                }
                if !makesBlocks { #expect(differences.isEmpty) }
            }
            #expect(replay.execute(entry).isEmpty)
        }
    }

    @Test("After another state nothing is compared any more, after another outcome all the rest is")
    func end() throws {
        let log = try treeLog()
        var entries = log.logEntries
        let place = 5
        let actions = entries[place].body.actions.map {
            Action(id: $0.id, bytes: $0.bytes, outcome: [])
        }
        entries[place] = entries[place].with(body: entries[place].body.with(actions: actions))
        let (whole, outcomes) = try log.replayed(entries)
        #expect(outcomes.count == actions.count && whole.revision == log.tail.revision)
        #expect(outcomes.allSatisfy { !$0.endsReplay })
        entries[place] = entries[place].with(body: entries[place].body.with(blocks: []))
        let (cut, blocks) = try log.replayed(entries)
        #expect(cut.isOver && cut.revision == entries[place].revision)
        #expect(blocks.contains { $0.endsReplay })
    }

    @Test("What replicas give is compared with what the execution made")
    func copies() throws {
        let store = try treeScene().store
        // Before its leaves are merged.
        let entries = Array(store.log.logEntries.prefix(20))
        let (replay, _) = try store.log.replayed(entries)
        let blocks = replay.blocks
        #expect(blocks == blocks.sorted() && blocks.count == replay.blockCount)
        #expect(blocks.count > 2)
        #expect(replay.byteCount == blocks.reduce(0) { $0 + replay.byteCount(of: $1) })
        var newest: [BlockID: CommittedWrite] = [:]
        for entry in entries {
            for block in entry.body.blocks {
                newest[block.block] = CommittedWrite(
                    revision: entry.revision, payload: entry.payload, resultHash: block.resultHash)
            }
        }
        for block in blocks {
            let write = try #require(newest[block])
            let request = BlockReadRequest(
                key: BlockKey(block: block, incarnation: replay.incarnation),
                revision: replay.revision, committed: [write])
            let copy = try #require(store.read(request))
            #expect(replay.difference(of: block, from: copy) == nil)
            let older = CommittedWrite(
                revision: Revision(1), payload: write.payload, resultHash: write.resultHash)
            for (other, bytes) in [(write, nil), (write, [1]), (older, copy.bytes)] as [(_, Bytes?)]
            {
                let wrong = BlockCopy(write: other, baseRevision: .zero, bytes: bytes)
                #expect(replay.difference(of: block, from: wrong) != nil)
            }
            #expect(replay.difference(of: block, from: nil) != nil)
        }
    }

    @Test("A custom collection is executed by its own handler; nobody else has one")
    func custom() throws {
        #expect(ReplayHandler(.custom) == nil)
        var cluster = LocalCollectionTests.Cluster()
        let local = try cluster.makeLocal()
        for number in 0..<40 as Range<UInt8> {
            // What an application looks at before it acts is among the reads of the entry.
            _ = try cluster.run(local) { try local.read { try $0.entries().count } }
            try cluster.run(local) {
                try local.act(
                    number % 3 == 0
                        ? .copy(from: number / 2, to: number) : .put(number, number),
                    id: LocalCollectionTests.Cluster.id(UInt64(number) + 1))
            }
            let attempt = try cluster.run(local) {
                try local.attempt(payload: Sample.payload(UInt64(number)), wallMilliseconds: 0)
            }
            #expect(try cluster.land(try #require(attempt)))
            try cluster.update(local)
        }
        func replay(
            _ behavior: CollectionBehavior<LocalCollectionTests.Command>, _ entries: [LogEntry]
        ) -> [ReplayDifference] {
            var replay = HistoryReplay(
                cluster.collection, cluster.incarnation, header: cluster.header,
                handler: ReplayHandler(behavior))
            return entries.flatMap { replay.isOver ? [] : replay.execute($0) }
        }
        let behavior = LocalCollectionTests.Command.behavior
        #expect(replay(behavior, cluster.entries) == [])
        for lie in Lie.always {
            for (place, entry) in cluster.entries.enumerated() {
                guard let told = lie.change(entry), told != entry else { continue }
                // An extra read that is true may be the application's own.
                if lie.testDescription == "an extra read" { continue }
                if lie.testDescription == "an action that is none" { continue }
                if lie.testDescription == "a missing read" { continue }
                let entries = Array(cluster.entries[..<place]) + [told]
                #expect(!replay(behavior, entries).isEmpty, "\(lie.testDescription) at \(place)")
            }
        }
        let other = CollectionBehavior<LocalCollectionTests.Command>(
            coding: .init(
                encode: { _ in [] },
                decode: { $0[0] == 0 ? .put($0[1], $0[2]) : .copy(from: $0[1], to: $0[2]) }),
            apply: { command, scope in
                if case .put(let key, _) = command { try scope.set([key], [255]) }
            })
        #expect(!replay(other, cluster.entries).isEmpty)
        let refusing = CollectionBehavior<LocalCollectionTests.Command>(
            coding: .init(encode: { _ in [] }, decode: { _ in throw CancellationError() }),
            apply: { _, _ in })
        #expect(replay(refusing, cluster.entries).count == 1)
    }
}
