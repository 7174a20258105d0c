import BlockModel
import BlockRuntime
import BlockTransport
import BlockWire

/// The transport of one service of a world, for one life of it. What a turn sends is held until the
/// world takes it: the process may die between two messages.
final class SimulatedTransport: Transport {
    let boundAddress: String? = nil
    let waker = Waker {}
    private(set) var statistics = TransportStatistics()
    private let codec: any MessageCodec
    private var links: [String] = []
    private var departures: [(message: SimulatedMessage, endpoint: Endpoint)] = []

    init(codec: any MessageCodec) { self.codec = codec }

    /// The world hands arrivals to the service itself.
    func receive(timeout: Duration?) throws(DatabaseError) -> [Inbound] { [] }

    func send(_ envelope: Envelope, to endpoint: Endpoint) -> SendResult {
        guard envelope.isWithinLimits else { return .oversized }
        // A slow receiver; only requests, for an answer is then refused in a message of its own.
        if case .link = endpoint, buggify("buggify.transport.backlogged") { return .backlogged }
        do throws(DatabaseError) {
            let message = try SimulatedMessage(envelope, codec)
            departures.append((message, endpoint))
            statistics.messagesOut += 1
            return .queued
        } catch {
            invariant(false, "a service sends what does not decode: \(error)")
            return .oversized
        }
    }

    /// What was sent since the last time, in order.
    func takeDepartures() -> [(message: SimulatedMessage, endpoint: Endpoint)] {
        defer { departures = [] }
        return departures
    }

    func backlogBytes(to endpoint: Endpoint) -> Int { 0 }

    func connect(to address: String) throws(DatabaseError) -> Endpoint {
        if let known = links.firstIndex(of: address) { return .link(known) }
        links.append(address)
        return .link(links.count - 1)
    }

    func disconnect(_ endpoint: Endpoint) {}
    func close() {}
}
