import BlockModel
import BlockRuntime
import BlockStorage

/// Making a data directory, and telling what a directory is that is none.
extension DataDirectory {
    /// What a directory holds, as far as making a data directory in it goes.
    private enum Occupancy {
        /// Nothing.
        case free
        /// What was left when making it did not finish: nothing was ever stored there.
        case unfinished
        /// A data directory.
        case whole
        /// A store or a journal without the identity that tells whose they are.
        case headless
        /// Something else, such as this.
        case foreign(SystemPath)

        init(_ path: SystemPath) throws(DatabaseError) {
            // The lock is the first thing made, and empty.
            let names = try PosixFile.names(in: path).filter { $0 != DirectoryName.lock }
            if names.isEmpty {
                self = .free
            } else if names.contains(DirectoryName.identity) {
                self = .whole
            } else if names.contains(DirectoryName.unfinished) {
                self = .unfinished
            } else if names.contains(DirectoryName.store) || names.contains(DirectoryName.journal) {
                self = .headless
            } else {
                self = .foreign(names[0])
            }
        }
    }

    /// Whether ``initialize(at:cluster:environment:)`` can make a data directory at `path`: nothing
    /// is there, or an empty directory, or one that was not finished.
    /// - Throws: `.directoryForeign` when it is no directory, `.accessDenied`, `.ioFailed`.
    package static func isFree(at path: SystemPath) throws(DatabaseError) -> Bool {
        if try !PosixFile.exists(path) { return true }
        switch try Occupancy(path) {
        case .free, .unfinished: return true
        case .whole, .headless, .foreign: return false
        }
    }

    /// Makes a data directory at `path`, which must be empty or not there (its parent must be), and
    /// draws the storage UUID of a new peer. Everything is durable when it returns.
    /// - Parameter cluster: Binds the peer at once; see ``bind(to:)``.
    /// - Returns: The new peer.
    /// - Throws: `.directoryForeign` when something is there, `.pathNotFound`, `.accessDenied`,
    ///   `.ioFailed`, `.noSpace`. What was made until then holds nothing: the next call makes it
    ///   anew.
    package static func initialize(
        at path: SystemPath, cluster: ClusterID? = nil, environment: Environment
    ) throws -> PeerID {
        try PosixFile.makeDirectory(path)
        // Looked at before the lock is made: a directory of another program is left as it is.
        try checkFree(path)
        let lock = try DirectoryLock(path: path.appending(DirectoryName.lock))
        defer { lock.release() }
        // And again: another process may have made it meanwhile.
        try checkFree(path)
        let mark = path.appending(DirectoryName.unfinished)
        try PosixFile.makeFile(mark)
        do {
            try clear(path)
            let peer = PeerID(rawValue: environment.identifier())
            try make(path, of: peer, cluster: cluster)
            try PosixFile.remove(mark)
            return peer
        } catch {
            // A courtesy, for the disk may be full of it: the mark says the same.
            if (try? clear(path)) != nil { try? PosixFile.remove(mark) }
            throw error
        }
    }

    /// Writes the identity file anew, of a directory that has lost it and nothing else.
    ///
    /// The store and the journal say whose they are, and must say the same.
    /// - Returns: Whose the directory is.
    /// - Throws: `.directoryForeign` when the directory has an identity, or nothing to find it in;
    ///   `.corrupted`, `.amnesia` when store and journal do not tell; `.ioFailed`, `.noSpace`.
    package static func restoreIdentity(at path: SystemPath) throws -> PeerID {
        guard case .headless = try Occupancy(path) else {
            throw DatabaseError(
                .directoryForeign,
                "\(path) is not a data directory that lost its \(DirectoryName.identity)")
        }
        let lock = try DirectoryLock(path: path.appending(DirectoryName.lock))
        defer { lock.release() }
        let engine = try RocksDBEngine(
            at: path.appending(DirectoryName.store), creating: false)
        defer { engine.close() }
        guard let owner = try engine.identifier(sealedUnder: StorageKeys.storageUUID) else {
            throw AckJournal.amnesia("\(path) has lost its first write, the storage UUID")
        }
        let peer = PeerID(rawValue: owner)
        // Throws when the journal is another peer's, or remembers more than there is.
        let repository = try StorageRepository(engine: engine)
        try AckJournal.open(
            on: PosixJournalFile(path: path.appending(DirectoryName.journal)), owner: peer,
            recovered: repository.writeSequence
        ).close()
        try PosixFile.replace(
            path.appending(DirectoryName.identity), with: DirectoryIdentity(peer: peer).bytes)
        return peer
    }

    /// What to say of a directory without an identity file.
    static func withoutIdentity(_ path: SystemPath) throws(DatabaseError) -> DatabaseError {
        let said: String
        switch try Occupancy(path) {
        case .headless, .whole:
            return DatabaseError(
                .corrupted,
                "\(path) holds data, but its \(DirectoryName.identity) is missing; keep all of it: "
                    + "`storage-peer restore-identity` writes the file anew from the store")
        case .free: said = "is empty; `storage-peer init` makes a data directory of it"
        case .unfinished:
            said =
                "was not finished by `storage-peer init`, and nothing was ever stored in it; run "
                + "that again"
        case .foreign(let name): said = "is not a data directory: it holds \(name)"
        }
        return DatabaseError(.directoryForeign, "\(path) \(said)")
    }

    private static func checkFree(_ path: SystemPath) throws(DatabaseError) {
        let said: String
        switch try Occupancy(path) {
        case .free, .unfinished: return
        case .whole: said = "it is a data directory already"
        case .headless: throw try withoutIdentity(path)
        case .foreign(let name): said = "it holds \(name)"
        }
        throw DatabaseError(
            .directoryForeign, "\(path) is not empty: \(said); initialise an empty directory")
    }

    /// Removes what an attempt to make a directory may leave. Only where there is no identity.
    private static func clear(_ path: SystemPath) throws(DatabaseError) {
        for name in [
            DirectoryName.store, DirectoryName.journal,
            DirectoryName.identity.suffixed(PosixFile.draft),
        ] {
            try PosixFile.remove(path.appending(name))
        }
    }

    private static func make(_ path: SystemPath, of peer: PeerID, cluster: ClusterID?) throws {
        let engine = try RocksDBEngine(at: path.appending(DirectoryName.store), creating: true)
        defer { engine.close() }
        var batch = WriteBatch()
        batch.put(peer.rawValue, sealedUnder: StorageKeys.storageUUID)
        if let cluster { batch.put(cluster.rawValue, sealedUnder: StorageKeys.cluster) }
        try engine.write(batch)
        try engine.sync()

        let file = PosixJournalFile(path: path.appending(DirectoryName.journal))
        try AckJournal.create(on: file, owner: peer).close()
        // Last, so that a directory with an identity is complete.
        try PosixFile.replace(
            path.appending(DirectoryName.identity), with: DirectoryIdentity(peer: peer).bytes)
    }
}
