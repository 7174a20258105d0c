import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made and random histories of actions that are sent more than once, and of queues.
@Suite("The checkers of exactly once and of delivery")
struct OnceCheckerTests {
    private typealias Scene = StructureScene

    private static let outcome = ActionOutcome.tree(.applied(existed: [false]))

    private static func put(_ scene: inout StructureScene) -> ActionRequest {
        scene.request(.tree(TreeAction(operations: [.put(key: [1], value: [1])])))
    }

    private static func landing(_ revision: UInt64) -> ActionLanding {
        ActionLanding(
            position: LogPosition(revision: Revision(revision), index: 0), outcome: outcome)
    }

    private static func once(_ scene: StructureScene, knowsLog: Bool = true) -> [String] {
        let log = StructureLog(
            incarnation: scene.incarnation, kind: scene.kind, entries: scene.entries)
        return OnceChecker.check(scene.history, collection: "x", logs: knowsLog ? [log] : [])
            .violations
    }

    // MARK: Once, good

    @Test("An action sent again and told the same is valid")
    func again() {
        var scene = Scene(.tree)
        let request = Self.put(&scene)
        for kind in [StructureHistory.Kind.act(request), .again(request), .again(request)] {
            let id = scene.begin(kind)
            if scene.entries.isEmpty { scene.land(request, Self.outcome) }
            scene.end(id, .landed(Self.landing(1)))
        }
        #expect(Self.once(scene) == [])
        #expect(Self.once(Scene(.tree)) == [])
    }

    @Test("Of an action of unknown outcome both are valid, that it happened and that it did not")
    func unknown() {
        for hasHappened in [true, false] {
            var scene = Scene(.tree)
            let request = Self.put(&scene)
            scene.end(scene.begin(.act(request)), .unknown)
            if hasHappened { scene.land(request, Self.outcome) }
            #expect(Self.once(scene) == [])
        }
    }

    @Test("A refused action that never happened is valid, and so is one of a life long gone")
    func refused() {
        var scene = Scene(.tree)
        let request = Self.put(&scene)
        scene.end(scene.begin(.act(request)), .notApplied(.deadlineExceeded))
        #expect(Self.once(scene) == [])
        scene = Scene(.tree)
        scene.put(1, 1)
        #expect(Self.once(scene, knowsLog: false) == [])
    }

    @Test("What became of an action may be asked for when nobody was told")
    func status() {
        var scene = Scene(.tree)
        let request = Self.put(&scene)
        scene.end(scene.begin(.act(request)), .unknown)
        scene.land(request, Self.outcome)
        let question = ActionStatusRequest(
            collection: request.collection, incarnation: request.incarnation,
            action: request.action, firstRevision: .zero)
        scene.end(scene.begin(.status(question)), .status(Self.landing(1), asOf: Revision(1)))
        #expect(Self.once(scene) == [])
        scene.end(scene.begin(.status(question)), .status(Self.landing(2), asOf: Revision(2)))
        #expect(Self.once(scene).contains { $0.contains("told to be at 1.0 and at 2.0") })
    }

    // MARK: Once, bad

