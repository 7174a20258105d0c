import Glibc
import Optimystic

/// Results. Lines are collected and written together; ``flush()`` before waiting for anybody.
struct StandardOutput: ~Copyable {
    private var buffer = Bytes()
    /// Bytes that are worth a write.
    private static let flushCount = 64 * 1024

    init() {}

    deinit { StandardOutput.write(buffer, to: STDOUT_FILENO) }

    mutating func line(_ text: String) { line(Array(text.utf8)) }

    mutating func line(_ bytes: Bytes) {
        buffer += bytes
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= StandardOutput.flushCount { flush() }
    }

    mutating func flush() {
        StandardOutput.write(buffer, to: STDOUT_FILENO)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Ends the process when nobody reads any more: that is no failure of this program.
    static func write(_ bytes: Bytes, to descriptor: Int32) {
        bytes.withUnsafeBytes { raw in
            var offset = 0
            while offset < raw.count {
                let count = Glibc.write(
                    descriptor, raw.baseAddress?.advanced(by: offset), raw.count - offset)
                if count > 0 {
                    offset += count
                } else if count < 0, errno != EINTR {
                    Glibc.exit(errno == EPIPE ? 0 : EX_IOERR)
                }
            }
        }
    }
}

/// Everything that is not a result.
enum StandardError {
    static func line(_ text: String) { write(text + "\n") }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// On a terminal only, in one line that is written over.
    static func progress(_ text: String) {
        guard isTerminal else { return }
        write("\r\u{1B}[K" + text)
    }

    /// One write for one text, so that lines of several processes do not mix. A stderr that is
    /// closed is nobody's failure.
    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
