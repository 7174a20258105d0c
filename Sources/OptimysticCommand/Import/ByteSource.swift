import BlockRuntime
import Glibc

/// The bytes of a file or of stdin, one after the other, with the line they are in. Holds one
/// chunk, however long the file is.
package struct ByteSource {
    /// The next bytes; none at the end.
    package typealias Read = () throws(DatabaseError) -> Bytes

    private static let chunkBytes = 64 * 1024
    private static let byteOrderMark: Bytes = [0xEF, 0xBB, 0xBF]

    private let read: Read
    private var buffer = Bytes()
    private var position = 0
    private var isAtEnd = false
    private var hasBegun = false
    /// Of the next byte, from 1.
    package private(set) var line = 1

    package init(_ read: @escaping Read) { self.read = read }

    /// A file, or stdin for `-`.
    /// - Parameter onRead: Told the number of bytes of each read.
    package init(
        path: ArgumentBytes, onRead: @escaping (Int) -> Void = { _ in }
    ) throws(DatabaseError) {
        var file = STDIN_FILENO
        if path.isStream {
            try ShellSession.checkStandardInput()
        } else {
            file = path.withPath { open($0, O_RDONLY | O_CLOEXEC) }
            guard file >= 0 else {
                throw DatabaseError(
                    .invalidArgument, "cannot read \(path): \(String(cString: strerror(errno)))")
            }
        }
        let descriptor = file
        self.init { () throws(DatabaseError) in
            let chunk = try ByteSource.chunk(
                from: descriptor, name: path.isStream ? "standard input" : "\(path)")
            onRead(chunk.count)
            return chunk
        }
    }

    /// The bytes of a file; nil of what has no size, as a pipe.
    static func size(path: ArgumentBytes) -> Int? {
        var status = stat()
        guard !path.isStream, path.withPath({ stat($0, &status) }) == 0,
            status.st_mode & S_IFMT == S_IFREG,
            status.st_size > 0
        else { return nil }
        return Int(clamping: status.st_size)
    }

    /// The next bytes of a descriptor, as many as are there; none at the end.
    static func chunk(
        from descriptor: Int32, name: String
    ) throws(DatabaseError) -> Bytes {
        while true {
            var count = 0
            let chunk = Bytes(unsafeUninitializedCapacity: chunkBytes) { buffer, filled in
                count = Glibc.read(descriptor, buffer.baseAddress, chunkBytes)
                filled = max(0, count)
            }
            if count >= 0 { return chunk }
            // What stands in for a standard input that was closed is not open for reading.
            if errno == EBADF, descriptor == STDIN_FILENO {
                throw DatabaseError(
                    .ioFailed, "standard input is closed: give it a file (<) or a pipe (|)")
            }
            guard errno == EINTR else {
                throw DatabaseError(
                    .ioFailed, "cannot read \(name): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// The next byte, which stays the next; nil at the end.
    package mutating func peek() throws(DatabaseError) -> UInt8? {
        if position == buffer.count { try fill() }
        return position < buffer.count ? buffer[position] : nil
    }

    /// The next byte; nil at the end.
    package mutating func next() throws(DatabaseError) -> UInt8? {
        guard let byte = try peek() else { return nil }
        position += 1
        if byte == UInt8(ascii: "\n") { line += 1 }
        return byte
    }

    /// The first chunk comes without a byte order mark: some programs write one before UTF-8.
    private mutating func fill() throws(DatabaseError) {
        guard !isAtEnd else { return }
        buffer = try read()
        position = 0
        isAtEnd = buffer.isEmpty
        guard !hasBegun else { return }
        hasBegun = true
        let mark = ByteSource.byteOrderMark
        while !isAtEnd, buffer.count < mark.count, mark.starts(with: buffer) {
            let more = try read()
            isAtEnd = more.isEmpty
            buffer += more
        }
        if buffer.starts(with: mark) {
            buffer.removeFirst(mark.count)
            if buffer.isEmpty { try fill() }
        }
    }
}
