import BlockModel
import BlockNode
import BlockOperations
import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import BlockTransport
import BlockTransportZeroMQ
import Logging

@main
enum StoragePeerCommand {
    private static let dataDirectory = Setting<SystemPath>.path(
        "data-directory", help: "The directory that holds everything this peer keeps.")
    private static let clusterFile = Setting<SystemPath>.path(
        "cluster-file", help: "The file that describes the cluster; for init: bind to it at once."
    ).optional()
    private static let listen = Setting<NetworkAddress>.listenAddress(
        "listen", help: "Where to listen. Not set: where the cluster file says."
    ).optional()

    private static let role = Role(
        "storage-peer",
        summary: "Keeps the tails, entries and segments of its shards, and votes on them.",
        commands: [
            Role.Command(
                "init", help: "Make a data directory and its identity; print the storage UUID."),
            Role.Command(
                "restore-identity",
                help: "Write the identity of a data directory that lost it; print the UUID."),
            Role.Command("run", help: "Serve. This is also what happens without a command."),
        ],
        settings: [dataDirectory, clusterFile, listen])

    static func main() {
        ServiceProcess.run(role) { context in
            switch context.configuration.command {
            case "init": try initialize(context)
            case "restore-identity":
                let peer = try DataDirectory.restoreIdentity(
                    at: context.configuration.value(of: dataDirectory))
                try ServiceProcess.answer(
                    "\(peer)", done: "the identity of storage \(peer) is written")
            default: try serve(context)
            }
        }
    }

    private static func initialize(_ context: ServiceProcess.Context) throws {
        let path = try context.configuration.value(of: dataDirectory)
        let file = try context.configuration.value(of: clusterFile)
        let map = try file.map { path throws(DatabaseError) in try ClusterFile.read(at: path) }
        let peer = try DataDirectory.initialize(
            at: path, cluster: map?.cluster, environment: context.environment)
        context.logger.info(
            "data directory made", metadata: ["path": "\(path)", "storage": "\(peer)"])
        try ServiceProcess.answer("\(peer)", done: "\(path) is made for storage \(peer)")
    }

    private static func serve(_ context: ServiceProcess.Context) throws {
        let configuration = context.configuration
        let path = try configuration.value(of: dataDirectory)
        guard let file = try configuration.value(of: clusterFile) else {
            throw DatabaseError(.invalidArgument, "--cluster-file is required to serve")
        }
        let map = try ClusterFile.read(at: file)
        try DescriptorLimit.require(
            Limits.processDescriptorCount + Limits.connectionCountMin
                + Limits.engineOpenFileCountMax,
            for: "\(Limits.engineOpenFileCountMax) files of the store and "
                + "\(Limits.connectionCountMin) connections")
        let directory = try DataDirectory.open(at: path)
        do {
            try serve(directory, map, context)
        } catch {
            // The error that ends the process is that one; the directory is as a crash leaves it.
            try? directory.close()
            throw error
        }
        try directory.close()
    }

    private static func serve(
        _ directory: DataDirectory, _ map: ClusterMap, _ context: ServiceProcess.Context
    ) throws {
        guard let entry = map.peer(directory.peer) else {
            throw DatabaseError(
                .configurationInvalid,
                "\(directory.path) is storage \(directory.peer), which the cluster file does not "
                    + "name; plan the cluster with it, or use another directory")
        }
        // Listening comes before binding: a start that fails must leave the directory as it was.
        let place = try ListenAddress(
            of: entry, listen: context.configuration.value(of: listen))
        if let warning = place.warning {
            context.logger.warning("listening", metadata: ["warning": .string(warning)])
        }
        let transport = try ZeroMQTransport(address: place.address)
        defer { transport.close() }
        let cycle: StoragePeerCycle
        if let refusal = directory.refusal {
            context.logger.critical(
                "this peer takes no part",
                metadata: ["error.code": "\(refusal.code)", "error.message": "\(refusal.message)"])
            cycle = StoragePeerCycle(identity: directory.peer, map: map, refusal: refusal)
        } else {
            try directory.bind(to: map.cluster)
            guard let repository = directory.repository else {
                throw DatabaseError(.internalError, "a data directory without refusal has a store")
            }
            cycle = StoragePeerCycle(
                identity: directory.peer, map: map, repository: repository,
                journal: directory.journal)
        }
        let port = ServicePort(transport: transport, cluster: map.cluster, logger: context.logger)
        let host = StoragePeerHost(port: port, cycle: cycle)
        context.stop.onRequest { [waker = transport.waker] in waker.wake() }
        context.logger.notice(
            "ready",
            metadata: [
                "address": "\(transport.boundAddress ?? "")", "cluster": "\(map.name)",
                "peer": "\(entry.name)", "storage": "\(directory.peer)",
                "release": "\(Release.version)", "libzmq": "\(ZeroMQContext.libraryDescription)",
                "rocksdb": "\(directory.rocksDBVersion ?? "unknown")",
            ])
        try ServiceLoop(host, environment: context.environment)
            .run { context.stop.isRequested }
        context.logger.info(
            "store",
            metadata: [
                "cycles": "\(directory.repository?.writeSequence ?? 0)",
                "wal.syncs": "\(directory.walSyncs)",
            ])
    }
}
