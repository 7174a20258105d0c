import BlockModel
import BlockRuntime
import BlockWorkloads

/// Clients that work on the same collections, one after another: short histories are soon checked.
struct ChaosLane: Sendable {
    /// Operations of one client on one collection.
    private static let operationCount = 60
    /// Keys of a tree of registers: few, so that clients meet.
    private static let registerCount = 6

    /// One of so many operations drops the collection, where that is what a lane does.
    private static let dropEvery = 20

    enum Workload: String, Sendable {
        case diary, registers, tree, queue
        /// A tree that is dropped and created again.
        case lives
        /// Transactions that append to lists, and that count.
        case lists, counters
        /// Local collections with an application's own actions; attempts that clients send as
        /// they are, again and again.
        case custom, attempts
        /// Transfers between three trees, with a line in a ledger.
        case bank
        /// Transactions that append to lists in three trees.
        case spread
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
        ChaosLane("lists", .lists, 3),
        ChaosLane("lists-once", .lists, 3, breaksConnections: true),
        ChaosLane("counters-once", .counters, 2, breaksConnections: true),
        ChaosLane("bank", .bank, 3),
        ChaosLane("spread", .spread, 3),
        ChaosLane("spread-once", .spread, 3, breaksConnections: true),
        ChaosLane("bank-once", .bank, 3, breaksConnections: true),
        ChaosLane("lives", .lives, 3),
        ChaosLane("custom-once", .custom, 3, breaksConnections: true),
        ChaosLane("attempts-once", .attempts, 2, breaksConnections: true),
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
        switch workload {
        case .diary:
            return DiaryClient(
                number: number, collection: collection,
                operationCount: ChaosLane.operationCount, valueBytesMax: 400,
                generator: generator)
        case .lists, .counters:
            let plan = TransactionPlan(
                name: collection, workload: workload == .lists ? .lists : .counters, capacity: 4,
                keyCount: ChaosLane.registerCount, operationCount: ChaosLane.operationCount)
            return TransactionClient(number: number, plan: plan, generator: generator)
        case .bank:
            let plan = BankPlan(
                branchNames: (1...3).map { "\(collection)-\($0)" },
                ledgerName: "\(collection)-ledger", accountCount: 3, capacity: 4,
                operationCount: ChaosLane.operationCount)
            // A transfer's name has the number of its client: unique in the run.
            return BankClient(
                number: number + round * 1000, plan: plan, generator: generator)
        case .spread:
            let plan = SpreadPlan(
                name: collection, treeNames: (1...3).map { "\(collection)-\($0)" },
                hasCustom: true, capacity: 4, keyCount: 3, operationCount: ChaosLane.operationCount)
            return SpreadClient(number: number, plan: plan, generator: generator)
        case .custom, .attempts:
            let plan = CustomPlan(
                name: collection, capacity: 4, sheetCount: ChaosLane.registerCount,
                operationCount: ChaosLane.operationCount, dropEvery: nil,
                isRaw: workload == .attempts)
            return CustomClient(number: number, plan: plan, generator: generator)
        case .registers, .tree, .queue, .lives:
            return StructureClient(number: number, plan: plan(collection), generator: generator)
        }
    }

    private func plan(_ collection: String) -> StructurePlan {
        let isRegisters = workload == .registers
        return StructurePlan(
            name: collection, kind: workload == .queue ? .queue : .tree,
            capacity: workload == .queue ? nil : 4,
            keyCount: isRegisters ? ChaosLane.registerCount : 60,
            operationCount: ChaosLane.operationCount, valueBytesMax: 200, largeValueEvery: nil,
            dropEvery: workload == .lives ? ChaosLane.dropEvery : nil, isRegisters: isRegisters)
    }
}
