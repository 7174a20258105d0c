import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// What one client that asks for much may take from the others.
@Suite("Fairness between clients") struct FairnessTests {
    /// Twenty of these are more than one entry holds.
    private static let large = Bytes(repeating: 1, count: Limits.valueBytesMax)

    private func append(
        _ number: UInt64, _ bytes: Bytes, by client: UInt64, _ scene: inout AppenderScene
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
        var scene = AppenderScene()
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
        var scene = AppenderScene()
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
}
