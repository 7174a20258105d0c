import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// What a batch may be, so that every attempt fits a body and a frame.
@Suite("The limits of a batch") struct BatchLimitTests {
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

    @Test("A queue of actions is bounded in their number and in what they weigh")
    func queue() {
        var scene = AppenderScene()
        for number in 1...UInt64(Limits.collectionQueueCountMax) {
            scene.append(number, since: 0)
        }
        #expect(scene.answers.isEmpty)
        scene.append(0, since: 0)
        guard case .failed(let error)? = scene.answers[0]?.first else {
            Issue.record("\(scene.answers)")
            return
        }
        #expect(error.code == .overloaded && error.retryAfter != nil)
        #expect(error.message.contains("collectionQueueCountMax"))
        // The same action again shares the outcome of the first, however full it is.
        scene.append(1, since: 0, token: 77)
        #expect(scene.answers[77] == nil)

        var heavy = AppenderScene()
        let bytes = Bytes(repeating: 1, count: 60_000)
        let fitting = Limits.collectionQueueBytesMax / (60_000 + Limits.queuedActionBytes)
        for number in 1...UInt64(fitting) { heavy.append(number, bytes: bytes, since: 0) }
        #expect(heavy.answers.isEmpty)
        heavy.append(0, bytes: bytes, since: 0)
        #expect(heavy.answers.count == 1)
    }
}
