/// Which of several equal services to turn to: by rendezvous hashing of what the request is about,
/// those that did not answer lately last.
///
/// Everybody who ranks the same addresses for the same affinity gets the same order, so that the
/// requests about one thing meet at one service and can be batched there. It is a hint: any service
/// can answer anything.
public struct ServiceRanking: Sendable {
    /// The services; a service is named by its position here, which never changes.
    public private(set) var addresses: [String]
    /// Those that did not answer lately, and until when others are preferred.
    private var suspects: [Int: Suspicion] = [:]

    private struct Suspicion: Sendable {
        var until: Instant
        var time: Duration
    }

    public init(addresses: [String]) { self.addresses = addresses }

    /// Adds a service. - Returns: Its position; that of the one there is for a known address.
    @discardableResult
    public mutating func add(_ address: String) -> Int {
        if let known = addresses.firstIndex(of: address) { return known }
        addresses.append(address)
        return addresses.count - 1
    }

    /// The service did not answer: others are preferred for ``Limits/suspicionTime``, and for twice
    /// as long each time that it is found silent again, up to ``Limits/suspicionTimeMax``.
    public mutating func suspect(_ service: Int, at now: Instant) {
        var suspicion = Suspicion(until: now, time: Limits.suspicionTime)
        if let before = suspects[service] {
            // Several requests that were under way at once find it silent once.
            let isAgain = before.until <= now
            suspicion.time =
                isAgain ? min(before.time * 2, Limits.suspicionTimeMax) : before.time
        }
        suspicion.until = now.advanced(by: suspicion.time)
        suspects[service] = suspicion
    }

    /// The service answered.
    public mutating func clear(_ service: Int) { suspects[service] = nil }

    public func isSuspect(_ service: Int, at now: Instant) -> Bool {
        suspects[service].map { $0.until > now } ?? false
    }

    /// Whether the service was silent when it was asked last.
    public func isDoubted(_ service: Int) -> Bool { suspects[service] != nil }

    /// All services in the order of preference.
    ///
    /// - Parameter affinity: What the request is about; empty for a request about nothing special.
    /// - Complexity: O(n log n) and n hashes.
    public func order(for affinity: Bytes, at now: Instant) -> [Int] {
        let ranked = addresses.indices.map { index in
            let key = affinity + Array(addresses[index].utf8)
            let weight = Digest(domain: "optimystic/rendezvous/1", key).prefix64
            return (index: index, weight: weight, penalty: isSuspect(index, at: now) ? 1 : 0)
        }
        return ranked.sorted {
            ($0.penalty, $1.weight, $0.index) < ($1.penalty, $0.weight, $1.index)
        }.map(\.index)
    }
}
