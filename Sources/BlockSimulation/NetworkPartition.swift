import BlockRuntime

/// Who cannot reach whom for a while.
package struct NetworkPartition: Sendable {
    /// The shapes in which networks break.
    package enum Shape: CaseIterable, Sendable {
        /// Two halves that do not hear each other.
        case halves
        /// One process, off from some or all.
        case node
        /// One process that is heard and hears nothing, or the other way round.
        case oneWay
        /// Each hears its neighbours of a ring only: every process some majority, no two the same.
        case ring
        /// Two halves and one process that hears both.
        case bridge

        package var name: StaticString {
            switch self {
            case .halves: "world.partition.halves"
            case .node: "world.partition.node"
            case .oneWay: "world.partition.oneWay"
            case .ring: "world.partition.ring"
            case .bridge: "world.partition.bridge"
            }
        }
    }

    package let shape: Shape
    package let until: Instant
    private var severed: Set<NetworkLink> = []

    package init(
        _ shape: Shape, among nodes: [NodeID], until: Instant,
        using generator: inout SeededGenerator
    ) {
        self.shape = shape
        self.until = until
        var order = nodes
        order.shuffle(using: &generator)
        switch shape {
        case .halves: sever(halvesOf: order[...], &generator)
        case .bridge: sever(halvesOf: order.dropFirst(), &generator)
        case .node, .oneWay:
            let isTotal = generator.chance(1, in: 2)
            let isDeaf = generator.chance(1, in: 2)
            for other in order.dropFirst() where isTotal || generator.chance(1, in: 2) {
                if shape == .node || isDeaf { sever(from: other, to: order[0]) }
                if shape == .node || !isDeaf { sever(from: order[0], to: other) }
            }
        case .ring:
            let reach = order.count / 4 + 1
            for (position, from) in order.enumerated() {
                for (other, to) in order.enumerated() {
                    let distance = abs(position - other)
                    if min(distance, order.count - distance) > reach { sever(from: from, to: to) }
                }
            }
        }
    }

    private mutating func sever(
        halvesOf nodes: ArraySlice<NodeID>, _ generator: inout SeededGenerator
    ) {
        guard nodes.count > 1 else { return }
        let size = 1 + generator.below(nodes.count - 1)
        for left in nodes.prefix(size) {
            for right in nodes.dropFirst(size) {
                sever(from: left, to: right)
                sever(from: right, to: left)
            }
        }
    }

    private mutating func sever(from: NodeID, to: NodeID) {
        severed.insert(NetworkLink(from: from, to: to))
    }

    package func cuts(from: NodeID, to: NodeID) -> Bool {
        severed.contains(NetworkLink(from: from, to: to))
    }
}
