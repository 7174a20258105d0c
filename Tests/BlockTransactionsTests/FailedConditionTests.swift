import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

@Suite("Actions that change nothing")
struct FailedConditionTests {
    /// The attempt that `content` alone becomes on a tree or queue with some content.
    private func attempt(
        _ content: ActionContent, kind: CollectionKind, after first: ActionContent
    ) throws -> CommitAttempt {
        var scene = TreeScene(proxyCount: 1, kind: kind)
        try scene.act(1, first)
        try scene.prepare()
        try scene.answer()
        try scene.act(2, content)
        try scene.prepare()
        return try #require(scene.proxies[0].attempt)
    }

    private static let put = ActionContent.tree(.put(1, value: 1))

    @Test(
        "An action whose condition fails is an entry, to be told once, and writes no block")
    func condition() throws {
        let hash = TreeValueHash([9])
        let action = TreeAction(
            checks: [.value(key: [1], hash)],
            operations: [.put(key: [1], value: [2]), .put(key: [7], value: [2])])
        let attempt = try attempt(.tree(action), kind: .tree, after: Self.put)
        #expect(attempt.writes.isEmpty && attempt.headerAfter == nil)
        #expect(attempt.isSmall)
    }

    @Test("To remove what is not there, and to put what is there, writes no block")
    func nothing() throws {
        let absent = TreeAction(operations: [.delete(key: [8])])
        #expect(try attempt(.tree(absent), kind: .tree, after: Self.put).writes.isEmpty)
        #expect(try attempt(Self.put, kind: .tree, after: Self.put).writes.isEmpty)
        let present = TreeAction(
            checks: [.present(key: [8])], operations: [.delete(key: [1])])
        #expect(try attempt(.tree(present), kind: .tree, after: Self.put).writes.isEmpty)
    }

    @Test("A dequeue of an empty queue writes no block")
    func emptyQueue() throws {
        let dequeue = ActionContent.queue(.dequeue(countMax: 1))
        let attempt = try attempt(dequeue, kind: .queue, after: dequeue)
        #expect(attempt.writes.isEmpty && attempt.headerAfter == nil)
    }
}

extension CommitAttempt {
    /// Whether the body rides in the entry, so that no content is stored for it.
    fileprivate var isSmall: Bool { body.count <= Limits.inlineBodyBytesMax }
}
