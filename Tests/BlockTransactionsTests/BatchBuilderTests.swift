import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// What goes into a batch, so that every attempt fits a body and a frame.
@Suite("Building a batch") struct BatchBuilderTests {
    private static let valueBytes = 60_000

    @Test("Many who take from a queue are given as much as fits a body, and the rest with the next")
    func dequeues() throws {
        var scene = TreeScene(proxyCount: 1, kind: .queue)
        for number in 0..<3 as Range<UInt64> {
            let values = (0..<16).map {
                Bytes(repeating: UInt8(16 * number + $0), count: Self.valueBytes)
            }
            try scene.act(number + 1, .queue(.enqueue(values)))
            try scene.prepare()
            try scene.answer()
        }
        for number in 0..<48 as Range<UInt64> {
            try scene.act(100 + number, .queue(.dequeue(countMax: 1)))
        }
        while !scene.proxies[0].writer.isIdle {
            try scene.prepare()
            try scene.answer()
        }
        let bodies = scene.store.log.bodies.suffix(from: 3)
        // The first came alone, for nothing was under way.
        #expect(bodies.map(\.actions.count) == [1, 34, 13])
        #expect(bodies.allSatisfy { $0.canonicalBytes.count <= Limits.bodyBytesMax })
        // One that did not fit any more was run as well, and has left nothing in the entry.
        let differences = try scene.store.log.replayed().differences
        #expect(differences.isEmpty, "\(differences)")
        for number in 0..<48 as Range<UInt64> {
            guard case .acted(let landing)? = scene.answers[100 + number]?.first,
                case .queue(.dequeued(let values)) = landing.outcome
            else {
                Issue.record("\(number)")
                return
            }
            #expect(values == [Bytes(repeating: UInt8(number), count: Self.valueBytes)])
        }
    }

    @Test("While the writes below an action are too many to be listed it is told to come again")
    func lists() throws {
        var scene = TreeScene(proxyCount: 1)
        for number in 1...UInt64(Limits.committedWriteCountMax) {
            try scene.run(number, .put(1, value: UInt8(number % 250 + 3)))
            scene.proxies[0].finalising = []
        }
        let full = scene.store.log.tail.revision.rawValue
        try scene.run(10_000, .put(1, value: 1))
        try scene.run(10_001, .put(1, value: 2))
        guard case .failed(let error)? = scene.answers[10_001]?.first else {
            Issue.record("\(scene.answers[10_001] ?? [])")
            return
        }
        #expect(error.code == .overloaded && error.retryAfter != nil)
        #expect(error.outcome == .notApplied)
        #expect(scene.store.log.tail.revision.rawValue <= full + 1)
    }

    @Test("Of a body that is too large is told how much of it is what the action reads")
    func reads() {
        let body = PreparedBatch.excess(
            bodyBytes: Limits.bodyBytesMax + 1, readCount: 60_000, byteCount: 1 << 22,
            writeCount: 3)
        #expect(body.code == .valueTooLarge)
        #expect(body.message.contains("60000 blocks that it reads"))
        #expect(body.message.contains("bodyBytesMax"))
        let writes = PreparedBatch.excess(
            bodyBytes: 1000, readCount: 3, byteCount: 1 << 23, writeCount: 3)
        #expect(writes.code == .valueTooLarge)
        #expect(writes.message.contains("attemptBytesMax") && !writes.message.contains("reads"))
    }

    @Test("What comes during an attempt is one batch after it, in the order of arrival")
    func batch() throws {
        var scene = DiaryScene(entryCount: 3)
        let first = try scene.propose(7)
        for number in UInt64(8)...11 {
            let effects = scene.append(number, since: 3)
            #expect(effects.attempt == nil)
            #expect(!effects.wantsTail)
        }
        let effects = scene.end(try scene.land(first))
        let second = try #require(effects.attempt?.commit)
        #expect(second.participant.target == Revision(5))
        #expect(try second.actions() == [8, 9, 10, 11].map { Sample.action($0) })
        scene.end(try scene.land(second))
        for index in UInt32(0)..<4 {
            #expect(scene.answers[8 + UInt64(index)] == [.appended(at: 5, index)])
        }
    }

    @Test("An action on cold blocks fetches all that it misses on one level of the tree at once")
    func coldBlocks() throws {
        var scene = TreeScene()
        for number in 0..<UInt64(20) {
            let operations = (0..<10).map {
                TreeOperation.put(key: [UInt8(number), UInt8($0)], value: [1])
            }
            try scene.run(number + 1, TreeAction(operations: operations))
        }
        let keys = (0..<UInt8(20)).map { [$0, 5] as Bytes }
        let action = TreeAction(
            checks: keys.map { .present(key: $0) },
            operations: keys.map { .put(key: $0, value: [2]) })
        try scene.act(100, action, at: 1)
        try scene.readTail(of: 1)
        var roundCount = 0
        while !scene.proxies[1].fetches.isEmpty {
            roundCount += 1
            try scene.fetch(for: 1)
        }
        // The bodies of the log, and a tree of two hundred entries, four to a node.
        #expect(roundCount <= 10)
        try scene.answer(1)
        let values = try scene.store.entries(at: Revision(21)).map(\.value)
        #expect(values.count == 200 && values.filter { $0 == [2] }.count == 20)
    }
}
