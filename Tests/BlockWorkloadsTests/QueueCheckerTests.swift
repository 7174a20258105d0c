import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made histories of queues, good and bad.
@Suite("The checker of queues")
struct QueueCheckerTests {
    private typealias Scene = StructureScene

    private func enqueue(_ values: [UInt8], in scene: inout StructureScene) {
        scene.act(.queue(.enqueue(values.map { [$0] })), .queue(.enqueued))
    }

    private func dequeue(
        _ countMax: UInt32, _ values: [UInt8], in scene: inout StructureScene
    ) {
        scene.act(
            .queue(.dequeue(countMax: countMax)), .queue(.dequeued(values.map { [$0] })))
    }

    @Test("First in, first out, and nothing of an empty queue, is valid")
    func good() {
        var scene = Scene(.queue)
        dequeue(3, [], in: &scene)
        enqueue([1, 2, 3], in: &scene)
        dequeue(2, [1, 2], in: &scene)
        enqueue([4], in: &scene)
        scene.read(
            .queue(.peek(countMax: 9)),
            .queueValues(QueueValues(values: [[3], [4]], asOf: Revision(4))))
        scene.read(.queue(.count), asOf: Revision(2), .count(3, asOf: Revision(2)))
        dequeue(9, [3, 4], in: &scene)
        #expect(scene.result.violations == [])
    }

    @Test("Taking from an empty queue takes nothing, and so does taking none")
    func nothing() {
        var scene = Scene(.queue)
        #expect(scene.result.violations == [])
        dequeue(0, [], in: &scene)
        enqueue([1], in: &scene)
        dequeue(0, [], in: &scene)
        dequeue(5, [1], in: &scene)
        dequeue(5, [], in: &scene)
        scene.read(.queue(.count), .count(0, asOf: Revision(5)))
        #expect(scene.result.violations == [])
    }

    @Test("The past of a queue is what it was then")
    func past() {
        var scene = Scene(.queue)
        enqueue([1, 2], in: &scene)
        dequeue(1, [1], in: &scene)
        for (revision, values) in [(0, []), (1, [[1], [2]]), (2, [[2]])] as [(UInt64, [Bytes])] {
            let asOf = Revision(revision)
            scene.read(
                .queue(.peek(countMax: 9)), asOf: asOf,
                .queueValues(QueueValues(values: values, asOf: asOf)))
        }
        #expect(scene.result.violations == [])
    }

    @Test("Of a dequeue of unknown outcome both are valid, that it took something and that not")
    func unknown() {
        for hasTaken in [true, false] {
            var scene = Scene(.queue)
            enqueue([1, 2], in: &scene)
            let request = scene.request(.queue(.dequeue(countMax: 1)))
            scene.end(scene.begin(.act(request)), .unknown)
            if hasTaken { scene.land(request, .queue(.dequeued([[1]]))) }
            dequeue(1, hasTaken ? [2] : [1], in: &scene)
            #expect(scene.result.violations == [])
        }
    }

    @Test("Two that take at the same time take one after the other")
    func concurrent() {
        var scene = Scene(.queue)
        enqueue([1, 2], in: &scene)
        let first = scene.request(.queue(.dequeue(countMax: 1)))
        let second = scene.request(.queue(.dequeue(countMax: 1)))
        let ids = [scene.begin(.act(first)), scene.begin(.act(second))]
        let outcomes = [[2], [1]].map { ActionOutcome.queue(.dequeued([$0])) }
        let later = scene.land(second, outcomes[1])
        let earlier = scene.land(first, outcomes[0])
        scene.end(ids[0], .landed(ActionLanding(position: earlier, outcome: outcomes[0])))
        scene.end(ids[1], .landed(ActionLanding(position: later, outcome: outcomes[1])))
        #expect(scene.result.violations == [])
    }

    @Test("A value that was told otherwise than it was taken is found")
    func toldOtherwise() {
        var scene = Scene(.queue)
        enqueue([1, 2], in: &scene)
        let request = scene.request(.queue(.dequeue(countMax: 1)))
        let id = scene.begin(.act(request))
        let position = scene.land(request, .queue(.dequeued([[1]])))
        let told = ActionOutcome.queue(.dequeued([[2]]))
        scene.end(id, .landed(ActionLanding(position: position, outcome: told)))
        #expect(scene.hasViolation("the outcome at 2.0 was told as"))
    }

    @Test("A value that is taken twice is found")
    func twice() {
        var scene = Scene(.queue)
        enqueue([1, 2], in: &scene)
        dequeue(1, [1], in: &scene)
        dequeue(1, [1], in: &scene)
        #expect(scene.hasViolation("a value was taken twice"))
    }

    @Test("A value taken out of turn is found, one passed over, and one that was never there")
    func outOfTurn() {
        for values in [[2], [2, 1], [1, 3], [7], []] as [[UInt8]] {
            var scene = Scene(.queue)
            enqueue([1, 2, 3], in: &scene)
            dequeue(2, values, in: &scene)
            #expect(scene.hasViolation("the outcome at 2.0"), "\(values)")
        }
    }

    @Test("A look at the front that shows something else is found, and a wrong count")
    func peek() {
        var scene = Scene(.queue)
        enqueue([1, 2], in: &scene)
        scene.read(
            .queue(.peek(countMax: 9)),
            .queueValues(QueueValues(values: [[2]], asOf: Revision(1))))
        #expect(scene.hasViolation("not at the front"))
        scene = Scene(.queue)
        enqueue([1, 2], in: &scene)
        scene.read(.queue(.count), .count(3, asOf: Revision(1)))
        #expect(scene.hasViolation("3 values of 2"))
    }
}
