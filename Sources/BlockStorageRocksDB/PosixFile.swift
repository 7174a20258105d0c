import BlockRuntime
import BlockStorage
import Glibc

/// Files and directories of the operating system, with what they need to survive a power cut.
enum PosixFile {
    /// The error of the system call that just failed.
    static func failure(_ call: String, _ path: String) -> DatabaseError {
        let number = errno
        let isOutOfDescriptors = number == EMFILE || number == ENFILE
        let remedy = isOutOfDescriptors ? "; raise the limit of open files (ulimit -n)" : ""
        return DatabaseError(
            ErrorCode(systemError: number),
            "\(call) \(path): \(String(cString: strerror(number)))\(remedy)")
    }

    /// - Throws: `.accessDenied`, `.ioFailed` when the question cannot be answered: not allowed is
    ///   not absent.
    static func exists(_ path: String) throws(DatabaseError) -> Bool {
        if access(path, F_OK) == 0 { return true }
        guard errno == ENOENT || errno == ENOTDIR else { throw failure("access", path) }
        return false
    }

    /// - Returns: nil when there is no such file.
    /// - Throws: `.ioFailed`, also when the file has more than `countMax` bytes.
    static func read(_ path: String, countMax: Int) throws(DatabaseError) -> Bytes? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("open", path)
        }
        defer { Glibc.close(descriptor) }
        var bytes = Bytes(repeating: 0, count: countMax + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes[count...].withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("read", path) }
            if got == 0 { return Bytes(bytes[..<count]) }
            count += got
        }
        throw DatabaseError(.ioFailed, "\(path) is larger than \(countMax) bytes")
    }

    /// Writes all of `bytes` at `offset` and waits until the disk has them.
    static func write(
        _ bytes: Bytes, at offset: Int, to descriptor: Int32, path: String
    ) throws(DatabaseError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write", path) }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw failure("fdatasync", path) }
    }

    /// What the name of a file ends in while ``replace(_:with:)`` writes it.
    static let draft = ".new"

    /// Puts a whole file in place: after a crash there is all of it or what was there before.
    static func replace(_ path: String, with bytes: Bytes) throws(DatabaseError) {
        let draft = path + Self.draft
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", draft) }
        defer { Glibc.close(descriptor) }
        try write(bytes, at: 0, to: descriptor, path: draft)
        guard rename(draft, path) == 0 else { throw failure("rename", draft) }
        try syncDirectory(directory(of: path))
    }

    /// Makes the names in a directory durable: a file's own sync does not.
    static func syncDirectory(_ path: String) throws(DatabaseError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("fsync", path) }
    }

    /// Makes a directory unless it is there, for its owner only.
    /// - Throws: `.pathNotFound` when the directory that it would lie in is not there.
    static func makeDirectory(_ path: String) throws(DatabaseError) {
        let parent = directory(of: path)
        let isNew = mkdir(path, 0o700) == 0
        guard isNew || errno == EEXIST else {
            guard errno == ENOENT || errno == ENOTDIR else { throw failure("mkdir", path) }
            throw DatabaseError(
                .pathNotFound,
                "\(parent) is not a directory; only the last part of \(path) is made")
        }
        do throws(DatabaseError) {
            try syncDirectory(parent)
        } catch {
            // Whoever made the directory for this user need not let it read the one above.
            guard !isNew, error.code == .accessDenied else { throw error }
        }
    }

    /// Makes an empty file unless it is there; its name is durable when this returns.
    static func makeFile(_ path: String) throws(DatabaseError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", path) }
        Glibc.close(descriptor)
        try syncDirectory(directory(of: path))
    }

    /// Removes a file, or a directory with its files, unless it is gone already.
    static func remove(_ path: String) throws(DatabaseError) {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw failure("remove", path) }
        for name in try names(in: path) { try remove("\(path)/\(name)") }
        guard rmdir(path) == 0 else { throw failure("remove", path) }
    }

    /// Removes files of `directory` that end in `suffix` and hold nothing; one that cannot be
    /// removed stays.
    static func removeEmpty(suffix: String, in directory: String) throws(DatabaseError) {
        for name in try names(in: directory) where name.hasSuffix(suffix) {
            var status = stat()
            let path = "\(directory)/\(name)"
            if lstat(path, &status) == 0, status.st_size == 0 { unlink(path) }
        }
    }

    /// The names in a directory, sorted.
    /// - Throws: `.pathNotFound` when there is nothing, `.directoryForeign` when it is a file.
    static func names(in path: String) throws(DatabaseError) -> [String] {
        guard let stream = opendir(path) else {
            switch errno {
            case ENOENT: throw DatabaseError(.pathNotFound, "there is no \(path)")
            case ENOTDIR:
                throw DatabaseError(.directoryForeign, "\(path) is a file, not a directory")
            default: throw failure("opendir", path)
            }
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX)) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The directory that `path` lies in.
    static func directory(of path: String) -> String {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        // Of the bytes: a mark behind it makes / another character.
        guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}

/// The ack journal as a file. It is opened at the first write and kept open.
package final class PosixJournalFile: AckJournalFile {
    private let path: String
    private var descriptor: Int32?

    package init(path: String) { self.path = path }

    deinit { close() }

    package func read() throws(DatabaseError) -> Bytes? {
        try PosixFile.read(path, countMax: AckJournal.fileBytes)
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
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw PosixFile.failure("open", path) }
        descriptor = opened
        if isNew { try PosixFile.syncDirectory(PosixFile.directory(of: path)) }
        return opened
    }
}

/// The right to use a data directory: an exclusive `flock`, which ends with the process.
final class DirectoryLock {
    private var descriptor: Int32?

    /// - Throws: `.directoryLocked` when another process, or this one, holds it; `.ioFailed`.
    init(path: String) throws(DatabaseError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw PosixFile.failure("open", path) }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let other = PosixFile.failure("flock", path)
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
