import BlockRuntime
import BlockTransport

/// A ``Transport`` within one process.
package final class LoopbackTransport: Transport {
    package let boundAddress: String?
    package let waker: Waker
    package private(set) var statistics = TransportStatistics()

    private static let scheme = "loopback://"

    private let network: LoopbackNetwork
    private let station: Int
    private var linkNumbers: [String: Int] = [:]
    private var nextLink = 0
    private var isClosed = false

    /// - Parameter address: `loopback://` and a name to listen at; nil to connect only.
    /// - Throws: `.addressInUse`, `.configurationInvalid`.
    package init(network: LoopbackNetwork, address: String? = nil) throws(DatabaseError) {
        if let address { try Self.check(address) }
        let station = try network.open(at: address)
        self.network = network
        self.station = station
        boundAddress = address
        waker = Waker { network.wake(station) }
    }

    deinit { close() }

    package func receive(timeout: Duration?) throws(DatabaseError) -> [Inbound] {
        try checkOpen()
        return network.receive(station, timeout: timeout).map { source, arrival in
            guard case .frames(let frames) = arrival else { return .broken(source) }
            let byteCount = frames.reduce(0) { $0 + $1.count }
            statistics.bytesIn += UInt64(byteCount)
            do throws(DatabaseError) {
                let envelope = try Envelope(frames: frames)
                statistics.messagesIn += 1
                return .message(from: source, envelope)
            } catch {
                statistics.malformed += 1
                return .malformed(from: source, error)
            }
        }
    }

    package func send(_ envelope: Envelope, to endpoint: Endpoint) -> SendResult {
        guard envelope.isWithinLimits else {
            statistics.dropped += 1
            return .oversized
        }
        return send(frames: envelope.frames, to: endpoint)
    }

    /// Sends frames as they are, whatever they contain: what a faulty or hostile peer would send.
    package func send(frames: [Bytes], to endpoint: Endpoint) -> SendResult {
        let result =
            isClosed ? .unroutable : network.send(frames, from: station, to: endpoint)
        if result == .queued {
            statistics.messagesOut += 1
            statistics.bytesOut += UInt64(frames.reduce(0) { $0 + $1.count })
        } else {
            statistics.dropped += 1
        }
        return result
    }

    package func backlogBytes(to endpoint: Endpoint) -> Int {
        isClosed ? 0 : network.backlogBytes(from: station, to: endpoint)
    }

    package func connect(to address: String) throws(DatabaseError) -> Endpoint {
        try checkOpen()
        try Self.check(address)
        if let number = linkNumbers[address] { return .link(number) }
        guard linkNumbers.count < Limits.linkCountMax else {
            throw LinkLimit.error(address: address)
        }
        let number = nextLink
        nextLink += 1
        linkNumbers[address] = number
        network.connect(station, link: number, to: address)
        return .link(number)
    }

    package func disconnect(_ endpoint: Endpoint) {
        guard case .link(let number) = endpoint,
            let address = linkNumbers.first(where: { $0.value == number })?.key
        else { return }
        linkNumbers[address] = nil
        network.disconnect(station, link: number)
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        network.close(station)
    }

    private func checkOpen() throws(DatabaseError) {
        guard isClosed else { return }
        throw DatabaseError(.shuttingDown, "this transport is closed")
    }

    private static func check(_ address: String) throws(DatabaseError) {
        guard address.hasPrefix(scheme), address.utf8.count > scheme.utf8.count else {
            throw DatabaseError(
                .configurationInvalid,
                "\"\(address)\" is not a loopback address; write \(scheme) and a name")
        }
    }
}
