import BlockRuntime
import CZeroMQ

/// Tells of the ends of the connections of one outgoing socket. Stays on the thread of its
/// transport.
///
/// Its descriptor is waited for, not its socket: a wait over descriptors costs nothing for those
/// with nothing to say.
final class ZeroMQMonitor {
    private let handle: UnsafeMutableRawPointer
    let descriptor: Int32

    /// Begins to watch; before the socket connects, so that nothing is missed.
    init(of socket: ZeroMQSocket, context: ZeroMQContext) throws(DatabaseError) {
        // The socket's own address names its monitor: no other has it while this one lives.
        let address = "inproc://monitor-\(UInt(bitPattern: socket.handle))"
        let events = Int32(ZMQ_EVENT_DISCONNECTED)
        guard zmq_socket_monitor(socket.handle, address, events) == 0,
            let handle = zmq_socket(context.handle, ZMQ_PAIR)
        else { throw ZeroMQFailure.current("cannot watch a ZeroMQ socket", or: .ioFailed) }
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        guard zmq_connect(handle, address) == 0,
            zmq_getsockopt(handle, ZMQ_FD, &descriptor, &size) == 0
        else {
            let error = ZeroMQFailure.current("cannot watch a ZeroMQ socket", or: .ioFailed)
            zmq_close(handle)
            throw error
        }
        self.handle = handle
        self.descriptor = descriptor
        // Only who has found nothing to read is told, by the descriptor, that there is something.
        zmq_recv(handle, nil, 0, ZMQ_DONTWAIT)
    }

    func close() { zmq_close(handle) }

    /// Reads everything there is: the descriptor becomes readable again only after that.
    /// - Parameter frame: Scratch space, an initialised message.
    /// - Returns: Whether a connection has ended.
    func takeBreak(_ frame: UnsafeMutablePointer<zmq_msg_t>) -> Bool {
        var hasEnded = false
        // An event is a frame of its number and value, and one of the address: nothing but ends
        // was asked for.
        while zmq_msg_recv(frame, handle, ZMQ_DONTWAIT) >= 0 { hasEnded = true }
        return hasEnded
    }
}
