import BlockRuntime
import BlockTransport
import CZeroMQ
import Glibc

/// One socket and the framing of envelopes on it. Stays on the thread of its transport.
final class ZeroMQSocket {
    /// What reading one message came to.
    enum Reception {
        case nothing
        case arrived(Inbound, byteCount: Int)
        /// An overlong message is being thrown away; the rest of it is for a later call.
        case unfinished
    }

    let handle: UnsafeMutableRawPointer
    /// Where everything on this socket comes from; nil on a ROUTER, whose messages say it.
    private let link: Endpoint?
    private var overlong: (from: Endpoint, frameCount: Int)?
    /// What is not sent yet of the connections that have such, or of the one link.
    private var meters: [Route?: SendMeter] = [:]
    private var nextSweep = 64
    private let allSent: SendMeter
    /// Every counted frame is sent from this one, which must not move.
    private let outgoing: UnsafeMutablePointer<zmq_msg_t>

    /// A ROUTER when `link` is nil, else the DEALER beneath that link.
    /// - Parameter allSent: Counts what all sockets of a transport have not sent yet.
    init(context: ZeroMQContext, link: Endpoint?, allSent: SendMeter) throws(DatabaseError) {
        let kind = link == nil ? ZMQ_ROUTER : ZMQ_DEALER
        guard let handle = zmq_socket(context.handle, kind) else {
            throw ZeroMQFailure.current("cannot make a ZeroMQ socket", or: .ioFailed)
        }
        self.handle = handle
        self.link = link
        self.allSent = allSent
        outgoing = .allocate(capacity: 1)
        zmq_msg_init(outgoing)
        applyOptions()
    }

    deinit {
        zmq_msg_close(outgoing)
        outgoing.deallocate()
    }

    func close() { zmq_close(handle) }

    /// Closes without waiting for what is still to be sent.
    func abandon() {
        set(ZMQ_LINGER, 0)
        zmq_close(handle)
    }

    /// - Returns: The address with the port that was taken.
    func bind(to address: String) throws(DatabaseError) -> String {
        enableIPv6(for: address)
        guard zmq_bind(handle, address) == 0 else {
            throw ZeroMQFailure.current(
                "cannot listen at \"\(address)\"", or: .configurationInvalid)
        }
        return lastEndpoint
    }

    /// Takes no further connections at the address that ``bind(to:)`` returned; those there are
    /// stay.
    func unbind(from address: String) { zmq_unbind(handle, address) }

    func connect(to address: String) throws(DatabaseError) {
        enableIPv6(for: address)
        guard zmq_connect(handle, address) == 0 else {
            throw ZeroMQFailure.current(
                "cannot connect to \"\(address)\"", or: .configurationInvalid)
        }
    }
}

// MARK: Options

extension ZeroMQSocket {
    /// No routing id is chosen and ROUTER_HANDOVER stays off: with either, a stranger could take
    /// the name of a peer and with it the peer's messages. TCP_NODELAY is libzmq's default.
    private func applyOptions() {
        // Closing lets the last replies leave, but never hangs on a dead peer (default: for ever).
        set(ZMQ_LINGER, Limits.lingerTime.milliseconds)
        // Bounded queues for each connection; beyond them a send fails at once.
        set(ZMQ_SNDHWM, Int64(Limits.sendQueueCountMax))
        set(ZMQ_RCVHWM, Int64(Limits.receiveQueueCountMax))
        // A longer frame ends the connection before memory is taken for it (default: no limit).
        set64(ZMQ_MAXMSGSIZE, Int64(Limits.frameBytesMax))
        // Finds connections whose other end vanished without a FIN: power loss, cut cable, SIGSTOP.
        set(ZMQ_HEARTBEAT_IVL, Limits.heartbeatInterval.milliseconds)
        set(ZMQ_HEARTBEAT_TIMEOUT, Limits.heartbeatTimeout.milliseconds)
        // A stranger that says nothing loses its descriptor (default: after 30 s).
        set(ZMQ_HANDSHAKE_IVL, Limits.handshakeTimeMax.milliseconds)
        if link == nil {
            // A reply to a client that is gone is reported instead of dropped in silence.
            set(ZMQ_ROUTER_MANDATORY, 1)
            return
        }
        // A restarted peer is found quickly, a dead one is not hammered: libzmq doubles the delay
        // and adds chance to it.
        set(ZMQ_RECONNECT_IVL, Limits.reconnectDelayMin.milliseconds)
        set(ZMQ_RECONNECT_IVL_MAX, Limits.reconnectDelayMax.milliseconds)
        // A host that swallows packets is given up and tried again (default: the system's minutes).
        set(ZMQ_CONNECT_TIMEOUT, Limits.connectTimeMax.milliseconds)
        // IMMEDIATE stays 0: with 1 the first requests after connect() and after each break would
        // be refused, and those queued at a break lost. The price, stale requests that reach a
        // returning peer, is bounded by SNDHWM and harmless: requests may be repeated anyway.
        set(ZMQ_IMMEDIATE, 0)
    }

