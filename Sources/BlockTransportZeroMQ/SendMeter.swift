import CZeroMQ
import Glibc
import Synchronization

/// Bytes that libzmq holds for one connection, or for all of them: handed over by the thread of the
/// transport, given back by libzmq's own when they have left. libzmq itself counts messages only.
final class SendMeter: Sendable {
    private let count = Atomic<Int>(0)
    private let whole: SendMeter?

    /// - Parameter whole: What counts this one's bytes as well.
    init(partOf whole: SendMeter? = nil) { self.whole = whole }

    var bytes: Int { count.load(ordering: .relaxed) }

    /// The same of all connections together.
    var allBytes: Int { whole?.bytes ?? bytes }

    private func add(_ bytes: Int) {
        count.add(bytes, ordering: .relaxed)
        whole?.add(bytes)
    }

    /// Room before the payload for its length: libzmq hands back nothing but the pointer.
    private static var prefix: Int { 16 }

    /// Makes a message of a copy of `payload`, counted until libzmq lets go of it.
    /// - Parameter frame: An initialised message that holds nothing.
    /// - Returns: Whether there was memory for it.
    func fill(_ frame: UnsafeMutablePointer<zmq_msg_t>, with payload: UnsafeRawBufferPointer)
        -> Bool
    {
        guard let source = payload.baseAddress, let block = malloc(Self.prefix + payload.count)
        else { return false }
        block.storeBytes(of: payload.count, as: Int.self)
        let data = block + Self.prefix
        data.copyMemory(from: source, byteCount: payload.count)
        // One reference for the message: it may outlive its socket by the time of lingering.
        let owner = Unmanaged.passRetained(self)
        add(payload.count)
        let status = zmq_msg_init_data(
            frame, data, payload.count,
            { data, owner in
                guard let data, let owner else { return }
                let block = data - SendMeter.prefix
                let meter = Unmanaged<SendMeter>.fromOpaque(owner).takeRetainedValue()
                meter.add(-block.load(as: Int.self))
                free(block)
            }, owner.toOpaque())
        guard status == 0 else {
            add(-payload.count)
            owner.release()
            free(block)
            zmq_msg_init(frame)
            return false
        }
        return true
    }
}
