import BlockRuntime
import BlockTransport
import BlockTransportLoopback
import BlockTransportZeroMQ
import CZeroMQ
import Foundation
import Glibc
import Synchronization
import Testing

/// The transports under the one suite.
enum TransportKind: String, CaseIterable, CustomTestStringConvertible {
    case loopback
    case zeroMQ

    var testDescription: String { rawValue }
}

/// One network to make transports on, and the waits every test needs.
final class TransportHarness {
    let kind: TransportKind
    fileprivate let network = LoopbackNetwork(environment: .live())
    private var nextName = 0
    /// Where nobody listens: not a port that was let go of, which another test may take meanwhile,
    /// but one that systems give to nobody.
    var addressOfNobody: String {
        kind == .zeroMQ ? "tcp://127.0.0.1:1" : "loopback://nobody"
    }
    /// A loopback address of this harness alone. A port that a test lets go, to listen there again,
    /// could otherwise go to a neighbour, or to the outgoing side of the client that waits for it.
    private let host: String

    private static let hostNumber = Atomic<UInt32>(0)

    init(_ kind: TransportKind) {
        self.kind = kind
        let number = Self.hostNumber.add(1, ordering: .relaxed).newValue
        let process = ProcessInfo.processInfo.processIdentifier
        host = "127.\(1 + process % 200).\(number / 200).\(1 + number % 200)"
    }

    /// A transport that listens: at a fresh address, or again at one of an earlier server.
    func server(at address: String? = nil) throws -> any Transport {
        switch kind {
        case .loopback:
            nextName += 1
            return try LoopbackTransport(
                network: network, address: address ?? "loopback://server-\(nextName)")
        case .zeroMQ:
            return try ZeroMQTransport(address: address ?? "tcp://\(host):*")
        }
    }

    /// An address at which nobody ever listened.
    func unusedAddress() throws -> String {
        guard kind == .zeroMQ else {
            nextName += 1
            return "loopback://server-\(nextName)"
        }
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(probe >= 0)
        defer { Glibc.close(probe) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_addr.s_addr = inet_addr(host)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(probe, $0, length) + getsockname(probe, $0, &length)
            }
        }
        try #require(status == 0)
        return "tcp://\(host):\(UInt16(bigEndian: target.sin_port))"
    }

    func client() throws -> any Transport {
        switch kind {
        case .loopback: try LoopbackTransport(network: network)
        case .zeroMQ: try ZeroMQTransport()
        }
    }

    /// A peer that sends whatever frames it is told to.
    func rawClient(to address: String) throws -> any RawClient {
        switch kind {
        case .loopback: try LoopbackRawClient(network: network, address: address)
        case .zeroMQ: try ZeroMQRawClient(address: address)
        }
    }
}

extension TransportHarness {
    /// A peer that reads nothing of what it is sent.
    func silentClient(to address: String) throws -> any RawClient {
        switch kind {
        case .loopback: try LoopbackRawClient(network: network, address: address)
        case .zeroMQ: try ZeroMQRawClient(address: address, receiveQueueCountMax: 1)
        }
    }
}

protocol RawClient {
    func send(_ frames: [Bytes])
    /// Breaks the connection; nothing is sent afterwards.
    func close()
}

private struct LoopbackRawClient: RawClient {
    let transport: LoopbackTransport
    let link: Endpoint

    init(network: LoopbackNetwork, address: String) throws {
        transport = try LoopbackTransport(network: network)
        link = try transport.connect(to: address)
    }

    func send(_ frames: [Bytes]) {
        #expect(transport.send(frames: frames, to: link) == .queued)
    }

    func close() { transport.close() }
}

/// A bare DEALER with none of our limits.
private final class ZeroMQRawClient: RawClient {
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer
    private var isClosed = false

    init(address: String, receiveQueueCountMax: Int32 = 1000) throws {
        context = try #require(zmq_ctx_new())
        socket = try #require(zmq_socket(context, ZMQ_DEALER))
        var none = Int32(0)
        zmq_setsockopt(socket, ZMQ_LINGER, &none, MemoryLayout<Int32>.size)
        zmq_setsockopt(socket, ZMQ_SNDHWM, &none, MemoryLayout<Int32>.size)
        var queue = receiveQueueCountMax
        zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, MemoryLayout<Int32>.size)
        try #require(zmq_connect(socket, address) == 0)
    }

    deinit { close() }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        zmq_close(socket)
        zmq_ctx_term(context)
    }

    func send(_ frames: [Bytes]) {
        for (index, frame) in frames.enumerated() {
            let flags = index == frames.count - 1 ? 0 : ZMQ_SNDMORE
            #expect(zmq_send(socket, frame, frame.count, flags) == Int32(frame.count))
        }
    }
}

/// An envelope whose fields all follow from `number`.
func envelope(_ number: Int, payload: Bytes = []) -> Envelope {
    Envelope(
        kind: UInt16(truncatingIfNeeded: number), correlation: UInt64(number),
        remainingMilliseconds: UInt32(truncatingIfNeeded: 1000 + number),
        cluster: Identifier128(UInt128(number) << 64 | 7), trace: UInt64(number) &* 31,
        payload: payload)
}

extension Transport {
    /// Receives until `count` arrivals are there, those about connections aside; fewer when they do
    /// not come in time, which is long enough for a machine that does other things as well.
    func arrivals(_ count: Int) throws -> [Inbound] {
        var arrivals: [Inbound] = []
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while arrivals.count < count, ContinuousClock.now < deadline {
            arrivals += try receive(timeout: .seconds(1)).filter { arrival in
                switch arrival {
                case .message, .malformed: true
                case .broken, .unreachable, .silent: false
                }
            }
        }
        return arrivals
    }

    /// Receives `count` messages; anything else is an issue.
    func messages(_ count: Int) throws -> [(from: Endpoint, envelope: Envelope)] {
        let arrivals = try arrivals(count)
        #expect(arrivals.count == count)
        return arrivals.compactMap { arrival in
            guard case .message(let source, let envelope) = arrival else {
                Issue.record("\(arrival)")
                return nil
            }
            return (source, envelope)
        }
    }

    /// Receives one malformed arrival.
    func malformed() throws -> (from: Endpoint, error: DatabaseError) {
        let arrival = try #require(try arrivals(1).first)
        guard case .malformed(let source, let error) = arrival else {
            throw DatabaseError(.internalError, "a message instead: \(arrival)")
        }
        return (source, error)
    }

    func address() throws -> String { try #require(boundAddress) }
}

/// Repeats `attempt` until it holds, for ten seconds at most.
func eventually(_ attempt: () throws -> Bool) throws -> Bool {
    let deadline = ContinuousClock.now.advanced(by: .seconds(10))
    while ContinuousClock.now < deadline {
        if try attempt() { return true }
        usleep(2_000)
    }
    return false
}
