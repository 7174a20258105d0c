import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made and random histories of trees that are dropped and created again, and whose past is
/// read again.
@Suite("The checkers of lives and of the past")
struct LifeCheckerTests {
    private typealias Scene = StructureScene

    private static func life(_ generation: UInt64, nonce: UInt64 = 0) -> Incarnation {
        Incarnation(generation: generation, nonce: Identifier128(UInt128(nonce)))
    }

    private static func lives(_ scene: StructureScene) -> [String] {
        LifeChecker.check(scene.history, collection: "x").violations
    }

    private static func past(_ scene: StructureScene) -> [String] {
        PastChecker.check(scene.history, collection: "x").violations
    }

    private static func drop(_ scene: inout StructureScene) {
        let id = scene.begin(.drop)
        scene.end(id, .dropped)
    }

    /// A first life with one value, dropped, and a second one with another value.
    private static var twoLives: StructureScene {
        var scene = Scene(.tree)
        scene.put(1, 10)
        drop(&scene)
        scene.incarnation = life(2)
        scene.put(1, 20)
        return scene
    }

    // MARK: Lives, good

    @Test("One life, with nothing in it or something, is valid")
    func one() {
        #expect(Self.lives(Scene(.tree)) == [])
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.get(1, 10, at: 1)
        #expect(Self.lives(scene) == [])
        #expect(LifeChecker.check(scene.history, collection: "x").checkedCount > 2)
    }

    @Test("A second life without anything of the first one is valid")
    func two() {
        var scene = Self.twoLives
        scene.get(1, 20, at: 1)
        scene.get(2, nil, at: 1)
        #expect(Self.lives(scene) == [])
    }

    @Test("The past of a life that is over may still be told")
    func pastLife() {
        var scene = Self.twoLives
        scene.incarnation = Self.life(1)
        scene.get(1, 10, at: 1, isPinned: true)
        #expect(Self.lives(scene) == [])
    }