    private func set(_ option: Int32, _ value: Int64) {
        var number = Int32(clamping: value)
        let status = zmq_setsockopt(handle, option, &number, MemoryLayout<Int32>.size)
        invariant(status == 0, "libzmq refuses option \(option) = \(value)")
    }

    private func set64(_ option: Int32, _ value: Int64) {
        var number = value
        let status = zmq_setsockopt(handle, option, &number, MemoryLayout<Int64>.size)
        invariant(status == 0, "libzmq refuses option \(option) = \(value)")
    }

    /// Literal IPv6 addresses need the option, and names must go on resolving to IPv4 without it.
    private func enableIPv6(for address: String) {
        if address.contains("[") { set(ZMQ_IPV6, 1) }
    }

    private var lastEndpoint: String {
        // A TCP address is short; a path of ipc:// has at most 108 bytes.
        var text = [CChar](repeating: 0, count: 256)
        var size = text.count
        let status = zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &size)
        invariant(status == 0, "libzmq does not know the address it has just bound")
        let bytes = text.prefix(max(0, size - 1)).map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// MARK: Sending

extension ZeroMQSocket {
    /// - Parameter route: Whom to send to; nil on a DEALER.
    func send(_ envelope: Envelope, to route: Route?) -> SendResult {
        let byteCount = envelope.payload.count
        // Small ones are bounded by their number.
        let meter = byteCount >= Limits.countedPayloadBytesMin ? meter(of: route) : nil
        if let meter {
            guard
                Self.fits(byteCount, beside: meter.bytes, limit: Limits.sendQueueBytesMax),
                Self.fits(byteCount, beside: meter.allBytes, limit: Limits.allSendQueueBytesMax)
            else { return .backlogged }
        }
        if let route {
            let sent = route.withBytes { sendFrame($0, isLast: false) }
            guard sent else { return refusal }
        }
        let sent = withUnsafeTemporaryAllocation(
            byteCount: Envelope.headerByteCount, alignment: 1
        ) { header in
            envelope.encodeHeader(into: header)
            return sendFrame(UnsafeRawBufferPointer(header), isLast: false)
        }
        guard sent else { return refusal }
        // libzmq refuses a later frame only when the connection has just ended, and then takes
        // back the earlier ones.
        let isTaken = envelope.payload.withUnsafeBytes {
            if let meter { sendCounted($0, meter) } else { sendFrame($0, isLast: true) }
        }
        return isTaken ? .queued : refusal
    }

    /// Bytes not sent yet, small messages aside.
    func backlogBytes(to route: Route?) -> Int { meters[route]?.bytes ?? 0 }

    /// One message is always let through.
    private static func fits(_ byteCount: Int, beside waiting: Int, limit: Int) -> Bool {
        waiting == 0 || waiting + byteCount <= limit
    }

    private func meter(of route: Route?) -> SendMeter {
        if let meter = meters[route] { return meter }
        // Connections end without a word: those that have nothing to send are forgotten, so that
        // no more are kept than hold something, and these few.
        if meters.count >= nextSweep {
            meters = meters.filter { $0.value.bytes > 0 }
            nextSweep = 2 * meters.count + 64
        }
        let meter = SendMeter(partOf: allSent)
        meters[route] = meter
        return meter
    }

