import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// How actions wait: what one client that asks for much may take from the others, and which
/// requests share an outcome.
@Suite("The queue of actions") struct ActionQueueTests {
    /// Twenty of these are more than one entry holds.
    private static let large = Bytes(repeating: 1, count: Limits.valueBytesMax)

    private func append(
        _ number: UInt64, _ bytes: Bytes, by client: UInt64, _ scene: inout DiaryScene
    ) -> WriterEffects {
        let request = ActionRequest(
            collection: scene.log.tail.collection, incarnation: scene.log.tail.incarnation,
            action: Sample.action(number), firstRevision: scene.log.tail.revision,
            content: .append(bytes))
        let deadline = scene.now.advanced(by: .seconds(10))
        return scene.handle {
            $0.act(request, token: number, client: client, deadline: deadline, &$1)
        }
    }

    @Test("When not all fit an entry the clients take turns, each with its own in order")
    func turns() throws {
        var scene = DiaryScene()
        for number in 1...UInt64(20) { _ = append(number, Self.large, by: 1, &scene) }
        for number in 21...UInt64(22) { _ = append(number, [2], by: 2, &scene) }
        _ = append(23, [3], by: 3, &scene)
        scene.handle { $0.tick(&$1) }
        let effects = scene.readTail()
        let commit = try #require(effects.attempt?.commit)
        let actions = try commit.actions()
        #expect(actions.prefix(5) == [1, 21, 23, 2, 22].map { Sample.action($0) }[...])
        #expect(actions.dropFirst(5).first == Sample.action(3))
        #expect(actions.count < 23)
    }

    @Test("One client fills no more than its part of the queue: others are still let in")
    func parts() throws {
        var scene = DiaryScene()
        let count = Limits.clientQueueBytesMax / Self.large.count
        for number in 1...UInt64(count + 1) { _ = append(number, Self.large, by: 1, &scene) }
        guard case .failed(let error)? = scene.answers[UInt64(count + 1)]?.first else {
            Issue.record("one client may take the whole queue")
            return
        }
        #expect(error.code == .overloaded && error.retryAfter != nil)
        #expect(error.message.contains("clientQueueBytesMax"))
        _ = append(1000, [1], by: 2, &scene)
        #expect(scene.answers[1000] == nil)
    }

    @Test("A queue of actions is bounded in their number and in what they weigh")
    func queue() {
        var scene = DiaryScene()
        for number in 1...UInt64(Limits.collectionQueueCountMax) {
            // All of them come before the writer looks at any: a look is one at the whole queue.
            scene.append(number, since: 0, ticks: number == 1)
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

        var heavy = DiaryScene()
        let bytes = Bytes(repeating: 1, count: 60_000)
        let fitting = Limits.collectionQueueBytesMax / (60_000 + Limits.queuedActionBytes)
        for number in 1...UInt64(fitting) { heavy.append(number, bytes: bytes, since: 0) }
        #expect(heavy.answers.isEmpty)
        heavy.append(0, bytes: bytes, since: 0)
        #expect(heavy.answers.count == 1)
    }

    @Test("A full queue refuses more until some of it has landed; a batch fits a body")
    func overfull() throws {
        var scene = DiaryScene(entryCount: 3)
        let bytes = Bytes(repeating: 1, count: Limits.valueBytesMax)
        let weight = Limits.valueBytesMax + Limits.queuedActionBytes
        let count = UInt64(Limits.collectionQueueBytesMax / weight)
        for number in 0..<count { scene.append(2000 + number, bytes: bytes, since: 3) }
        #expect(scene.answers.isEmpty)
        scene.append(7, bytes: bytes, since: 3)
        let error = try scene.error(7)
        #expect(error.code == .overloaded)
        #expect(error.outcome == .notApplied)
        #expect(error.retryAfter != nil)
        var effects = scene.readTail()
        scene.append(8, bytes: bytes, since: 3)
        while let commit = effects.attempt?.commit {
            #expect(commit.body.count <= Limits.bodyBytesMax)
            effects = scene.end(try scene.land(commit))
        }
        #expect(scene.writer.isIdle)
        #expect(scene.answers.count == Int(count) + 2)
        for (token, replies) in scene.answers where token != 7 {
            guard replies.count == 1, case .acted(let landing) = replies[0] else {
                Issue.record("\(token): \(replies)")
                continue
            }
            let landed = scene.log.bodies[Int(landing.position.revision.rawValue) - 1]
            #expect(landed.actions[Int(landing.position.index)].id == Sample.action(token))
        }
        // What has landed takes no room any more.
        for number in 0..<count {
            scene.append(4000 + number, bytes: bytes, since: scene.log.tail.revision.rawValue)
            #expect(scene.answers[4000 + number] == nil)
        }
    }

    @Test("Everybody who asks for one action is told its one position")
    func joined() throws {
        var scene = DiaryScene(entryCount: 3)
        scene.append(7, since: 3)
        scene.append(7, since: 3, token: 100)
        let commit = try #require(scene.readTail().attempt?.commit)
        #expect(try commit.actions() == [Sample.action(7)])
        scene.append(7, since: 3, token: 101)
        scene.end(try scene.land(commit))
        scene.append(7, since: 3, token: 102)
        for token in [7, 100, 101, 102] as [UInt64] {
            #expect(scene.answers[token] == [.appended(at: 4)])
        }
    }

    @Test("A retry of what is under way joins it, however full the queue is")
    func retryOfFullQueue() throws {
        var scene = DiaryScene(entryCount: 3)
        let c = try scene.propose(7)
        let bytes = Bytes(repeating: 1, count: Limits.valueBytesMax)
        for number in UInt64(0)..<256 { scene.append(2000 + number, bytes: bytes, since: 3) }
        scene.append(7, since: 3, token: 100)
        scene.end(try scene.land(c))
        #expect(scene.answers[100] == [.appended(at: 4)])
    }
}
