import BlockRuntime
import CZeroMQ
import Glibc

/// Tells what becomes of the connections of one socket. Stays on the thread of its transport.
///
/// Its descriptor is waited for, not its socket: a wait over descriptors costs nothing for those
/// with nothing to say.
final class ZeroMQMonitor {
    /// What happened since it was last asked.
    struct Changes {
        /// A connection has ended.
        var hasEnded = false
        /// A connection could not be made, or not be used.
        var hasFailed = false
        /// A connection was made, and the other end speaks ZeroMQ.
        var hasConnected = false
        /// A caller's connection could not be taken, because the process has no descriptor left.
        var lacksDescriptors = false
    }

    /// What may be watched for.
    enum Subject {
        /// A socket that connects.
        case link
        /// A socket that listens: only what keeps it from listening, for the rest is its clients'.
        case listener

        fileprivate var events: Int32 {
            switch self {
            case .link:
                ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED
                    | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                    | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
            case .listener: ZMQ_EVENT_ACCEPT_FAILED
            }
        }
    }

    /// Events read at once: one that comes again and again must not keep its reader for ever.
    private static let eventCountMax = 4096

    private let handle: UnsafeMutableRawPointer
    /// What is watched: open until ``close()``.
    private let watched: UnsafeMutableRawPointer
    let descriptor: Int32

    /// Begins to watch; before the socket connects or listens, so that nothing is missed.
    init(
        of socket: ZeroMQSocket, as subject: Subject, context: ZeroMQContext
    ) throws(DatabaseError) {
        // The socket's own address names its monitor: no other has it while this one lives.
        let address = "inproc://monitor-\(UInt(bitPattern: socket.handle))"
        guard let handle = zmq_socket(context.handle, ZMQ_PAIR) else {
            throw ZeroMQFailure.current("cannot watch a ZeroMQ socket", or: .ioFailed)
        }
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        guard zmq_socket_monitor(socket.handle, address, subject.events) == 0,
            zmq_connect(handle, address) == 0,
            zmq_getsockopt(handle, ZMQ_FD, &descriptor, &size) == 0
        else {
            let error = ZeroMQFailure.current("cannot watch a ZeroMQ socket", or: .ioFailed)
            zmq_socket_monitor(socket.handle, nil, 0)
            zmq_close(handle)
            throw error
        }
        self.handle = handle
        watched = socket.handle
        self.descriptor = descriptor
        // Only who has found nothing to read is told, by the descriptor, that there is something.
        zmq_recv(handle, nil, 0, ZMQ_DONTWAIT)
    }

    /// Ends watching, before what is watched is closed.
    ///
    /// That goes on to say what becomes of its connections for as long as it is watched, and the
    /// thread of libzmq that says it serves all connections of the process: for a reader who is
    /// gone it would wait for ever. For one who is slow it waits as well, and whoever ends the
    /// watch waits for that thread: so what is unread is read first.
    func close() {
        for _ in 0..<Self.eventCountMax {
            guard zmq_recv(handle, nil, 0, ZMQ_DONTWAIT) >= 0 else { break }
        }
        zmq_socket_monitor(watched, nil, 0)
        zmq_close(handle)
    }

    /// Reads everything there is: the descriptor becomes readable again only after that.
    /// - Parameter frame: Scratch space, an initialised message.
    func takeChanges(_ frame: UnsafeMutablePointer<zmq_msg_t>) -> Changes {
        var changes = Changes()
        var count = 0
        while count < Self.eventCountMax, zmq_msg_recv(frame, handle, ZMQ_DONTWAIT) >= 0 {
            // An event is a frame of its number and value, and one of the address.
            guard zmq_msg_more(frame) == 1 else { continue }
            count += 1
            let bytes = UnsafeRawBufferPointer(
                start: zmq_msg_data(frame), count: zmq_msg_size(frame))
            guard bytes.count >= 6 else { continue }
            let event = Int32(bytes.loadUnaligned(as: UInt16.self))
            let value = bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
            switch event {
            case ZMQ_EVENT_DISCONNECTED: changes.hasEnded = true
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: changes.hasConnected = true
            case ZMQ_EVENT_ACCEPT_FAILED:
                let shortages = [EMFILE, ENFILE, ENOBUFS, ENOMEM].map(UInt32.init)
                if shortages.contains(value) { changes.lacksDescriptors = true }
            default: changes.hasFailed = true
            }
        }
        return changes
    }
}
