import BlockModel
import BlockRuntime
import BlockStorageRocksDB

/// Tests name their places by texts.
extension DataDirectory {
    var pathText: String { path.description }

    static func isFree(at path: String) throws(DatabaseError) -> Bool {
        try isFree(at: SystemPath(path))
    }

    static func initialize(
        at path: String, cluster: ClusterID? = nil, environment: Environment
    ) throws -> PeerID {
        try initialize(at: SystemPath(path), cluster: cluster, environment: environment)
    }

    static func restoreIdentity(at path: String) throws -> PeerID {
        try restoreIdentity(at: SystemPath(path))
    }

    static func identity(at path: String) throws(DatabaseError) -> PeerID {
        try identity(at: SystemPath(path))
    }

    static func open(at path: String) throws -> DataDirectory {
        try open(at: SystemPath(path))
    }
}
