import ArgumentParser
import BlockModel
import BlockNode
import BlockOperations
import BlockRuntime
import BlockStorageRocksDB
import Glibc

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Describes a cluster to its services.",
        subcommands: [ClusterPlanCommand.self])
}

/// One `--peer`: a data directory or a storage UUID, and where the peer will listen.
struct PlannedPeer: ExpressibleByArgument, Hashable, Sendable {
    let storage: ArgumentBytes
    let address: ArgumentBytes

    init?(argument: String) {
        let bytes = ArgumentEscape.bytes(of: argument)
        guard let equals = bytes.lastIndex(of: UInt8(ascii: "=")), equals > 0 else { return nil }
        storage = ArgumentBytes(Array(bytes[..<equals]))
        address = ArgumentBytes(Array(bytes[(equals + 1)...]))
    }

    /// The UUID as written, or that of the data directory.
    func plan() throws(DatabaseError) -> ClusterPlan.Peer {
        let address = try address.text("a peer's address")
        let text = String(validating: storage.bytes, as: UTF8.self)
        if let identifier = text.flatMap({ Identifier128(text: $0) }) {
            return ClusterPlan.Peer(id: PeerID(rawValue: identifier), address: address)
        }
        return ClusterPlan.Peer(id: try DataDirectory.identity(at: storage.path), address: address)
    }
}

struct ClusterPlanCommand: AnswerCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Writes the cluster file from the identities of the storage peers.",
        discussion: """
            Every shard gets its members by rendezvous hashing, every peer the same number of \
            shards. Give the file to all services. It is the only copy of the cluster's id: an \
            existing file is never replaced.
            """)

    @Option(help: "What URLs call the cluster.") var name: ArgumentBytes
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
    var coordinators: [ArgumentBytes]
    @Option(
        name: .customLong("proxy"),
        help: ArgumentHelp("A client proxy's address. Repeat.", valueName: "address"))
    var proxies: [ArgumentBytes]
    @Option(help: ArgumentHelp("The file to write; - for standard output.", valueName: "path"))
    var out: ArgumentBytes = "cluster.json"

    func run() throws {
        let planned = try peers.map { peer throws(DatabaseError) in try peer.plan() }
        let plan = ClusterPlan(
            cluster: ClusterID(rawValue: Environment.live().identifier()),
            name: try name.text("the cluster's name"),
            replicas: replicas, shardCount: shards, peers: planned,
            coordinators: try coordinators.map { address throws(DatabaseError) in
                try address.text("a coordinator's address")
            },
            proxies: try proxies.map { address throws(DatabaseError) in
                try address.text("a proxy's address")
            })
        let text = ClusterFile.text(of: try plan.map())
        if let warning = plan.warning { StandardError.line("optimystic: \(warning)") }
        guard !out.isStream else { return StandardOutput.write(Array(text.utf8)) }
        try write(Array(text.utf8))
        StandardError.line("optimystic: wrote \(out)")
    }

    /// A file that is there is left as it is.
    private func write(_ bytes: Bytes) throws(DatabaseError) {
        let file = out.withPath { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
        guard file >= 0 else {
            if errno == EEXIST {
                throw DatabaseError(
                    .configurationInvalid, "\(out) exists; remove it first if no cluster uses it")
            }
            throw DatabaseError(
                .ioFailed, "cannot write \(out): \(String(cString: strerror(errno)))")
        }
        let isWritten = LineWriter(fileDescriptor: file).write(bytes) && fsync(file) == 0
        let problem = String(cString: strerror(errno))
        guard close(file) == 0, isWritten else {
            // Half a file is no file.
            _ = out.withPath { unlink($0) }
            throw DatabaseError(.ioFailed, "cannot write \(out): \(problem)")
        }
    }
}
