import BlockModel
import BlockRuntime

/// An anomaly that transactions over several collections must never show, by its name in the field.
package enum Anomaly: String, CaseIterable, Hashable, Sendable {
    case registers
    case longFork
    case causalReverse
    case writeSkew
    case tornWrite

    /// What its clients do, and how it is seen.
    var workload: any AnomalyWorkload.Type {
        switch self {
        case .registers: RegisterTransactions.self
        case .longFork: LongFork.self
        case .causalReverse: CausalReverse.self
        case .writeSkew: WriteSkew.self
        case .tornWrite: TornWrite.self
        }
    }

    /// Whether a history shows it, or a read of what was never written.
    package func check(_ history: AnomalyHistory) -> CheckResult { workload.check(history) }
}

/// What the clients of one anomaly do, and how it is seen.
protocol AnomalyWorkload {
    /// What a client does next.
    static func draw(
        _ draw: inout AnomalyDraw, _ history: inout AnomalyHistory
    ) -> AnomalyIntent

    /// What is written once `reads` are known to have been so at one moment.
    static func writes(
        of intent: AnomalyIntent, after reads: [AnomalyHistory.Read], _ draw: inout AnomalyDraw
    ) -> [AnomalyHistory.Write]

    static func check(_ history: AnomalyHistory) -> CheckResult
}

extension AnomalyWorkload {
    static func writes(
        of intent: AnomalyIntent, after reads: [AnomalyHistory.Read], _ draw: inout AnomalyDraw
    ) -> [AnomalyHistory.Write] {
        intent.writes
    }
}

/// What one transaction is about to do.
struct AnomalyIntent: Sendable {
    /// All as of one moment.
    var reads: [AnomalyHistory.Place] = []
    /// Reads everything there is instead.
    var readsAll = false
    /// Not all of them are read before.
    var writes: [AnomalyHistory.Write] = []
}

/// What a client draws its transactions from.
struct AnomalyDraw: Sendable {
    let plan: AnomalyPlan
    let client: Int
    var generator: SeededGenerator
    private var sequence = 0

    init(plan: AnomalyPlan, client: Int, generator: SeededGenerator) {
        self.plan = plan
        self.client = client
        self.generator = generator
    }

    /// A value that is nowhere else in the run.
    mutating func value(_ prefix: String = "") -> Bytes {
        sequence += 1
        return Bytes("\(prefix)\(client):\(sequence)".utf8)
    }
}

/// What the clients that hunt for an anomaly work on.
package struct AnomalyPlan: Hashable, Sendable {
    package let anomaly: Anomaly
    package let collectionNames: [String]
    /// Of a node of a tree: small, so that splits and merges happen all the time.
    package let capacity: UInt32
    /// Keys of each tree that is written again and again: few, so that clients meet.
    package let keyCount: Int
    /// Transactions of each client.
    package let operationCount: Int

    package init(
        _ anomaly: Anomaly, collectionNames: [String], capacity: UInt32, keyCount: Int,
        operationCount: Int
    ) {
        self.anomaly = anomaly
        self.collectionNames = collectionNames
        self.capacity = capacity
        self.keyCount = keyCount
        self.operationCount = operationCount
    }

    /// Trees, but for one of each kind where halves of writes are looked for.
    package func kind(of collection: Int) -> CollectionKind {
        guard anomaly == .tornWrite else { return .tree }
        return [.tree, .diary, .queue][collection % 3]
    }

    /// The places of a number, one in each collection.
    func places(_ number: Int) -> [AnomalyHistory.Place] {
        collectionNames.indices.map {
            AnomalyHistory.Place($0, StructureClient.key(number))
        }
    }

    /// The places that are there from the beginning on, which a read of everything shows also where
    /// they have no value.
    var fixedPlaces: [AnomalyHistory.Place] {
        switch anomaly {
        case .registers, .writeSkew: (0..<keyCount).flatMap { places($0) }
        case .longFork, .causalReverse, .tornWrite: []
        }
    }
}
