import Glibc

/// Reading files by paths that need not be text, which Foundation's are.
extension SystemPath {
    /// The error of the system call that just failed on this path.
    package func failure(_ call: String) -> DatabaseError {
        let number = errno
        let isOutOfDescriptors = number == EMFILE || number == ENFILE
        let remedy = isOutOfDescriptors ? "; raise the limit of open files (ulimit -n)" : ""
        return DatabaseError(
            ErrorCode(systemError: number),
            "\(call) \(self): \(String(cString: strerror(number)))\(remedy)")
    }

    /// All bytes of the file.
    /// - Returns: nil when there is no such file.
    /// - Throws: `.accessDenied`; `.ioFailed`, also when the file has more than `countMax` bytes.
    package func contents(countMax: Int) throws(DatabaseError) -> Bytes? {
        let descriptor = withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("open")
        }
        defer { close(descriptor) }
        var bytes = Bytes()
        var chunk = Bytes(repeating: 0, count: min(countMax + 1, 64 * 1024))
        while bytes.count <= countMax {
            let got = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("read") }
            if got == 0 { return bytes }
            bytes += chunk[..<got]
        }
        throw DatabaseError(.ioFailed, "\(self) is larger than the limit of \(countMax) bytes")
    }
}
