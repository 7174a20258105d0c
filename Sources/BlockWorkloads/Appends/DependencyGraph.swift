import BlockRuntime

/// What must have come before what: transactions as nodes, and edges with the reason for each.
struct DependencyGraph {
    enum Reason: UInt8, Hashable, Sendable {
        /// It wrote the version that the other one wrote over.
        case writeWrite
        /// It wrote the version that the other one read.
        case writeRead
        /// It read the version that the other one wrote over.
        case readWrite
        /// It had ended when the other one began.
        case realTime
    }

    struct Edge: Hashable, Sendable {
        let from: Int
        let to: Int
        let reason: Reason
        /// What both have to do with, by number; none for real time.
        let key: Int?
    }

    /// Transactions are the nodes from 0 on; those from here on stand for moments.
    let transactionCount: Int
    private(set) var nodeCount: Int
    private var edges: [Edge] = []
    /// Where the edges of each node begin, once they are sorted by where they come from.
    private var starts: [Int] = []

    init(transactionCount: Int) {
        self.transactionCount = transactionCount
        nodeCount = transactionCount
    }

    mutating func connect(_ from: Int, _ to: Int, _ reason: Reason, key: Int? = nil) {
        if from != to { edges.append(Edge(from: from, to: to, reason: reason, key: key)) }
    }

    /// Connects whatever had ended when something else began.
    ///
    /// Of each end a moment is made, which the later ones follow: as many edges as transactions
    /// instead of their square.
    /// - Parameter times: Of each transaction; one that never ended, or may never have, has no end.
    mutating func connectRealTime(_ times: [(invoked: Instant, completed: Instant?)?]) {
        let ended = times.indices.compactMap { number in
            times[number]?.completed.map { (completed: $0, number: number) }
        }.sorted { $0 < $1 }
        let first = nodeCount
        nodeCount += ended.count
        for (place, end) in ended.enumerated() {
            connect(end.number, first + place, .realTime)
            if place > 0 { connect(first + place - 1, first + place, .realTime) }
        }
        for (number, time) in times.enumerated() {
            guard let time else { continue }
            var low = 0
            var high = ended.count
            while low < high {
                let middle = (low + high) / 2
                if ended[middle].completed < time.invoked {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            if low > 0 { connect(first + low - 1, number, .realTime) }
        }
    }

    /// Sorts the edges: none is added after this.
    mutating func seal() {
        starts = Array(repeating: 0, count: nodeCount + 1)
        for edge in edges { starts[edge.from + 1] += 1 }
        for node in 0..<nodeCount { starts[node + 1] += starts[node] }
        var places = starts
        var sorted = edges
        for edge in edges {
            sorted[places[edge.from]] = edge
            places[edge.from] += 1
        }
        edges = sorted
    }

    func edges(from node: Int) -> ArraySlice<Edge> { edges[starts[node]..<starts[node + 1]] }

    func isTransaction(_ node: Int) -> Bool { node < transactionCount }

    // MARK: Components

    /// Sets of nodes of which each is reached from each other, by edges of `reasons` within
    /// `nodes`; those with two transactions at least. Tarjan's algorithm, without recursion.
    /// - Complexity: Nodes and edges.
    func components(
        of nodes: [Int], over reasons: Set<Reason>
    ) -> [[Int]] {
        var search = ComponentSearch(graph: self, nodes: nodes, reasons: reasons)
        return search.run()
    }

    /// A cycle of few transactions through `start`, by edges of `reasons` within `nodes`.
    func cycle(through start: Int, in nodes: Set<Int>, over reasons: Set<Reason>) -> [Edge]? {
        path(from: start, to: start, in: nodes, over: reasons)
    }

    /// The path of the fewest transactions; one that begins where it ends has an edge at least.
    func path(
        from start: Int, to end: Int, in nodes: Set<Int>, over reasons: Set<Reason>
    ) -> [Edge]? {
        var cameBy: [Int: Edge] = [:]
        // Moments cost nothing: they are gone through before the next transactions are.
        var near = [start]
        var far: [Int] = []
        while !near.isEmpty || !far.isEmpty {
            if near.isEmpty { swap(&near, &far) }
            guard let node = near.popLast() else { break }
            for edge in edges(from: node) where reasons.contains(edge.reason) {
                guard nodes.contains(edge.to), cameBy[edge.to] == nil else { continue }
                if edge.to == start, start != end { continue }
                cameBy[edge.to] = edge
                if edge.to == end { return unwind(from: start, to: end, cameBy) }
                if isTransaction(edge.to) { far.append(edge.to) } else { near.append(edge.to) }
            }
        }
        return nil
    }

    private func unwind(from start: Int, to end: Int, _ cameBy: [Int: Edge]) -> [Edge] {
        var path: [Edge] = []
        var node = end
        repeat {
            guard let edge = cameBy[node] else { break }
            path.append(edge)
            node = edge.from
        } while node != start
        return path.reversed()
    }
}

/// One run of Tarjan's algorithm.
private struct ComponentSearch {
    private struct Visit {
        let node: Int
        var next: Int
    }

    let graph: DependencyGraph
    let nodes: [Int]
    let reasons: Set<DependencyGraph.Reason>
    private let isWithin: [Bool]
    /// The order of the first visit, from 1; 0: not visited.
    private var order: [Int]
    private var low: [Int]
    private var isOnStack: [Bool]
    private var stack: [Int] = []
    private var visitedCount = 0
    private var found: [[Int]] = []

    init(graph: DependencyGraph, nodes: [Int], reasons: Set<DependencyGraph.Reason>) {
        self.graph = graph
        self.nodes = nodes
        self.reasons = reasons
        var isWithin = Array(repeating: false, count: graph.nodeCount)
        for node in nodes { isWithin[node] = true }
        self.isWithin = isWithin
        order = Array(repeating: 0, count: graph.nodeCount)
        low = order
        isOnStack = Array(repeating: false, count: graph.nodeCount)
    }

    mutating func run() -> [[Int]] {
        for node in nodes where order[node] == 0 { visit(node) }
        return found
    }

    private mutating func enter(_ node: Int) -> Visit {
        visitedCount += 1
        order[node] = visitedCount
        low[node] = visitedCount
        stack.append(node)
        isOnStack[node] = true
        return Visit(node: node, next: graph.edges(from: node).startIndex)
    }

    private mutating func visit(_ root: Int) {
        var visits = [enter(root)]
        while let visit = visits.last {
            let edges = graph.edges(from: visit.node)
            if visit.next < edges.endIndex {
                visits[visits.count - 1].next += 1
                let edge = edges[visit.next]
                guard reasons.contains(edge.reason), isWithin[edge.to] else { continue }
                if order[edge.to] == 0 {
                    visits.append(enter(edge.to))
                } else if isOnStack[edge.to] {
                    low[visit.node] = min(low[visit.node], order[edge.to])
                }
                continue
            }
            visits.removeLast()
            if let parent = visits.last?.node { low[parent] = min(low[parent], low[visit.node]) }
            if low[visit.node] == order[visit.node] { close(visit.node) }
        }
    }

    private mutating func close(_ root: Int) {
        var component: [Int] = []
        while let node = stack.popLast() {
            isOnStack[node] = false
            component.append(node)
            if node == root { break }
        }
        if component.count(where: graph.isTransaction) > 1 { found.append(component) }
    }
}
