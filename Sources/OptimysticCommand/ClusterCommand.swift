import ArgumentParser
import BlockModel
import BlockNode
import BlockRuntime
import BlockStorageRocksDB
import Foundation

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Describes a cluster to its services.",
        subcommands: [ClusterPlanCommand.self])
}

/// One `--peer`: a data directory or a storage UUID, and where the peer will listen.
struct PlannedPeer: ExpressibleByArgument, Hashable, Sendable {
    let storage: String
    let address: String

    init?(argument: String) {
        guard let equals = argument.lastIndex(of: "="), equals > argument.startIndex else {
            return nil
        }
        storage = String(argument[..<equals])
        address = String(argument[argument.index(after: equals)...])
    }

    /// The UUID as written, or that of the data directory.
    func plan() throws(DatabaseError) -> ClusterPlan.Peer {
        if let identifier = Identifier128(text: storage) {
            return ClusterPlan.Peer(id: PeerID(rawValue: identifier), address: address)
        }
        return ClusterPlan.Peer(id: try DataDirectory.identity(at: storage), address: address)
    }
}

struct ClusterPlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Writes the cluster file from the identities of the storage peers.",
        discussion: """
            Every shard gets its members by rendezvous hashing, every peer the same number of \
            shards. Give the file to all services. It is the only copy of the cluster's id: an \
            existing file is never replaced.
            """)

    @Option(help: "What URLs call the cluster.") var name: String
    @Option(help: "Members of each shard: 3 to 5, or 1 for development.") var replicas = 3
    @Option(help: "Shards, 1 to 4096; fixed for the cluster's life.") var shards = 16
    @Option(
        name: .customLong("peer"),
        help: ArgumentHelp(
            "A storage peer: its data directory or storage UUID, and its address. Repeat.",
            valueName: "directory-or-uuid=address"))
    var peers: [PlannedPeer]
    @Option(
        name: .customLong("coordinator"),
        help: ArgumentHelp("A coordinator's address. Repeat.", valueName: "address"))
    var coordinators: [String]
    @Option(
        name: .customLong("proxy"),
        help: ArgumentHelp("A client proxy's address. Repeat.", valueName: "address"))
    var proxies: [String]
    @Option(help: ArgumentHelp("The file to write; - for standard output.", valueName: "path"))
    var out = "cluster.json"

    func run() throws {
        let planned = try peers.map { peer throws(DatabaseError) in try peer.plan() }
        let plan = ClusterPlan(
            cluster: ClusterID(rawValue: Environment.live().identifier()), name: name,
            replicas: replicas, shardCount: shards, peers: planned, coordinators: coordinators,
            proxies: proxies)
        let text = ClusterFile.text(of: try plan.map())
        if let warning = plan.warning { StandardError.line("optimystic: \(warning)") }
        guard out != "-" else { return StandardOutput.write(Array(text.utf8), to: STDOUT_FILENO) }
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: out), options: .withoutOverwriting)
        } catch CocoaError.fileWriteFileExists {
            throw DatabaseError(
                .configurationInvalid, "\(out) exists and is left as it is; write to another file")
        } catch {
            throw DatabaseError(.ioFailed, "cannot write \(out)", cause: error)
        }
        StandardError.line("optimystic: wrote \(out)")
    }
}
