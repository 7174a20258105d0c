import BlockModel
import BlockNode
import BlockRuntime
@_exported import Optimystic
import OptimysticClient

extension Database {
    /// Opens a database in this process: no services, no sockets, one copy of everything.
    ///
    /// The directory is made when there is none. It holds what a storage peer keeps, with the same
    /// checksums and the same promise: a write that returned is synced. All writes that waited
    /// while the last batch was synced share the next one. Whatever the machine's disk loses is
    /// lost, because no replica has it.
    ///
    /// When the disk fails, every call fails, with an unknown outcome where that is the truth,
    /// until the database is opened again. Close it before another process opens the directory.
    /// - Parameters:
    ///   - path: A data directory, or where to make one: an empty directory, or a name in a
    ///     directory that exists. Any bytes but zero: it need not be text.
    ///   - timeout: The time a request has unless a call says otherwise; at most 10 minutes.
    /// - Throws: `.directoryLocked` while another `Database` or process has it open;
    ///   `.directoryForeign` when something else is there; `.invalidArgument` when no directory can
    ///   be called so; `.pathNotFound` when the directory above is missing; `.accessDenied` when
    ///   its owner or a read-only disk does not allow it; `.corrupted`, `.amnesia` when it is
    ///   damaged; `.formatUnsupported`; `.ioFailed`; `.noSpace`, after which it can be opened again
    ///   as soon as there is room.
    public static func embedded(
        at path: SystemPath, timeout: Duration = Database.timeoutDefault
    ) async throws -> Database {
        if let problem = path.problem {
            throw DatabaseError(.invalidArgument, "the path of an embedded database \(problem)")
        }
        guard timeout > .zero, timeout <= Limits.requestTimeMax else {
            throw DatabaseError(
                .invalidArgument,
                "a timeout of \(timeout) is not above zero and at most \(Limits.requestTimeMax)")
        }
        let environment = Environment.live()
        let connection = try await Connection.open(
            addresses: [EmbeddedCluster.name], clusterName: EmbeddedCluster.name,
            environment: environment
        ) { () throws(DatabaseError) in try EmbeddedLink(at: path, environment: environment) }
        return try await Database(
            over: connection, clusterName: EmbeddedCluster.name, connectTimeout: timeout,
            timeout: timeout, environment: environment)
    }

    /// As ``embedded(at:timeout:)`` with the path whose bytes are the UTF-8 of `path`.
    public static func embedded(
        at path: String, timeout: Duration = Database.timeoutDefault
    ) async throws -> Database {
        try await embedded(at: SystemPath(path), timeout: timeout)
    }
}
