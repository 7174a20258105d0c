import BlockModel
import BlockRuntime
import BlockWire

/// How each coordinator has served a proxy lately, and so which one it turns to next.
struct CoordinatorStanding: Sendable {
    private var ranking: ServiceRanking
    /// What coordinators are judged about.
    private let peerSets: PeerSets
    /// When each coordinator said something last.
    private var lastHeard: [Int: Instant] = [:]
    private var sharedAffinity = SharedAffinity()

    init(_ map: ClusterMap) {
        ranking = ServiceRanking(addresses: map.coordinators.map(\.address))
        peerSets = PeerSets(map)
    }

    func address(_ coordinator: Int) -> String { ranking.addresses[coordinator] }
    var coordinatorCount: Int { ranking.addresses.count }
    /// Judgements that are remembered.
    var suspicionCount: Int { ranking.suspicionCount }

    /// What the coordinators are judged about by the outcome of a request: the peers it needs.
    func subject(of request: RepositoryRequest) -> ServiceRanking.Subject {
        peerSets.subject(of: request)
    }

    /// The coordinator for the next try of a call.
    func choice(for call: CoordinatorCall, at now: Instant) -> Int {
        let affinity = call.request.affinity.map { sharedAffinity.leader(of: $0, at: now) }
        let choice = ranking.choice(
            for: affinity?.digest.bytes ?? [], about: call.subject,
            tries: call.triesByCoordinator, at: now)
        // Which coordinator is preferred is a hint; another one must do as well.
        let isOther = buggify("buggify.proxy.otherCoordinator")
        guard let chosen = isOther ? choice.last : choice.first else {
            invariant(false, "a call needs a coordinator")
            return 0
        }
        return chosen
    }

    /// Whether it served badly when it was asked last: its answer is not waited for as long.
    func isDoubted(_ coordinator: Int, about subject: ServiceRanking.Subject) -> Bool {
        check(coordinator)
        return ranking.isDoubted(coordinator, about: subject)
    }

    // MARK: Events

    /// A request is to be sent.
    mutating func begin(_ request: RepositoryRequest, at now: Instant) {
        if case .transact(let attempt) = request { sharedAffinity.bind(attempt.attempt, at: now) }
    }

    /// Something came from it.
    mutating func heard(_ coordinator: Int, at now: Instant) {
        check(coordinator)
        invariant(now >= lastHeard[coordinator] ?? .origin, "time goes back to \(now)")
        lastHeard[coordinator] = now
    }

    /// It gave what was asked for.
    mutating func served(_ coordinator: Int, about subject: ServiceRanking.Subject) {
        check(coordinator)
        ranking.succeeded(coordinator, about: subject)
    }

    /// It answered that the request failed: it is not silent, at least.
    mutating func spoke(_ coordinator: Int) {
        check(coordinator)
        ranking.clear(coordinator)
    }

    /// It cannot be reached, its connection broke, or it answers what was not asked: it is passed
    /// over for everything.
    mutating func failed(_ coordinator: Int, at now: Instant) {
        check(coordinator)
        ranking.suspect(coordinator, at: now)
    }

    /// A try ended without what was asked for: its coordinator is passed over for a while, for what
    /// needs the same peers, unless it had too little time to say anything of it. One that has said
    /// nothing at all is passed over for everything.
    /// - Parameter error: What the coordinator said; nil when it did not answer.
    mutating func judge(
        _ sent: CoordinatorTry, about subject: ServiceRanking.Subject, told error: DatabaseError?,
        at now: Instant
    ) {
        check(sent.coordinator)
        invariant(sent.sentAt <= now, "a try that is sent later is judged")
        let elapsed = now.since(sent.sentAt)
        let isSlow = elapsed.nanoseconds >= sent.time.nanoseconds / 4 * 3
        if sent.time < Limits.judgedTryTime, isSlow { return }
        if error == nil, elapsed >= Limits.doubtedTryTime,
            (lastHeard[sent.coordinator] ?? .origin) <= sent.sentAt
        {
            return ranking.suspect(sent.coordinator, at: now)
        }
        mark("proxy.badOutcome")
        let time =
            error?.code == .overloaded
            ? max(Limits.overloadSuspicionTime, error?.retryAfter ?? .zero) : Limits.suspicionTime
        ranking.failed(sent.coordinator, about: subject, for: time, at: now)
    }

    private func check(_ coordinator: Int) {
        invariant(ranking.addresses.indices.contains(coordinator), "no coordinator \(coordinator)")
    }

    /// - Complexity: O(1).
    func checkInvariants() {
        invariant(
            ranking.suspicionCount <= Limits.suspicionCountMax,
            "\(ranking.suspicionCount) judgements are remembered")
        invariant(lastHeard.count <= coordinatorCount, "a coordinator that is not in the map")
    }
}
