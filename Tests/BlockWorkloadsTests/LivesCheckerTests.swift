import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made and random histories of collections that are created and dropped.
@Suite("The checker of lives and of who asked for them")
struct LivesCheckerTests {
    private typealias Answer = LivesHistory.Answer

    private struct Scene {
        var history = LivesHistory()
        var lives: [ObservedLife] = []
        private var clock: Int64 = 0

        static func action(_ number: UInt64) -> ActionID {
            ActionID(rawValue: Identifier128(UInt128(number)))
        }

        static func life(_ generation: UInt64) -> Incarnation {
            Incarnation(generation: generation, nonce: Identifier128(UInt128(generation)))
        }

        mutating func send(_ kind: LivesHistory.Kind, _ action: UInt64, _ answer: Answer) {
            clock += 2
            let id = history.send(
                kind, Self.action(action), of: "x", at: Instant(nanoseconds: clock))
            history.tell(id, answer, at: Instant(nanoseconds: clock + 1))
        }

        mutating func live(_ generation: UInt64, by creator: UInt64, endedBy drop: UInt64? = nil) {
            lives.append(
                ObservedLife(
                    incarnation: Self.life(generation), createdBy: Self.action(creator),
                    droppedBy: drop.map(Self.action), isOver: drop != nil))
        }

        var violations: [String] {
            LivesChecker.check(history, collection: "x", lives: lives).violations
        }
    }

    private func expect(_ sentence: String, _ scene: Scene) {
        let violations = scene.violations
        #expect(violations.contains { $0.contains(sentence) }, "\(sentence): \(violations)")
    }

    /// Life 1, begun by 1 and ended by 2; life 2, begun by 3.
    private static var two: Scene {
        var scene = Scene()
        scene.send(.create(after: 0), 1, .life(Scene.life(1), createdBy: Scene.action(1)))
        scene.send(.drop(Scene.life(1)), 2, .dropped)
        scene.send(.create(after: 1), 3, .life(Scene.life(2), createdBy: Scene.action(3)))
        scene.live(1, by: 1, endedBy: 2)
        scene.live(2, by: 3)
        return scene
    }

    // MARK: Good

    @Test("Lives that were asked for, one after another, are valid")
    func lives() {
        #expect(Scene().violations == [])
        #expect(Self.two.violations == [])
    }

    @Test("A request of unknown outcome may have been carried out, and may not")
    func unknown() {
        var scene = Self.two
        scene.send(.create(after: 2), 4, .unknown)
        scene.send(.drop(Scene.life(2)), 5, .unknown)
        #expect(scene.violations == [])
        scene.lives.removeLast()
        scene.live(2, by: 3, endedBy: 5)
        scene.live(3, by: 4)
        #expect(scene.violations == [])
    }

    @Test("A creation may be answered by the life that another one began")
    func other() {
        var scene = Self.two
        scene.send(.create(after: 1), 9, .life(Scene.life(2), createdBy: Scene.action(3)))
        #expect(scene.violations == [])
    }

    @Test("A try that did nothing may follow one that did, and a drop may have come too late")
    func tries() {
        var scene = Self.two
        scene.send(.create(after: 1), 3, .notBegun)
        scene.send(.drop(Scene.life(1)), 2, .notBegun)
        scene.send(.drop(Scene.life(1)), 8, .never)
        scene.send(.create(after: 0), 7, .never)
        #expect(scene.violations == [])
    }

    @Test("Who ended a life need not be known any more")
    func forgotten() {
        var scene = Self.two
        scene.lives[0] = ObservedLife(
            incarnation: Scene.life(1), createdBy: Scene.action(1), droppedBy: nil, isOver: true)
        #expect(scene.violations == [])
    }

    // MARK: Bad

    @Test("A life that nobody asked for is found, and one creation of two lives")
    func creators() {
        var scene = Self.two
        scene.live(3, by: 77)
        expect("nobody asked for life 3", scene)
        scene = Self.two
        scene.live(3, by: 1)
        expect("lives 1 and 3 were begun by one creation", scene)
        expect("life 3 was begun by a creation of another one", scene)
    }

    @Test("A creation that was told to have done nothing and began a life is found")
    func deniedCreation() {
        for answer in [Answer.never, .notBegun] {
            var scene = Self.two
            scene.send(.create(after: 2), 4, answer)
            scene.live(3, by: 4)
            expect("a creation was told to have done nothing, and began life 3", scene)
        }
    }

    @Test("An answer by a life that never was, or that another creation began, is found")
    func inventedLife() {
        var scene = Self.two
        scene.send(.create(after: 1), 3, .life(Scene.life(9), createdBy: Scene.action(3)))
        expect("which never was", scene)
        scene = Self.two
        scene.send(.create(after: 1), 4, .life(Scene.life(2), createdBy: Scene.action(4)))
        expect("life 2 was told to be begun by another creation", scene)
    }

    @Test("A life that ended without a drop of it is found")
    func destroyed() {
        var scene = Self.two
        scene.lives[1] = ObservedLife(
            incarnation: Scene.life(2), createdBy: Scene.action(3), droppedBy: Scene.action(2),
            isOver: true)
        expect("life 2 ended, and nobody dropped it", scene)
        expect("life 2 was ended by a drop of another one", scene)
    }

    @Test("A drop that was acknowledged and did nothing is found")
    func lostDrop() {
        var scene = Self.two
        scene.send(.drop(Scene.life(2)), 6, .dropped)
        expect("a drop of life 2 was acknowledged, and it is not over", scene)
    }

    @Test("A drop that was told to have done nothing and did is found, and two that did it")
    func deniedDrop() {
        var scene = Self.two
        scene.send(.drop(Scene.life(1)), 2, .never)
        expect("a drop was told to have done nothing, and ended life 1", scene)
        expect("told to be done, and to do nothing", scene)
        scene = Self.two
        scene.send(.drop(Scene.life(1)), 6, .dropped)
        expect("2 drops were told to have ended life 1", scene)
    }

    // MARK: Random

    @Test("Random good histories are valid, and with one answer or life broken they are not")
    func random() {
        var generator = SeededGenerator(seed: 31)
        for _ in 0..<1000 {
            var scene = Scene()
            let count = 2 + UInt64(generator.below(5))
            for generation in 1...count {
                let (creator, drop) = (generation * 10, generation * 10 + 5)
                let own = Answer.life(
                    Scene.life(generation), createdBy: Scene.action(creator))
                scene.send(
                    .create(after: generation - 1), creator,
                    generator.chance(1, in: 3) ? .unknown : own)
                if generator.chance(1, in: 3) {
                    scene.send(.create(after: generation - 1), creator + 1, own)
                }
                if generator.chance(1, in: 4) {
                    scene.send(.create(after: generation - 1), creator + 2, .never)
                }
                let isOver = generation < count
                if isOver {
                    scene.send(
                        .drop(Scene.life(generation)), drop,
                        generator.chance(1, in: 3) ? .unknown : .dropped)
                }
                scene.live(generation, by: creator, endedBy: isOver ? drop : nil)
            }
            #expect(scene.violations == [])
            let victim = 1 + UInt64(generator.below(Int(count) - 1))
            switch generator.below(4) {
            case 0: scene.send(.create(after: victim - 1), victim * 10, .never)
            case 1: scene.send(.drop(Scene.life(victim)), victim * 10 + 5, .never)
            case 2: scene.send(.drop(Scene.life(count)), 999, .dropped)
            default: scene.live(count + 1, by: victim * 10)
            }
            #expect(!scene.violations.isEmpty)
        }
    }
}
