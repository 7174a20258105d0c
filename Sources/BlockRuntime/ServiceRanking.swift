/// Which of several equal services to turn to: by rendezvous hashing of what the request is about,
/// those that served badly lately last.
///
/// Every client or proxy that ranks the same addresses for the same affinity gets the same order,
/// so that the requests about one thing meet at one service and can be batched there. It is a hint:
/// any service can answer anything.
///
/// A service is judged by outcomes. One that says nothing is passed over for everything until it
/// speaks; one that speaks and does not serve is passed over for that subject only: it may be cut
/// off from the services that the subject needs, and from no others.
package struct ServiceRanking: Sendable {
    /// What services are judged about apart from each other: a set of peers, or a collection.
    package typealias Subject = UInt64

    private struct Key: Hashable, Sendable {
        let service: Int
        /// nil: everything, because it is silent.
        let subject: Subject?
    }

    private struct Suspicion: Sendable {
        var until: Instant
        var time: Duration
    }

    /// The services; a service is named by its position here, which never changes.
    package private(set) var addresses: [String]
    /// Those that served badly when they were asked last, and until when others are preferred.
    private var suspects: [Key: Suspicion] = [:]

    package init(addresses: [String]) { self.addresses = addresses }

    /// Judgements that are remembered; at most ``Limits/suspicionCountMax``.
    package var suspicionCount: Int { suspects.count }

    /// Adds a service. - Returns: Its position; that of the one there is for a known address.
    @discardableResult
    package mutating func add(_ address: String) -> Int {
        if let known = addresses.firstIndex(of: address) { return known }
        addresses.append(address)
        return addresses.count - 1
    }

    // MARK: Judging

    /// The service did not answer: others are preferred for ``Limits/suspicionTime``, and for twice
    /// as long each time that it is found silent again, up to ``Limits/suspicionTimeMax``.
    package mutating func suspect(_ service: Int, at now: Instant) {
        suspect(Key(service: service, subject: nil), for: Limits.suspicionTime, at: now)
    }

    /// The service did not serve a request about `subject`, whether it said so or not; others are
    /// preferred for such requests, as long as if it were silent.
    /// - Parameter time: How long the first time, where that is known better.
    package mutating func failed(
        _ service: Int, about subject: Subject, for time: Duration = Limits.suspicionTime,
        at now: Instant
    ) {
        suspect(Key(service: service, subject: subject), for: time, at: now)
    }

    private mutating func suspect(_ key: Key, for time: Duration, at now: Instant) {
        var suspicion = Suspicion(until: now, time: time)
        if let before = suspects[key] {
            // Several requests that were under way at once find it silent once.
            let isAgain = before.until <= now
            suspicion.time = isAgain ? min(before.time * 2, Limits.suspicionTimeMax) : before.time
        }
        suspicion.until = now.advanced(by: suspicion.time)
        suspects[key] = suspicion
        guard suspects.count > Limits.suspicionCountMax else { return }
        // A hint: what is forgotten is found out again.
        let first = suspects.min {
            ($0.value.until, $0.key.service, $0.key.subject ?? 0)
                < ($1.value.until, $1.key.service, $1.key.subject ?? 0)
        }
        if let first { suspects[first.key] = nil }
    }

    /// The service answered, whatever it said.
    package mutating func clear(_ service: Int) {
        suspects[Key(service: service, subject: nil)] = nil
    }

    /// The service served a request about `subject`.
    package mutating func succeeded(_ service: Int, about subject: Subject) {
        clear(service)
        suspects[Key(service: service, subject: subject)] = nil
    }

    // MARK: Choosing

    package func isSuspect(_ service: Int, about subject: Subject? = nil, at now: Instant) -> Bool {
        func isSuspect(_ subject: Subject?) -> Bool {
            suspects[Key(service: service, subject: subject)].map { $0.until > now } ?? false
        }
        return isSuspect(nil) || subject != nil && isSuspect(subject)
    }

    /// Whether the service served badly when it was asked last.
    package func isDoubted(_ service: Int, about subject: Subject? = nil) -> Bool {
        suspects[Key(service: service, subject: nil)] != nil
            || subject != nil && suspects[Key(service: service, subject: subject)] != nil
    }

    /// All services in the order of preference.
    ///
    /// - Parameters:
    ///   - affinity: What the request is about; empty for a request about nothing special.
    ///   - subject: What the services are judged about; nil: their silence only.
    /// - Complexity: O(n log n) and n hashes.
    package func order(
        for affinity: Bytes, about subject: Subject? = nil, at now: Instant
    ) -> [Int] {
        let ranked = addresses.indices.map { index in
            let key = affinity + Array(addresses[index].utf8)
            let weight = Digest(domain: "optimystic/rendezvous/1", key).prefix64
            let penalty = isSuspect(index, about: subject, at: now) ? 1 : 0
            return (index: index, weight: weight, penalty: penalty)
        }
        return ranked.sorted {
            ($0.penalty, $1.weight, $0.index) < ($1.penalty, $0.weight, $1.index)
        }.map(\.index)
    }

    /// The service for the next try of one request: of those that serve well, or else of all, the
    /// best of those that were tried least for it.
    /// - Parameter tries: How often each was tried for this request.
    package func choice(
        for affinity: Bytes, about subject: Subject? = nil, tries: [Int: Int], at now: Instant
    ) -> [Int] {
        let order = order(for: affinity, about: subject, at: now)
        let sound = order.filter { !isSuspect($0, about: subject, at: now) }
        let candidates = sound.isEmpty ? order : sound
        let fewest = candidates.map { tries[$0] ?? 0 }.min() ?? 0
        return candidates.filter { (tries[$0] ?? 0) == fewest }
    }
}
