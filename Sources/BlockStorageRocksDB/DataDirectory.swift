import BlockModel
import BlockRuntime
import BlockStorage

/// The data directory of one storage peer, format version 1:
///
/// | name | what it is |
/// |---|---|
/// | `LOCK` | empty; the process that uses the directory holds an exclusive `flock` on it |
/// | `IDENTITY` | format number and storage UUID, checksummed text; written last by `initialize` |
/// | `UNFINISHED` | empty; there while `initialize` works, so that what it left is told from data |
/// | `journal` | the ack journal, 8 KiB; see `AckJournal` |
/// | `store/` | a RocksDB database; its keys are in `StorageKeys`, and it holds the UUID again |
///
/// A directory without `IDENTITY` is none. The UUID inside the store and that of the journal must
/// be the identity's: a store copied under another identity would vote twice.
///
/// For one thread, which also uses what it opens.
package final class DataDirectory {
    /// The peer that the directory belongs to.
    package let peer: PeerID
    package let path: SystemPath
    /// Why the peer must not vote: `.amnesia` or `.corrupted`. nil when all is well.
    package let refusal: DatabaseError?
    /// nil exactly when there is a ``refusal``: nothing may be answered from such a store.
    package let repository: StorageRepository?
    /// nil exactly when there is a ``refusal``.
    package let journal: AckJournal?
    /// The cluster that the peer is bound to; nil before ``bind(to:)`` and with a ``refusal``.
    package private(set) var cluster: ClusterID?

    private let lock: DirectoryLock
    private let engine: RocksDBEngine?

    /// What a store gave when it was opened and found whole.
    private struct Contents {
        let engine: RocksDBEngine
        let repository: StorageRepository
        let journal: AckJournal
        let cluster: ClusterID?
    }

    private init(path: SystemPath, peer: PeerID, lock: DirectoryLock, _ contents: Contents) {
        self.path = path
        self.peer = peer
        self.lock = lock
        self.refusal = nil
        self.engine = contents.engine
        self.repository = contents.repository
        self.journal = contents.journal
        self.cluster = contents.cluster
    }

    private init(path: SystemPath, peer: PeerID, lock: DirectoryLock, refusal: DatabaseError) {
        self.path = path
        self.peer = peer
        self.lock = lock
        self.refusal = refusal
        self.engine = nil
        self.repository = nil
        self.journal = nil
        self.cluster = nil
    }

    // MARK: Opening one

    /// Whose data directory `path` is, without opening or locking it.
    /// - Throws: `.pathNotFound`, `.directoryForeign`, `.formatUnsupported`, `.corrupted` (the
    ///   identity file), `.accessDenied`, `.ioFailed`.
    package static func identity(at path: SystemPath) throws(DatabaseError) -> PeerID {
        let identityPath = path.appending(DirectoryName.identity)
        let bytes = try identityPath.contents(countMax: Limits.identityFileBytesMax)
        guard let bytes else { throw try withoutIdentity(path) }
        return try DirectoryIdentity(bytes: bytes, path: identityPath).peer
    }

    /// Opens and locks the data directory at `path`.
    ///
    /// A peer whose store forgot or cannot be read is opened all the same, with ``refusal`` set, so
    /// that it can tell its callers why it takes no part.
    /// - Throws: As ``identity(at:)``; `.directoryLocked`, `.noSpace`. Nothing was changed that was
    ///   in the directory.
    package static func open(at path: SystemPath) throws -> DataDirectory {
        let peer = try identity(at: path)
        let lock = try DirectoryLock(path: path.appending(DirectoryName.lock))
        // With an identity, making it had come to its end.
        try? PosixFile.remove(path.appending(DirectoryName.unfinished))
        do {
            let contents = try open(storeIn: path, of: peer)
            return DataDirectory(path: path, peer: peer, lock: lock, contents)
        } catch let error as DatabaseError where [.amnesia, .corrupted].contains(error.code) {
            return DataDirectory(path: path, peer: peer, lock: lock, refusal: error)
        }
    }

    private static func open(storeIn path: SystemPath, of peer: PeerID) throws -> Contents {
        let storePath = path.appending(DirectoryName.store)
        // RocksDB names its manifest in this file; without it there is no database to recover.
        guard try PosixFile.exists(storePath.appending("CURRENT")) else {
            throw AckJournal.amnesia("\(storePath) is missing or empty")
        }
        // Every opening begins a log file, and RocksDB removes those that nothing was written to
        // only when something else is.
        try PosixFile.removeEmpty(suffix: ".log", in: storePath)
        let engine = try RocksDBEngine(at: storePath, creating: false)
        do {
            guard let owner = try engine.identifier(sealedUnder: StorageKeys.storageUUID) else {
                throw AckJournal.amnesia("\(storePath) has lost its first write, the storage UUID")
            }
            guard owner == peer.rawValue else {
                throw DatabaseError(
                    .directoryForeign,
                    "\(storePath) belongs to storage \(owner), the directory "
                        + "to \(peer); put each store back under its own identity")
            }
            let repository = try StorageRepository(engine: engine)
            let journal = try AckJournal.open(
                on: PosixJournalFile(path: path.appending(DirectoryName.journal)), owner: peer,
                recovered: repository.writeSequence)
            let cluster = try engine.identifier(sealedUnder: StorageKeys.cluster)
            return Contents(
                engine: engine, repository: repository, journal: journal,
                cluster: cluster.map(ClusterID.init))
        } catch {
            engine.close()
            throw error
        }
    }

    // MARK: Using one

    /// Binds the peer to a cluster for ever; binding it again to the same one does nothing.
    /// - Throws: `.wrongCluster` when it is bound to another one; the ``refusal``, when there is
    ///   one; `.ioFailed`, `.noSpace`.
    package func bind(to cluster: ClusterID) throws {
        guard let engine else {
            throw refusal ?? DatabaseError(.ioFailed, "\(path) is closed")
        }
        if let bound = self.cluster {
            guard bound == cluster else {
                throw DatabaseError(
                    .wrongCluster,
                    "\(path) belongs to cluster \(bound), not to \(cluster); check "
                        + "the data directory and the cluster file")
            }
            return
        }
        var batch = WriteBatch()
        batch.put(cluster.rawValue, sealedUnder: StorageKeys.cluster)
        try engine.write(batch)
        try engine.sync()
        self.cluster = cluster
    }

    /// How often RocksDB says that it synced its log; see ``RocksDBEngine/walSyncs``.
    package var walSyncs: UInt64 { engine?.walSyncs ?? 0 }

    /// Writes the journal up to date and gives everything back, the lock last.
    /// - Throws: `.ioFailed`, `.noSpace` of the journal; all is given back nevertheless.
    package func close() throws {
        defer {
            engine?.close()
            lock.release()
        }
        try journal?.close()
    }
}

/// The names in a data directory.
enum DirectoryName {
    static let lock: SystemPath = "LOCK"
    static let identity: SystemPath = "IDENTITY"
    static let unfinished: SystemPath = "UNFINISHED"
    static let journal: SystemPath = "journal"
    static let store: SystemPath = "store"
}

extension WriteBatch {
    mutating func put(_ identifier: Identifier128, sealedUnder key: Bytes) {
        put(SealedRecord.seal(identifier.bytes, under: key), for: key)
    }
}

extension RocksDBEngine {
    func identifier(
        sealedUnder key: Bytes
    ) throws(DatabaseError) -> Identifier128? {
        guard let stored = try get(key) else { return nil }
        return try SealedRecord.openIdentifier(stored, under: key)
    }
}
