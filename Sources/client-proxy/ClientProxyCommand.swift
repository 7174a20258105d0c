import BlockModel
import BlockNode
import BlockOperations
import BlockRuntime
import BlockTransport
import BlockTransportZeroMQ
import Logging

@main
enum ClientProxyCommand {
    private static let clusterFile = Setting<SystemPath>.path(
        "cluster-file", help: "The file that describes the cluster.")
    private static let listen = Setting<NetworkAddress>.listenAddress(
        "listen", help: "Where to listen. Not set: where the cluster file says."
    ).optional()
    private static let name = Setting<String>.string(
        "name", help: "Which client proxy of the cluster file this is; not needed for its only one."
    ).optional()
    private static let cache = Setting<Int>.byteSize(
        "cache", in: 1024 * 1024...Limits.proxyCacheBytesLargest, default: "64MiB",
        help: "Log objects kept for readers, and as much of blocks.")

    private static let role = Role(
        "client-proxy",
        summary: "Hosts collections for applications. Keeps nothing.",
        settings: [clusterFile, listen, name, cache])

    static func main() {
        ServiceProcess.run(role) { context in try serve(context) }
    }

    private static func serve(_ context: ServiceProcess.Context) throws {
        let map = try ClusterFile.read(at: try context.configuration.value(of: clusterFile))
        try DescriptorLimit.require(
            Limits.processDescriptorCount + Limits.connectionCountMin
                + map.coordinators.count * Limits.linkDescriptorCount,
            for:
                "\(map.coordinators.count) coordinators and "
                + "\(Limits.connectionCountMin) connections"
        )
        let place = try ListenAddress(
            of: "client proxy", listen: context.configuration.value(of: listen),
            name: context.configuration.value(of: name), among: map.proxies)
        if let warning = place.warning {
            context.logger.warning("listening", metadata: ["warning": .string(warning)])
        }
        let transport = try ZeroMQTransport(address: place.address)
        defer { transport.close() }
        let port = ServicePort(transport: transport, cluster: map.cluster, logger: context.logger)
        let host = try ClientProxyHost(
            port: port, map: map, release: Release.version, environment: context.environment,
            cacheBytesMax: try context.configuration.value(of: cache))
        context.stop.onRequest { [waker = transport.waker] in waker.wake() }
        context.logger.notice(
            "ready",
            metadata: [
                "address": "\(transport.boundAddress ?? "")", "cluster": "\(map.name)",
                "release": "\(Release.version)", "libzmq": "\(ZeroMQContext.libraryDescription)",
            ])
        try ServiceLoop(host, environment: context.environment)
            .run { context.stop.isRequested }
    }
}