    @Test("An action that is at two places is found, told or not")
    func twice() {
        var scene = Scene(.tree)
        let request = Self.put(&scene)
        scene.end(scene.begin(.act(request)), .unknown)
        scene.land(request, Self.outcome)
        scene.land(request, Self.outcome)
        #expect(Self.once(scene).contains("an action happened 2 times"))
        #expect(Self.once(scene, knowsLog: false) == [])
        for (kind, revision) in [
            (StructureHistory.Kind.act(request), 1 as UInt64), (.again(request), 2),
        ] {
            scene.end(scene.begin(kind), .landed(Self.landing(revision)))
        }
        #expect(
            Self.once(scene, knowsLog: false) == ["an action was told to be at 1.0 and at 2.0"])
    }

    @Test("An acknowledged action that never happened is found, and a refused one that did")
    func lostAndRefused() {
        var scene = Scene(.tree)
        let request = Self.put(&scene)
        scene.end(scene.begin(.act(request)), .landed(Self.landing(1)))
        #expect(Self.once(scene).contains { $0.contains("and never happened") })
        scene = Scene(.tree)
        scene.end(scene.begin(.act(request)), .notApplied(.deadlineExceeded))
        scene.land(request, Self.outcome)
        #expect(Self.once(scene).contains("an action was refused, and happened"))
        scene.end(scene.begin(.again(request)), .landed(Self.landing(1)))
        #expect(
            Self.once(scene, knowsLog: false) == ["an action was refused, and told to be at 1.0"])
    }

    @Test("An action with two outcomes is found, and a retry taken for a mistake")
    func outcomes() {
        var scene = Scene(.tree)
        let request = Self.put(&scene)
        scene.land(request, Self.outcome)
        scene.end(scene.begin(.act(request)), .landed(Self.landing(1)))
        let other = ActionLanding(
            position: Self.landing(1).position, outcome: .tree(.conflict(check: 0)))
        scene.end(scene.begin(.again(request)), .landed(other))
        #expect(Self.once(scene).contains { $0.contains("two outcomes") })
        scene.end(scene.begin(.again(request)), .notApplied(.actionIDReuse))
        #expect(Self.once(scene).contains { $0.contains("sent again was refused") })
    }

    // MARK: Delivery

    private enum Step {
        case enqueue([UInt8])
        case dequeue([UInt8])
        case unknownEnqueue([UInt8])
        case unknownDequeue(UInt32)
        /// Unknown at first; what it took is told when it is sent again, after everything else.
        case dequeueToldLater([UInt8])
        case refusedEnqueue([UInt8])
    }

    private static func delivery(_ steps: [Step], left: [UInt8]) -> [String] {
        var scene = Scene(.queue)
        var toldLater: [(request: ActionRequest, values: [UInt8])] = []
        for step in steps {
            switch step {
            case .dequeueToldLater(let values):
                let request = scene.request(.queue(.dequeue(countMax: 9)))
                scene.end(scene.begin(.act(request)), .unknown)
                toldLater.append((request, values))
            case .enqueue(let values):
                scene.act(.queue(.enqueue(values.map { [$0] })), .queue(.enqueued))
            case .dequeue(let values):
                scene.act(
                    .queue(.dequeue(countMax: 9)), .queue(.dequeued(values.map { [$0] })))
            case .unknownEnqueue(let values):
                let request = scene.request(.queue(.enqueue(values.map { [$0] })))
                scene.end(scene.begin(.act(request)), .unknown)
            case .refusedEnqueue(let values):
                let request = scene.request(.queue(.enqueue(values.map { [$0] })))
                scene.end(scene.begin(.act(request)), .notApplied(.deadlineExceeded))
            case .unknownDequeue(let count):
                let request = scene.request(.queue(.dequeue(countMax: count)))
                scene.end(scene.begin(.act(request)), .unknown)
            }
        }
        for (request, values) in toldLater {
            let landing = ActionLanding(
                position: LogPosition(revision: Revision(1), index: 0),
                outcome: .queue(.dequeued(values.map { [$0] })))
            scene.end(scene.begin(.again(request)), .landed(landing))
        }
        return DeliveryChecker.check(
            scene.history, collection: "x", remaining: [scene.incarnation: left.map { [$0] }]
        ).violations
    }

    private static let good: [(steps: [Step], left: [UInt8])] = [
        ([], []),
        ([.enqueue([1, 2]), .dequeue([1]), .enqueue([3]), .dequeue([2, 3])], []),
        ([.dequeue([]), .enqueue([1, 2, 3]), .dequeue([1])], [2, 3]),
        // Nobody knows who took the first, or whether it was ever there.
        ([.enqueue([1, 2]), .unknownDequeue(1), .dequeue([2])], []),
        ([.unknownEnqueue([1]), .enqueue([2]), .dequeue([2])], []),
        ([.unknownEnqueue([1]), .enqueue([2]), .dequeue([2, 1])], []),
        ([.refusedEnqueue([1]), .enqueue([2])], [2]),
        // It came out when it was taken, whenever that was told.
        ([.enqueue([1]), .dequeueToldLater([1]), .enqueue([2]), .dequeue([2])], []),
    ]

    private static let bad: [(sentence: String, steps: [Step], left: [UInt8])] = [
        ("delivered twice", [.enqueue([1]), .dequeue([1]), .dequeue([1])], []),
        ("was delivered, and is left", [.enqueue([1]), .dequeue([1])], [1]),
        ("is left twice", [.enqueue([1])], [1, 1]),
        ("neither delivered nor left", [.enqueue([1])], []),
        ("neither delivered nor left", [.enqueue([1, 2]), .unknownDequeue(1)], []),
        ("nobody put it in", [.dequeue([1])], []),
        ("and was refused", [.refusedEnqueue([1]), .dequeue([1])], []),
        ("came out before", [.enqueue([1]), .enqueue([2]), .dequeue([2]), .dequeue([1])], []),
        ("came out before", [.enqueue([1]), .enqueue([2]), .dequeue([2])], [1]),
        ("came out before its predecessor", [.enqueue([1, 2]), .dequeue([2, 1])], []),
        (
            "came out before its predecessor",
            [.enqueue([1, 2]), .dequeue([2]), .dequeue([1])], []
        ),
    ]

    @Test("What is delivered once and in order is valid", arguments: good.indices)
    func validDelivery(number: Int) {
        let (steps, left) = Self.good[number]
        #expect(Self.delivery(steps, left: left) == [])
    }

    @Test("What is lost, doubled or out of turn is found", arguments: bad.indices)
    func invalidDelivery(number: Int) {
        let (sentence, steps, left) = Self.bad[number]
        let violations = Self.delivery(steps, left: left)
        #expect(violations.contains { $0.contains(sentence) }, "\(sentence): \(violations)")
    }

    // MARK: Random

    @Test(
        "Random good histories are valid, and with one action broken they are not",
        arguments: [CollectionKind.tree, .queue])
    func randomOnce(kind: CollectionKind) {
        var generator = SeededGenerator(seed: 19)
        var brokenCount = 0
        var flaggedCount = 0
        while brokenCount < 1000 {
            var scene = LifeScene(kind, &generator)
            #expect(scene.once == [])
            guard scene.breakOnce(&generator) else { continue }
            brokenCount += 1
            if !scene.once.isEmpty { flaggedCount += 1 }
        }
        #expect(flaggedCount >= 990, "\(flaggedCount)")
    }

    @Test("Random good queues are valid, and with one delivery broken they are not")
    func randomDelivery() {
        var generator = SeededGenerator(seed: 20)
        var brokenCount = 0
        var flaggedCount = 0
        while brokenCount < 1000 {
            var scene = LifeScene(.queue, &generator)
            #expect(scene.delivery == [])
            guard scene.breakDelivery(&generator) else { continue }
            brokenCount += 1
            if !scene.delivery.isEmpty { flaggedCount += 1 }
        }
        #expect(flaggedCount >= 990, "\(flaggedCount)")
    }
}
