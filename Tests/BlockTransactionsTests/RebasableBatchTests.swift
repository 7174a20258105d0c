import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// Batches of a tree that lost their race: rebased or run again
/// (protocol: every-visited-block-is-read, written-blocks-are-computed-again).
@Suite("A batch that lost its race") struct RebasableBatchTests {
    /// Two proxies on a tree of ten keys, which are in several leaves.
    static func grown() throws -> TreeScene {
        var scene = TreeScene()
        try scene.run(1, .put(10, 20, 30, 40, 50, 60, 70, 80, 90, 100, value: 1))
        #expect(scene.store.log.bodies[0].blocks.count > 4)
        return scene
    }

    /// Proxy 0 is outrun by proxy 1. - Returns: The attempts of proxy 0, before and after.
    private static func race(
        _ scene: inout TreeScene, _ slow: TreeAction, _ fast: TreeAction
    ) throws -> (before: CommitAttempt, after: CommitAttempt) {
        try scene.act(2, slow, at: 0)
        try scene.prepare(0)
        let before = try #require(scene.proxies[0].attempt)
        try scene.run(3, fast, at: 1)
        try scene.answer(0)
        try scene.prepare(0)
        let after = try #require(scene.proxies[0].attempt)
        #expect(after.participant.target == before.participant.target.next)
        try scene.answer(0)
        #expect(scene.answers[2]?.count == 1)
        return (before, after)
    }

    @Test("A batch that lost to another leaf lands as it is, under the same payload")
    func rebased() throws {
        var scene = try RebasableBatchTests.grown()
        let (before, after) = try RebasableBatchTests.race(
            &scene, .put(10, value: 2), .put(100, value: 3))
        #expect(after.payload == before.payload)
        #expect(after.body == before.body)
        #expect(after.writes.map(\.record) == before.writes.map(\.record))
        let values = try scene.store.entries(at: Revision(3))
        #expect(values.first?.value == [2])
        #expect(values.last?.value == [3])
    }

    @Test("What a batch made of an action is not taken for another one under the same id")
    func otherActionUnderOneID() throws {
        var scene = try RebasableBatchTests.grown()
        try scene.act(2, .put(10, value: 2))
        try scene.prepare()
        let before = try #require(scene.proxies[0].attempt)
        scene.proxies[0].attempt = nil
        // Its client has given up when the coordinator says that nothing was done.
        scene.now = scene.now.advanced(by: .seconds(20))
        try scene.handle(0) { $0.tick(&$1) }
        let error = DatabaseError(.quorumUnavailable, "no quorum")
        try scene.handle(0) { $0.attemptEnded(.failed(error), &$1) }
        try scene.act(2, .put(10, value: 9))
        try scene.prepare()
        let after = try #require(scene.proxies[0].attempt)
        #expect(after.payload != before.payload)
        try scene.answer(0)
        #expect(try scene.store.entries(at: Revision(2)).first?.value == [9])
    }

    // protocol: written-blocks-are-computed-again
    @Test("A batch that lost to the same leaf is run again, and sees what it lost to")
    func reRun() throws {
        var scene = try RebasableBatchTests.grown()
        let slow = TreeAction(
            checks: [.value(key: [10], TreeValueHash([1]))],
            operations: [.put(key: [10], value: [2])])
        let (before, after) = try RebasableBatchTests.race(&scene, slow, .put(10, value: 3))
        #expect(after.payload != before.payload)
        #expect(after.writes.isEmpty)
        #expect(try scene.store.entries(at: Revision(3)).first?.value == [3])
        guard case .acted(let landing)? = scene.answers[2]?.first else {
            Issue.record("\(scene.answers)")
            return
        }
        #expect(landing.outcome == .tree(.conflict(check: 0)))
    }

    @Test("A batch that read an absent key is run again when the key has come")
    func readAbsence() throws {
        var scene = try RebasableBatchTests.grown()
        let slow = TreeAction(
            checks: [.value(key: [95], nil)], operations: [.put(key: [10], value: [2])])
        let (before, after) = try RebasableBatchTests.race(&scene, slow, .put(95, value: 3))
        #expect(after.payload != before.payload)
        #expect(try scene.store.entries(at: Revision(3)).first?.value == [1])
    }

    @Test("A batch that lost to a new root is run again")
    func newRoot() throws {
        var scene = TreeScene()
        let (before, after) = try RebasableBatchTests.race(
            &scene, .put(10, value: 2), .put(1, 2, 3, 4, 5, value: 3))
        #expect(after.payload != before.payload)
        #expect(try scene.store.entries(at: Revision(2)).count == 6)
    }

    @Test("An attempt that failed is made again under the same payload, here or further on")
    func failed() throws {
        for isOutrun in [false, true] {
            var scene = try RebasableBatchTests.grown()
            try scene.act(2, .put(10, value: 2))
            try scene.prepare()
            let before = try #require(scene.proxies[0].attempt)
            scene.proxies[0].attempt = nil
            if isOutrun { try scene.run(3, .put(100, value: 3), at: 1) }
            try scene.handle(0) { $0.attemptEnded(.failed(.unknown), &$1) }
            try scene.prepare()
            let after = try #require(scene.proxies[0].attempt)
            #expect(after.payload == before.payload)
            #expect(after.participant.target == Revision(isOutrun ? 3 : 2))
            try scene.answer()
            #expect(scene.answers[2]?.count == 1)
            #expect(try scene.store.entries(at: scene.store.log.tail.revision)[0].value == [2])
        }
    }
}
