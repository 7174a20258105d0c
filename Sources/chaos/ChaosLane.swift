import BlockModel
import BlockRuntime
import BlockWorkloads

/// Clients that work on the same collections, one after another: short histories are soon checked.
struct ChaosLane: Sendable {
    /// Operations of one client on one collection.
    private static let operationCount = 60
    /// Keys of a tree of registers: few, so that clients meet.
    private static let registerCount = 6

    enum Workload: String, Sendable {
        case diary, registers, tree, queue
    }

    let name: String
    let workload: Workload
    let clientCount: Int
    /// Whether its clients break their connections in the middle of requests, and send the same
    /// action again through another proxy.
    let breaksConnections: Bool

    static let all = [
        ChaosLane("diary-a", .diary, 3), ChaosLane("diary-b", .diary, 3),
        ChaosLane("diary-once", .diary, 4, breaksConnections: true),
        ChaosLane("registers", .registers, 3),
        ChaosLane("registers-once", .registers, 3, breaksConnections: true),
        ChaosLane("tree", .tree, 2),
        ChaosLane("queue-once", .queue, 2, breaksConnections: true),
    ]

    init(
        _ name: String, _ workload: Workload, _ clientCount: Int, breaksConnections: Bool = false
    ) {
        self.name = name
        self.workload = workload
        self.clientCount = clientCount
        self.breaksConnections = breaksConnections
    }

    /// The client of `number` for the collection of `round`.
    func makeClient(
        _ number: Int, round: Int, generator: SeededGenerator
    ) -> any WorkloadClient {
        let collection = "\(name)-\(round)"
        guard let plan = plan(collection) else {
            return DiaryClient(
                number: number, collection: collection,
                operationCount: ChaosLane.operationCount, valueBytesMax: 400,
                generator: generator)
        }
        return StructureClient(number: number, plan: plan, generator: generator)
    }

    private func plan(_ collection: String) -> StructurePlan? {
        guard workload != .diary else { return nil }
        let isRegisters = workload == .registers
        return StructurePlan(
            name: collection, kind: workload == .queue ? .queue : .tree,
            capacity: workload == .queue ? nil : 4,
            keyCount: isRegisters ? ChaosLane.registerCount : 60,
            operationCount: ChaosLane.operationCount, valueBytesMax: 200, largeValueEvery: nil,
            dropEvery: nil, isRegisters: isRegisters)
    }
}
