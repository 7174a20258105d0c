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
