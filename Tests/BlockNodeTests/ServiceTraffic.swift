import BlockModel
import BlockRuntime
import BlockWire

/// What the services of a ``ServiceScene`` send each other and sync, from some instant on.
struct ServiceTraffic {
    /// One message to a storage peer.
    struct Message: Hashable {
        let at: Instant
        let coordinator: Int
        let peer: Int
        /// What it asks for, item by item.
        let kinds: [String]
    }

    /// Requests of proxies to coordinators.
    private(set) var requests: [(kind: String, at: Instant)] = []
    /// Messages of coordinators to peers. Each is answered by one.
    private(set) var messages: [Message] = []
    /// Synced batches.
    private(set) var syncs: [(peer: Int, at: Instant)] = []

    mutating func sent(_ request: RepositoryRequest, at now: Instant) {
        requests.append((Self.kind(of: request), now))
    }

    mutating func sent(
        _ items: [PeerBatchItem], from coordinator: Int, to peer: Int, at now: Instant
    ) {
        messages.append(
            Message(
                at: now, coordinator: coordinator, peer: peer,
                kinds: items.map { Self.kind(of: $0.request.operation) }))
    }

    mutating func synced(_ peer: Int, at now: Instant) { syncs.append((peer, now)) }

    /// How often each kind of request went to a coordinator.
    var requestCounts: [String: Int] { Self.counts(requests.map(\.kind)) }

    /// How many synced batches a peer has made.
    func syncCount(of peer: Int) -> Int { syncs.count { $0.peer == peer } }

    /// What of it was before an instant.
    func before(_ end: Instant) -> ServiceTraffic {
        var part = self
        part.requests.removeAll { $0.at >= end }
        part.messages.removeAll { $0.at >= end }
        part.syncs.removeAll { $0.at >= end }
        return part
    }

    /// What went to a peer, message by message: "accept" or "pend 2, prepare".
    func rounds(to peer: Int) -> [String] {
        messages.filter { $0.peer == peer }.map { message in
            Self.counts(message.kinds).sorted { $0.key < $1.key }
                .map { $0.value == 1 ? $0.key : "\($0.key) \($0.value)" }
                .joined(separator: ", ")
        }
    }

    private static func counts(_ kinds: [String]) -> [String: Int] {
        Dictionary(kinds.map { ($0, 1) }, uniquingKeysWith: +)
    }

    /// The name of an enum's case.
    private static func kind(of value: some Any) -> String {
        Mirror(reflecting: value).children.first?.label ?? "\(value)"
    }
}
