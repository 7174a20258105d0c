import BlockModel
import BlockNode
import BlockOperations
import BlockRuntime
import BlockTransport
import BlockTransportZeroMQ
import Logging

@main
enum CoordinatorCommand {
    private static let clusterFile = Setting<SystemPath>.path(
        "cluster-file", help: "The file that describes the cluster.")
    private static let listen = Setting<NetworkAddress>.listenAddress(
        "listen", help: "Where to listen. Not set: where the cluster file says."
    ).optional()
    private static let name = Setting<String>.string(
        "name", help: "Which coordinator of the cluster file this is; not needed for its only one."
    ).optional()

    private static let scrubInterval = Setting<Duration>.duration(
        "scrub-interval", in: Limits.scrubIntervalMin...Limits.scrubIntervalMax,
        default: "\(Limits.scrubIntervalDefault.components.seconds)s",
        help: "Time between two pages of block versions that are compared over their replicas.")

    private static let validatesTransactions = Setting<Bool>.onOff(
        "validate-transactions",
        help: "Execute every attempt again before it is taken, and refuse one that does something "
            + "else than it says, or that cannot be executed here: custom collections, engines.")

    private static let role = Role(
        "coordinator",
        summary: "Carries requests through their rounds with the storage peers. Keeps nothing.",
        settings: [clusterFile, listen, name, scrubInterval, validatesTransactions])

    static func main() {
        ServiceProcess.run(role) { context in try serve(context) }
    }

    private static func serve(_ context: ServiceProcess.Context) throws {
        let map = try ClusterFile.read(at: try context.configuration.value(of: clusterFile))
        try DescriptorLimit.require(
            Limits.processDescriptorCount + Limits.connectionCountMin
                + map.peers.count * Limits.linkDescriptorCount,
            for: "\(map.peers.count) storage peers and \(Limits.connectionCountMin) connections")
        let place = try ListenAddress(
            of: "coordinator", listen: context.configuration.value(of: listen),
            name: context.configuration.value(of: name), among: map.coordinators)
        if let warning = place.warning {
            context.logger.warning("listening", metadata: ["warning": .string(warning)])
        }
        let transport = try ZeroMQTransport(address: place.address)
        defer { transport.close() }
        let port = ServicePort(transport: transport, cluster: map.cluster, logger: context.logger)
        var intervals = BackgroundWork.Intervals()
        intervals.scrub = try context.configuration.value(of: scrubInterval)
        let host = try CoordinatorHost(
            port: port, map: map, environment: context.environment,
            validates: try context.configuration.value(of: validatesTransactions),
            intervals: intervals)
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
