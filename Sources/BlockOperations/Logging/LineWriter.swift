import BlockRuntime
import Glibc

/// Writes whole lines to a file descriptor.
package struct LineWriter: Sendable {
    private let fileDescriptor: Int32

    package init(fileDescriptor: Int32) { self.fileDescriptor = fileDescriptor }

    package static let standardError = LineWriter(fileDescriptor: STDERR_FILENO)
    package static let standardOutput = LineWriter(fileDescriptor: STDOUT_FILENO)

    /// Hands `bytes` to the kernel in one `write`, so that lines of several threads and processes
    /// do not mix (POSIX: pipes up to PIPE_BUF, 4096 bytes here; files opened for appending). Only
    /// when the kernel takes a part does the rest follow in another call.
    ///
    /// A line that cannot be written (the reader is gone, the disk is full) is lost. A pipe that is
    /// full is waited for, also one that does not block: a thread that must not wait has a
    /// ``LogQueue``. SIGPIPE must be ignored, as ``StopSignal/install()`` does.
    ///
    /// - Returns: Whether all of it was written.
    @discardableResult
    package func write(_ bytes: Bytes) -> Bool {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return true }
            var written = 0
            while written < buffer.count {
                let count = Glibc.write(fileDescriptor, base + written, buffer.count - written)
                if count < 0 && errno == EINTR { continue }
                if count < 0 && errno == EAGAIN {
                    var watched = pollfd(fd: fileDescriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&watched, 1, -1)
                    continue
                }
                guard count > 0 else {
                    if fileDescriptor == STDOUT_FILENO { LostOutput.note(errno) }
                    return false
                }
                written += count
            }
            return true
        }
    }

    /// As ``write(_:)`` for a text, with a line feed behind it.
    @discardableResult
    package func writeLine(_ text: String) -> Bool { write(Bytes(text.utf8) + [0x0A]) }
}
