/// A cycle of dependencies: these transactions cannot have happened one after another.
struct DependencyCycle {
    /// By the field's names, the strongest first: what a weaker isolation allows already is no
    /// news of a stronger one.
    enum Anomaly: String, CaseIterable {
        /// Writes over writes, in a circle.
        case g0 = "G0"
        /// Writes and reads of them, in a circle.
        case g1c = "G1c"
        /// One read of what was written over, by one that the writer depends on.
        case gSingle = "G-single"
        /// Several of them: write skew.
        case g2Item = "G2-item"
        // The same, when it counts as well what had ended when something else began.
        case g0RealTime = "G0-realtime"
        case g1cRealTime = "G1c-realtime"
        case gSingleRealTime = "G-single-realtime"
        case g2ItemRealTime = "G2-item-realtime"

        fileprivate var reasons: Set<DependencyGraph.Reason> {
            switch self {
            case .g0: [.writeWrite]
            case .g1c: [.writeWrite, .writeRead]
            case .gSingle, .g2Item: [.writeWrite, .writeRead, .readWrite]
            case .g0RealTime: [.writeWrite, .realTime]
            case .g1cRealTime: [.writeWrite, .writeRead, .realTime]
            case .gSingleRealTime, .g2ItemRealTime:
                [.writeWrite, .writeRead, .readWrite, .realTime]
            }
        }

        fileprivate var hasOneReadWrite: Bool { self == .gSingle || self == .gSingleRealTime }
    }

    let anomaly: Anomaly
    let edges: [DependencyGraph.Edge]

    /// Nodes that a short cycle is looked for from: the report needs one, not the shortest.
    private static let startCountMax = 16
    /// Reads of what was written over that a way back is looked for from. A history with more of
    /// them in one component is broken anyway; its anomaly may then be told as G2-item.
    private static let readWriteCountMax = 512

    /// One cycle of each component, of the strongest anomaly that it has.
    static func all(in graph: DependencyGraph) -> [DependencyCycle] {
        let everything = Array(0..<graph.nodeCount)
        return graph.components(of: everything, over: Anomaly.g2ItemRealTime.reasons)
            .compactMap { component in
                for anomaly in Anomaly.allCases {
                    if let cycle = cycle(of: anomaly, in: component, graph) { return cycle }
                }
                return nil
            }
    }

    private static func cycle(
        of anomaly: Anomaly, in component: [Int], _ graph: DependencyGraph
    ) -> DependencyCycle? {
        let parts = graph.components(of: component, over: anomaly.reasons)
        guard let part = parts.min(by: { $0.count < $1.count }) else { return nil }
        let edges: [DependencyGraph.Edge]?
        if anomaly.hasOneReadWrite {
            edges =
                parts.lazy.compactMap {
                    cycleOfOneReadWrite(in: $0, anomaly.reasons, graph)
                }.first
        } else {
            let nodes = Set(part)
            edges = part.filter(graph.isTransaction).sorted().prefix(startCountMax)
                .compactMap { graph.cycle(through: $0, in: nodes, over: anomaly.reasons) }
                .min { $0.count < $1.count }
        }
        return edges.map { DependencyCycle(anomaly: anomaly, edges: $0) }
    }

    private static func cycleOfOneReadWrite(
        in part: [Int], _ reasons: Set<DependencyGraph.Reason>, _ graph: DependencyGraph
    ) -> [DependencyGraph.Edge]? {
        let nodes = Set(part)
        let others = reasons.subtracting([.readWrite])
        let candidates = part.sorted().lazy.flatMap { graph.edges(from: $0) }
            .filter { $0.reason == .readWrite && nodes.contains($0.to) }
        var shortest: [DependencyGraph.Edge]?
        for edge in candidates.prefix(readWriteCountMax) {
            guard let back = graph.path(from: edge.to, to: edge.from, in: nodes, over: others)
            else { continue }
            if back.count + 1 < shortest?.count ?? .max { shortest = [edge] + back }
            if shortest?.count == 2 { break }
        }
        return shortest
    }
}