    private func sendCounted(_ bytes: UnsafeRawBufferPointer, _ meter: SendMeter) -> Bool {
        guard meter.fill(outgoing, with: bytes) else { return false }
        if zmq_msg_send(outgoing, handle, ZMQ_DONTWAIT) >= 0 { return true }
        let number = zmq_errno()
        // Gives the bytes back, and may change the error number that says why.
        zmq_msg_close(outgoing)
        zmq_msg_init(outgoing)
        errno = number
        return false
    }

    private func sendFrame(_ bytes: UnsafeRawBufferPointer, isLast: Bool) -> Bool {
        let flags = isLast ? ZMQ_DONTWAIT : ZMQ_DONTWAIT | ZMQ_SNDMORE
        return zmq_send(handle, bytes.baseAddress, bytes.count, flags) >= 0
    }

    private var refusal: SendResult {
        // EAGAIN: the queue is full. EHOSTUNREACH: the client is gone.
        zmq_errno() == EAGAIN ? .backlogged : .unroutable
    }
}

// MARK: Receiving

extension ZeroMQSocket {
    /// Reads one message without waiting.
    ///
    /// - Parameters:
    ///   - frame: Scratch space, an initialised message.
    ///   - dropBudget: How many frames may still be thrown away in this call of the transport.
    func next(
        _ frame: UnsafeMutablePointer<zmq_msg_t>, dropBudget: inout Int
    ) -> Reception {
        if overlong != nil { return finishOverlong(frame, &dropBudget) }
        guard receive(frame) else { return .nothing }
        var source = link
        if source == nil {
            source = .route(Route(Self.bytes(of: frame)))
            // The frames of one message become readable together.
            guard zmq_msg_more(frame) == 1, receive(frame) else { return .nothing }
        }
        guard let source else { return .nothing }
        return message(from: source, frame, &dropBudget)
    }

    /// Goes on after the header frame was read into `frame`.
    private func message(
        from source: Endpoint, _ frame: UnsafeMutablePointer<zmq_msg_t>, _ dropBudget: inout Int
    ) -> Reception {
        var byteCount = zmq_msg_size(frame)
        let header = Result { () throws(DatabaseError) in
            try Envelope(header: Self.bytes(of: frame))
        }
        guard zmq_msg_more(frame) == 1, receive(frame) else {
            let error = Envelope.frameCountError(actual: 1)
            return .arrived(.malformed(from: source, error), byteCount: byteCount)
        }
        if zmq_msg_more(frame) == 1 {
            overlong = (source, 2)
            return finishOverlong(frame, &dropBudget)
        }
        byteCount += zmq_msg_size(frame)
        do throws(DatabaseError) {
            var envelope = try header.get()
            let payload = Self.bytes(of: frame)
            guard payload.count <= Limits.frameBytesMax else {
                throw Envelope.payloadSizeError(actual: payload.count)
            }
            envelope.payload = Bytes(payload)
            return .arrived(.message(from: source, envelope), byteCount: byteCount)
        } catch {
            return .arrived(.malformed(from: source, error), byteCount: byteCount)
        }
    }

    private func finishOverlong(
        _ frame: UnsafeMutablePointer<zmq_msg_t>, _ dropBudget: inout Int
    ) -> Reception {
        guard let (source, earlier) = overlong else { return .nothing }
        var frameCount = earlier
        while dropBudget > 0 {
            guard receive(frame) else { break }
            dropBudget -= 1
            frameCount += 1
            guard zmq_msg_more(frame) == 1 else {
                overlong = nil
                let error = Envelope.frameCountError(actual: frameCount)
                return .arrived(.malformed(from: source, error), byteCount: 0)
            }
        }
        overlong = (source, frameCount)
        return .unfinished
    }

    /// Replaces the content of `frame` by the next frame, if there is one.
    private func receive(_ frame: UnsafeMutablePointer<zmq_msg_t>) -> Bool {
        zmq_msg_recv(frame, handle, ZMQ_DONTWAIT) >= 0
    }

    /// Valid until the frame is received into again.
    private static func bytes(
        of frame: UnsafeMutablePointer<zmq_msg_t>
    ) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: zmq_msg_data(frame), count: zmq_msg_size(frame))
    }
}
