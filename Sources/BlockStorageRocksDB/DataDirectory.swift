import BlockModel
import BlockRuntime
import BlockStorage

/// The data directory of one storage peer, format version 1:
///
/// | name | what it is |
/// |---|---|
/// | `LOCK` | empty; whoever uses the directory holds an exclusive `flock` on it |
/// | `IDENTITY` | format number and storage UUID, checksummed text; written last by `initialize` |
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
    package let path: String
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

    private init(path: String, peer: PeerID, lock: DirectoryLock, _ contents: Contents) {
        self.path = path
        self.peer = peer
        self.lock = lock
        self.refusal = nil
        self.engine = contents.engine
        self.repository = contents.repository
        self.journal = contents.journal
        self.cluster = contents.cluster
    }

    private init(path: String, peer: PeerID, lock: DirectoryLock, refusal: DatabaseError) {
        self.path = path
        self.peer = peer
        self.lock = lock
        self.refusal = refusal
        self.engine = nil
        self.repository = nil
        self.journal = nil
        self.cluster = nil
    }

    // MARK: Making one

    /// Makes a data directory at `path`, which must be empty or not there (its parent must be), and
    /// draws the storage UUID of a new peer. Everything is durable when it returns.
    /// - Parameter cluster: Binds the peer at once; see ``bind(to:)``.
    /// - Returns: The new peer.
    /// - Throws: `.directoryForeign` when the directory is not empty, `.ioFailed`, `.noSpace`. What
    ///   was made until then stays, has no identity, and cannot be opened: remove it.
    package static func initialize(
        at path: String, cluster: ClusterID? = nil, environment: Environment
    ) throws -> PeerID {
        try PosixFile.makeDirectory(path)
        let names = try PosixFile.names(in: path)
        guard names.isEmpty else {
            let isOurs = names.contains(Name.identity)
            throw DatabaseError(
                .directoryForeign,
                "\(path) is not empty: it "
                    + (isOurs ? "is a data directory already" : "holds \(names[0])")
                    + "; initialise an empty directory")
        }
        let lock = try DirectoryLock(path: Name.lock.inside(path))
        defer { lock.release() }
        let peer = PeerID(rawValue: environment.identifier())

        let engine = try RocksDBEngine(at: Name.store.inside(path), creating: true)
        defer { engine.close() }
        var batch = WriteBatch()
        batch.put(peer.rawValue, sealedUnder: StorageKeys.storageUUID)
        if let cluster { batch.put(cluster.rawValue, sealedUnder: StorageKeys.cluster) }
        try engine.write(batch)
        try engine.sync()

        let file = PosixJournalFile(path: Name.journal.inside(path))
        try AckJournal.create(on: file, owner: peer).close()
        // Last, so that a directory with an identity is complete.
        try PosixFile.replace(
            Name.identity.inside(path), with: DirectoryIdentity(peer: peer).bytes)
        return peer
    }

    /// Whether ``initialize(at:cluster:environment:)`` can make a data directory at `path`: nothing
    /// is there, or an empty directory.
    /// - Throws: `.ioFailed`, also when it is no directory.
    package static func isFree(at path: String) throws(DatabaseError) -> Bool {
        if try !PosixFile.exists(path) { return true }
        return try PosixFile.names(in: path).isEmpty
    }

    // MARK: Opening one

    /// Whose data directory `path` is, without opening or locking it.
    /// - Throws: `.directoryForeign`, `.formatUnsupported`, `.corrupted` (the identity file),
    ///   `.ioFailed`.
    package static func identity(at path: String) throws(DatabaseError) -> PeerID {
        let identityPath = Name.identity.inside(path)
        guard let bytes = try identityBytes(at: identityPath) else {
            let isUnfinished = try PosixFile.exists(Name.lock.inside(path))
            throw DatabaseError(
                .directoryForeign,
                "\(path) has no \(Name.identity): "
                    + (isUnfinished
                        ? "`storage-peer init` did not finish; remove it and run that again"
                        : "it is not a data directory; make one with `storage-peer init`"))
        }
        return try DirectoryIdentity(bytes: bytes, path: identityPath).peer
    }

    /// Opens and locks the data directory at `path`.
    ///
    /// A peer whose store forgot or cannot be read is opened all the same, with ``refusal`` set, so
    /// that it can tell whoever asks why it takes no part.
    /// - Throws: `.directoryForeign`, `.formatUnsupported`, `.directoryLocked`, `.corrupted` (the
    ///   identity file), `.ioFailed`, `.noSpace`.
    package static func open(at path: String) throws -> DataDirectory {
        let peer = try identity(at: path)
        let lock = try DirectoryLock(path: Name.lock.inside(path))
        do {
            let contents = try open(storeIn: path, of: peer)
            return DataDirectory(path: path, peer: peer, lock: lock, contents)
        } catch let error as DatabaseError where [.amnesia, .corrupted].contains(error.code) {
            return DataDirectory(path: path, peer: peer, lock: lock, refusal: error)
        }
    }

    private static func identityBytes(at path: String) throws(DatabaseError) -> Bytes? {
        try PosixFile.read(path, countMax: Limits.identityFileBytesMax)
    }

    private static func open(storeIn path: String, of peer: PeerID) throws -> Contents {
        let storePath = Name.store.inside(path)
        // RocksDB names its manifest in this file; without it there is no database to recover.
        guard try PosixFile.exists("CURRENT".inside(storePath)) else {
            throw AckJournal.amnesia("\(storePath) is missing or empty")
        }
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
                on: PosixJournalFile(path: Name.journal.inside(path)), owner: peer,
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
private enum Name {
    static let lock = "LOCK"
    static let identity = "IDENTITY"
    static let journal = "journal"
    static let store = "store"
}

extension String {
    /// This name inside the directory `path`.
    fileprivate func inside(_ path: String) -> String {
        path.hasSuffix("/") ? path + self : path + "/" + self
    }
}

extension WriteBatch {
    fileprivate mutating func put(_ identifier: Identifier128, sealedUnder key: Bytes) {
        put(SealedRecord.seal(identifier.bytes, under: key), for: key)
    }
}

extension RocksDBEngine {
    fileprivate func identifier(
        sealedUnder key: Bytes
    ) throws(DatabaseError) -> Identifier128? {
        guard let stored = try get(key) else { return nil }
        return try SealedRecord.openIdentifier(stored, under: key)
    }
}