    @Test("What was asked of a life before it was dropped may be answered after it")
    func during() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        let read = scene.begin(.read(.tree(.values([[1]])), asOf: nil))
        Self.drop(&scene)
        scene.incarnation = Self.life(2)
        scene.put(1, 20)
        scene.end(read, .answered(.treeValues(TreeValues(values: [[10]], asOf: Revision(1)))))
        #expect(Self.lives(scene) == [])
    }

    @Test("A drop that nobody was told of, and a value that was sent to two lives, are valid")
    func unknown() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.end(scene.begin(.drop), .unknown)
        scene.put(2, 11)
        scene.incarnation = Self.life(3)
        scene.put(1, 10)
        scene.get(1, 10, at: 1)
        #expect(Self.lives(scene) == [])
    }

    // MARK: Lives, bad

    @Test("A value of an earlier life is found, and one that nobody sent")
    func foreign() {
        var scene = Self.twoLives
        scene.incarnation = Self.life(1)
        scene.put(2, 33)
        scene.incarnation = Self.life(2)
        scene.get(2, 33, at: 1)
        #expect(Self.lives(scene).contains { $0.contains("seen in life 2, sent to life 1") })
        scene = Self.twoLives
        scene.get(2, 77, at: 1)
        #expect(Self.lives(scene).contains { $0.contains("nobody sent it") })
    }

    @Test("A life that answers after it was dropped is found")
    func dropped() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        Self.drop(&scene)
        scene.get(1, 10, at: 1)
        #expect(Self.lives(scene).contains { $0.contains("life 1 answers when only life 2") })
    }

    @Test("A life that takes an action when a later one was seen is found, without any drop")
    func overtaken() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.incarnation = Self.life(3)
        scene.put(1, 20)
        scene.incarnation = Self.life(1)
        scene.put(2, 11)
        #expect(Self.lives(scene).contains { $0.contains("life 1 answers when only life 3") })
    }

    @Test("Two lives of one generation are found")
    func twins() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.incarnation = Self.life(1, nonce: 7)
        scene.put(1, 20)
        #expect(Self.lives(scene).contains { $0.contains("there are two lives 1") })
    }

    @Test("A value of an earlier life in a queue is found")
    func foreignValue() {
        var scene = Scene(.queue)
        scene.act(.queue(.enqueue([[1]])), .queue(.enqueued))
        Self.drop(&scene)
        scene.incarnation = Self.life(2)
        scene.act(.queue(.dequeue(countMax: 1)), .queue(.dequeued([[1]])))
        #expect(Self.lives(scene).contains { $0.contains("seen in life 2, sent to life 1") })
    }

    // MARK: The past

    private static let range = StructureQuery.tree(
        .range(.all, .forward, bytesMax: 100, countMax: 9))

    private static func page(_ keys: [UInt8], isLast: Bool) -> ClientReply {
        .treePage(
            TreePage(
                entries: keys.map { TreeEntry(key: [$0], value: [$0]) }, asOf: Revision(4),
                isLast: isLast))
    }

    @Test("The same answer to the same question is valid, and so are answers to different ones")
    func samePast() {
        #expect(Self.past(Scene(.tree)) == [])
        var scene = Scene(.tree)
        for _ in 0..<2 { scene.get(1, 10, at: 3, isPinned: true) }
        scene.get(1, 10, at: 3)
        scene.get(1, 11, at: 4)
        scene.get(2, 20, at: 3)
        scene.incarnation = Self.life(2)
        scene.get(1, 12, at: 3)
        #expect(Self.past(scene) == [])
        #expect(PastChecker.check(scene.history, collection: "x").checkedCount == 2)
    }

    @Test("Pages that are cut at different places are valid where they agree")
    func cutPages() {
        for (first, second) in [
            (Self.page([1, 2], isLast: false), Self.page([1, 2, 3], isLast: false)),
            (Self.page([1, 2], isLast: false), Self.page([1, 2, 3], isLast: true)),
            (Self.page([], isLast: true), Self.page([], isLast: true)),
        ] {
            var scene = Scene(.tree)
            scene.read(Self.range, first)
            scene.read(Self.range, asOf: Revision(4), second)
            #expect(Self.past(scene) == [])
        }
    }

    @Test("Another answer to the same question is found, whoever was told it first")
    func otherPast() {
        let count = StructureQuery.tree(.count(.all))
        let peek = StructureQuery.queue(.peek(countMax: 3))
        func values(_ values: [Bytes]) -> ClientReply {
            .queueValues(QueueValues(values: values, asOf: Revision(4)))
        }
        for (query, first, second) in [
            (Self.range, Self.page([1, 2], isLast: true), Self.page([1, 3], isLast: true)),
            (Self.range, Self.page([1, 2], isLast: true), Self.page([1, 2, 3], isLast: true)),
            (Self.range, Self.page([1, 2], isLast: true), Self.page([1, 2], isLast: false)),
            (count, .count(3, asOf: Revision(4)), .count(4, asOf: Revision(4))),
            (peek, values([[1], [2]]), values([[2]])),
            (peek, values([[1]]), values([])),
            (count, .count(3, asOf: Revision(4)), Self.page([1], isLast: true)),
        ] {
            for (left, right) in [(first, second), (second, first)] {
                var scene = Scene(.tree)
                scene.read(query, left)
                scene.read(query, asOf: Revision(4), right)
                #expect(Self.past(scene).contains { $0.contains("of revision 4 than was told") })
            }
        }
    }

    // MARK: Random

    @Test("Random good lives are valid, and with one operation broken they are not")
    func randomLives() {
        var generator = SeededGenerator(seed: 17)
        var brokenCount = 0
        var flaggedCount = 0
        while brokenCount < 1000 {
            var scene = LifeScene(.tree, &generator)
            #expect(scene.lives == [])
            guard scene.breakLife(&generator) else { continue }
            brokenCount += 1
            if !scene.lives.isEmpty { flaggedCount += 1 }
        }
        #expect(flaggedCount >= 990, "\(flaggedCount)")
    }

    @Test(
        "A random past is valid, and with one answer changed it is not",
        arguments: [CollectionKind.tree, .queue])
    func randomPast(kind: CollectionKind) {
        var generator = SeededGenerator(seed: 18)
        var brokenCount = 0
        var flaggedCount = 0
        while brokenCount < 1000 {
            var scene = LifeScene(kind, &generator)
            #expect(scene.past == [])
            guard scene.breakPast(&generator) else { continue }
            brokenCount += 1
            if !scene.past.isEmpty { flaggedCount += 1 }
        }
        #expect(flaggedCount >= 990, "\(flaggedCount)")
    }
}
