import BlockRuntime
import CLinux
import CZeroMQ
import Glibc

/// The sockets' common ground: libzmq's I/O thread and its table of sockets.
///
/// One context may serve several transports on several threads. It ends with the last of them.
package final class ZeroMQContext: @unchecked Sendable {
    // SAFETY: libzmq documents contexts, unlike sockets, as safe to use from any thread.
    let handle: UnsafeMutableRawPointer

    /// - Throws: `.ioFailed` when the system has no descriptors or memory for it.
    package init() throws(DatabaseError) {
        try ZeroMQContext.checkDescriptors()
        guard let handle = zmq_ctx_new() else {
            throw ZeroMQFailure.current("cannot make a ZeroMQ context", or: .ioFailed)
        }
        self.handle = handle
        // The default of 1023 sockets would end below our own limit of links.
        zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, Int32(2 * Limits.linkCountMax))
        // One I/O thread carries about a gigabyte a second; a second one only costs wake-ups.
        zmq_ctx_set(handle, ZMQ_IO_THREADS, 1)
    }

    /// libzmq ends the process when there is no descriptor for its own threads: it is found out
    /// before.
    private static func checkDescriptors() throws(DatabaseError) {
        var taken: [Int32] = []
        defer { for descriptor in taken { close(descriptor) } }
        for _ in 0..<Limits.contextDescriptorCount {
            let descriptor = linux_eventfd()
            guard descriptor >= 0 else {
                throw DatabaseError(
                    .ioFailed,
                    "ZeroMQ needs \(Limits.contextDescriptorCount) more open files; raise the "
                        + "limit (ulimit -n)")
            }
            taken.append(descriptor)
        }
    }

    deinit {
        // Waits for closing sockets to send what they hold, `Limits.lingerTime` at most.
        while zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
    }

    /// The version of libzmq in this process and whether it can encrypt, for the log at start.
    package static var libraryDescription: String {
        var (major, minor, patch) = (Int32(0), Int32(0), Int32(0))
        zmq_version(&major, &minor, &patch)
        let curve = zmq_has("curve") == 1 ? "with" : "without"
        return "libzmq \(major).\(minor).\(patch) \(curve) curve"
    }
}

/// Turns the error number of libzmq's last call on this thread into an error.
enum ZeroMQFailure {
    /// - Parameters:
    ///   - what: The beginning of the message.
    ///   - code: For error numbers that have no code of their own.
    static func current(_ what: String, or code: ErrorCode) -> DatabaseError {
        let number = zmq_errno()
        let reason = String(cString: zmq_strerror(number))
        switch number {
        case EADDRINUSE:
            return DatabaseError(.addressInUse, "\(what): another process listens there")
        case EMFILE, ENFILE:
            return DatabaseError(
                .ioFailed, "\(what): \(reason); raise the limit of open files (ulimit -n)")
        case EACCES, EPERM: return DatabaseError(.accessDenied, "\(what): \(reason)")
        case terminated:
            return DatabaseError(.shuttingDown, "\(what): the ZeroMQ context is closed")
        default:
            return DatabaseError(code, "\(what): \(reason) (\(number))")
        }
    }

    /// ETERM: the macro itself is an expression that Swift does not import.
    private static let terminated: Int32 = ZMQ_HAUSNUMERO + 53
}
