import BlockNode
import BlockRuntime

/// A client proxy's process in a world.
final class ProxyNode: ServiceNode<ClientProxyHost> {
    private let index: Int

    init(index: Int, world: World) {
        self.index = index
        super.init(node: .proxy(index), world: world)
        restart()
    }

    override func makeHost(on port: ServicePort) throws -> ClientProxyHost {
        try ClientProxyHost(
            port: port, map: world.mapForProxy(index), release: "simulated",
            environment: environment(SeededEntropy(world.generator.fork())), cacheBytesMax: 1 << 17)
    }

    override func link(to node: NodeID) -> Int? {
        if case .coordinator(let index) = node { index } else { nil }
    }

    override func linked(_ link: Int) -> NodeID { .coordinator(link) }

    override var leftovers: [String] {
        guard let host, host.requestCount > 0 || host.unansweredCount > 0 else { return [] }
        return [
            "\(node) has \(host.requestCount) requests under way, owes \(host.unansweredCount)"
        ]
    }
}
