import BlockModel
import BlockRuntime
import BlockStorage
import Glibc

/// Files and directories of the operating system, with what they need to survive a power cut.
enum PosixFile {
    /// - Throws: `.accessDenied`, `.ioFailed` when the question cannot be answered: not allowed is
    ///   not absent.
    static func exists(_ path: SystemPath) throws(DatabaseError) -> Bool {
        if path.withCString({ access($0, F_OK) }) == 0 { return true }
        guard errno == ENOENT || errno == ENOTDIR else { throw path.failure("access") }
        return false
    }

    /// Writes all of `bytes` at `offset` and waits until the disk has them.
    static func write(
        _ bytes: Bytes, at offset: Int, to descriptor: Int32, path: SystemPath
    ) throws(DatabaseError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw path.failure("write") }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw path.failure("fdatasync") }
    }

    /// What the name of a file ends in while ``replace(_:with:)`` writes it.
    static let draft = ".new"

    /// Puts a whole file in place: after a crash there is all of it or what was there before.
    static func replace(_ path: SystemPath, with bytes: Bytes) throws(DatabaseError) {
        let draft = path.suffixed(Self.draft)
        let descriptor = draft.withCString {
            open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        }
        guard descriptor >= 0 else { throw draft.failure("create") }
        defer { Glibc.close(descriptor) }
        try write(bytes, at: 0, to: descriptor, path: draft)
        let isRenamed = draft.withCString { draft in
            path.withCString { path in rename(draft, path) == 0 }
        }
        guard isRenamed else { throw draft.failure("rename") }
        try syncDirectory(path.parent)
    }

    /// Makes the names in a directory durable: a file's own sync does not.
    static func syncDirectory(_ path: SystemPath) throws(DatabaseError) {
        let descriptor = path.withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw path.failure("open") }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw path.failure("fsync") }
    }

    /// Makes a directory unless it is there, for its owner only.
    /// - Throws: `.pathNotFound` when the directory that it would lie in is not there.
    static func makeDirectory(_ path: SystemPath) throws(DatabaseError) {
        let parent = path.parent
        let isNew = path.withCString { mkdir($0, 0o700) } == 0
        guard isNew || errno == EEXIST else {
            guard errno == ENOENT || errno == ENOTDIR else { throw path.failure("mkdir") }
            throw DatabaseError(
                .pathNotFound,
                "\(parent) is not a directory; only the last part of \(path) is made")
        }
        do throws(DatabaseError) {
            try syncDirectory(parent)
        } catch {
            // The operator who made the directory for this user need not let it read the one above.
            guard !isNew, error.code == .accessDenied else { throw error }
        }
    }

    /// Makes an empty file unless it is there; its name is durable when this returns.
    static func makeFile(_ path: SystemPath) throws(DatabaseError) {
        let descriptor = path.withCString { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else { throw path.failure("create") }
        Glibc.close(descriptor)
        try syncDirectory(path.parent)
    }

    /// Removes a file, or a directory with its files, unless it is gone already.
    static func remove(_ path: SystemPath) throws(DatabaseError) {
        if path.withCString({ unlink($0) }) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw path.failure("remove") }
        for name in try names(in: path) { try remove(path.appending(name)) }
        guard path.withCString({ rmdir($0) }) == 0 else { throw path.failure("remove") }
    }

    /// Removes files of `directory` that end in `suffix` and hold nothing; one that cannot be
    /// removed stays.
    static func removeEmpty(
        suffix: String, in directory: SystemPath
    ) throws(DatabaseError) {
        for name in try names(in: directory) where name.hasSuffix(suffix) {
            var status = stat()
            let path = directory.appending(name)
            let isKnown = path.withCString { lstat($0, &status) == 0 }
            if isKnown, status.st_size == 0 { _ = path.withCString { unlink($0) } }
        }
    }

    /// The names in a directory, sorted.
    /// - Throws: `.pathNotFound` when there is nothing, `.directoryForeign` when it is a file.
    static func names(in path: SystemPath) throws(DatabaseError) -> [SystemPath] {
        guard let stream = path.withCString({ opendir($0) }) else {
            switch errno {
            case ENOENT: throw DatabaseError(.pathNotFound, "there is no \(path)")
            case ENOTDIR:
                throw DatabaseError(.directoryForeign, "\(path) is a file, not a directory")
            default: throw path.failure("opendir")
            }
        }
        defer { closedir(stream) }
        var names: [SystemPath] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                SystemPath(Bytes($0.prefix { $0 != 0 }))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// The ack journal as a file. It is opened at the first write and kept open.
package final class PosixJournalFile: AckJournalFile {
    private let path: SystemPath
    private var descriptor: Int32?

    package init(path: SystemPath) { self.path = path }

    deinit { close() }

    package func read() throws(DatabaseError) -> Bytes? {
        try path.contents(countMax: AckJournal.fileBytes)
    }

    package func write(_ bytes: Bytes, at offset: Int) throws {
        try PosixFile.write(bytes, at: offset, to: opened(), path: path)
    }

    package func close() {
        guard let descriptor else { return }
        Glibc.close(descriptor)
        self.descriptor = nil
    }

    private func opened() throws(DatabaseError) -> Int32 {
        if let descriptor { return descriptor }
        let isNew = try !PosixFile.exists(path)
        let opened = path.withCString { open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        guard opened >= 0 else { throw path.failure("open") }
        descriptor = opened
        if isNew { try PosixFile.syncDirectory(path.parent) }
        return opened
    }
}

/// The right to use a data directory: an exclusive `flock`, which ends with the process.
final class DirectoryLock {
    private var descriptor: Int32?

    /// - Throws: `.directoryLocked` when another process, or this one, holds it; `.ioFailed`.
    init(path: SystemPath) throws(DatabaseError) {
        let opened = path.withCString { open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        guard opened >= 0 else { throw path.failure("open") }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let other = path.failure("flock")
            Glibc.close(opened)
            guard isTaken else { throw other }
            throw DatabaseError(
                .directoryLocked,
                "\(path) is locked: another process, or another database in this one, has this "
                    + "data directory open")
        }
        descriptor = opened
    }

    deinit { release() }

    func release() {
        guard let descriptor else { return }
        // Closing alone does not release it while a process that is being started has a copy.
        _ = flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
        self.descriptor = nil
    }
}
