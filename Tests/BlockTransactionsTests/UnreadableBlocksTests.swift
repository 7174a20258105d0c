import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// One block that cannot be read holds up nobody who does not need it.
@Suite("A block that cannot be read") struct UnreadableBlocksTests {
    /// A tree whose first leaf proxy 1, which has nothing at hand, cannot read.
    private static func scene(_ error: DatabaseError) throws -> (scene: TreeScene, leaf: BlockID) {
        var scene = TreeScene()
        try scene.run(1, .put(10, 20, 30, 40, 50, 60, 70, 80, 90, 100, value: 1))
        try scene.run(2, .put(10, value: 2))
        let leaf = try #require(scene.store.log.bodies.last?.blocks.first?.block)
        scene.store.unreadable[leaf] = error
        return (scene, leaf)
    }

    private static func settle(_ scene: inout TreeScene) throws {
        for _ in 0..<3 {
            try scene.prepare(1)
            try scene.answer(1)
        }
    }

    @Test("Actions that need it are set aside, the others land, and they land when it is back")
    func setAside() throws {
        let error = DatabaseError(.quorumUnavailable, "nobody has it")
        var (scene, leaf) = try Self.scene(error)
        try scene.act(3, .put(10, value: 3), at: 1)
        try scene.act(4, .put(100, value: 4), at: 1)
        try Self.settle(&scene)
        #expect(scene.answers[3] == nil && scene.answers[4]?.count == 1)
        #expect(try scene.store.log.tail.revision == Revision(3))
        // It is asked for again, beside everything else.
        for number in 5...7 as ClosedRange<UInt64> {
            scene.now = scene.now.advanced(by: Limits.unreadableBlockTime)
            try scene.handle(1) { $0.tick(&$1) }
            let asked = scene.proxies[1].fetches
            #expect(asked.count == 1 && asked.first?.purpose == .apart)
            try scene.act(number, .put(100, value: UInt8(number)), at: 1)
            while let place = scene.proxies[1].fetches.firstIndex(where: { $0.purpose == .run }) {
                try scene.fetch(for: 1, place)
            }
            try scene.answer(1)
            #expect(scene.answers[number]?.count == 1, "while that is under way")
            try Self.settle(&scene)
        }
        #expect(scene.answers[3] == nil)
        scene.store.unreadable[leaf] = nil
        scene.now = scene.now.advanced(by: Limits.unreadableBlockTime)
        try scene.handle(1) { $0.tick(&$1) }
        try Self.settle(&scene)
        #expect(scene.answers[3]?.count == 1)
        #expect(
            try scene.store.entries(at: scene.store.log.tail.revision).first?.value == [3])
    }

    @Test("When the time of such an action runs out it is told why, and that nothing was done")
    func expired() throws {
        let error = DatabaseError(.quorumUnavailable, "nobody has it")
        var (scene, _) = try Self.scene(error)
        try scene.act(3, .put(10, value: 3), at: 1)
        try scene.act(4, .put(100, value: 4), at: 1)
        try Self.settle(&scene)
        scene.now = scene.now.advanced(by: .seconds(10))
        try scene.handle(1) { $0.tick(&$1) }
        #expect(scene.answers[3] == [.failed(error)])
        #expect(error.outcome == .notApplied)
        #expect(scene.proxies[1].writer.isIdle)
    }

    @Test("When it is damaged everywhere, who needs it is told at once")
    func damaged() throws {
        let error = DatabaseError(.corrupted, "it is damaged")
        var (scene, _) = try Self.scene(error)
        try scene.act(3, .put(10, value: 3), at: 1)
        try scene.act(4, .put(100, value: 4), at: 1)
        try Self.settle(&scene)
        #expect(scene.answers[3] == [.failed(error)])
        #expect(scene.answers[4]?.count == 1)
        #expect(scene.proxies[1].writer.isIdle)
    }
}
