import BlockRuntime
import BlockStorage
import Glibc

/// Files and directories of the operating system, with what they need to survive a power cut.
enum PosixFile {
    /// The error of the system call that just failed.
    static func failure(_ call: String, _ path: String) -> DatabaseError {
        let number = errno
        let code: ErrorCode = number == ENOSPC || number == EDQUOT ? .noSpace : .ioFailed
        return DatabaseError(code, "\(call) \(path): \(String(cString: strerror(number)))")
    }

    /// - Throws: `.ioFailed` when the question cannot be answered: not allowed is not absent.
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

    /// Puts a whole file in place: after a crash there is all of it or what was there before.
    static func replace(_ path: String, with bytes: Bytes) throws(DatabaseError) {
        let draft = path + ".new"
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
    static func makeDirectory(_ path: String) throws(DatabaseError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("mkdir", path) }
        try syncDirectory(directory(of: path))
    }

    /// The names in a directory, sorted.
    static func names(in path: String) throws(DatabaseError) -> [String] {
        guard let stream = opendir(path) else { throw failure("opendir", path) }
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
                "\(path) is locked: another process uses this data directory; "
                    + "stop it, or choose another directory")
        }
        descriptor = opened
    }

    deinit { release() }

    func release() {
        guard let descriptor else { return }
        Glibc.close(descriptor)
        self.descriptor = nil
    }
}
