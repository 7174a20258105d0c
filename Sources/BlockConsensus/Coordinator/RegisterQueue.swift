import BlockModel
import BlockRuntime

/// The changes of one register: the one under way and those that wait, by proposer
/// (protocol: fair-turns).
///
/// Proposers take turns, each with its changes in order. One whose change came too late, because
/// another one's landed before it, is told so and keeps its place: the others wait until it has
/// come back with what it makes of the news, for two of its round trips at most. Without that, the
/// proposer that has landed last is always the first to know what comes next, and no other one ever
/// lands. And one that has its turn lands change after change for a while: each change of turns
/// costs the next proposer a look at what landed meanwhile. Nothing that is safe or not depends on
/// it.
struct RegisterQueue {
    typealias Client = Coordinator.Client

    /// For whom the register is kept free.
    enum Place: Equatable {
        case proposer(Client)
        /// Those of other coordinators.
        case others
    }

    struct Running {
        let id: UInt64
        let client: Client
        let began: Instant
    }

    private(set) var running: Running?
    private var lanes: [Client: [UInt64]] = [:]
    /// The proposers with something in a lane, in the order of their turns.
    private var turns: [Client] = []
    private(set) var waitingCount = 0
    private(set) var kept: (place: Place, until: Instant)?
    /// Whose turn it is or was last, and since when.
    private var turn: (client: Client, since: Instant)?
    /// Proposers for whom the register was kept free in vain lately: their turns end at once.
    private var idleUntil: [Client: Instant] = [:]
    /// The register's value after the last change, when it is known to be chosen.
    var chosen: TailValue?
    /// Reads that found the running change under way.
    var readers: [(read: TailRead, owner: RoundOwner)] = []
    /// Checks of what clients say of the log, which the running change may make true.
    var checks: [UInt64] = []

    var isEmpty: Bool {
        running == nil && waitingCount == 0 && kept == nil && readers.isEmpty && checks.isEmpty
    }

    mutating func append(_ id: UInt64, of client: Client) {
        invariant(lanes[client]?.last ?? 0 < id, "change \(id) comes before its predecessor")
        if lanes[client] == nil { turns.append(client) }
        lanes[client, default: []].append(id)
        waitingCount += 1
    }

    /// A change that waited has ended.
    mutating func remove(_ id: UInt64) {
        for (client, lane) in lanes {
            guard let position = lane.firstIndex(of: id) else { continue }
            waitingCount -= 1
            lanes[client]?.remove(at: position)
            guard lane.count == 1 else { return }
            lanes[client] = nil
            turns.removeAll { $0 == client }
            return
        }
        invariant(false, "change \(id) does not wait")
    }

    /// Ids of all changes that wait.
    var waiting: some Sequence<UInt64> { lanes.values.joined() }

    /// Whose turn it is at `now`; nil when no proposer may begin.
    mutating func turn(at now: Instant) -> Client? {
        guard running == nil else { return nil }
        if let kept, kept.until > now {
            guard case .proposer(let client) = kept.place, lanes[client] != nil else { return nil }
            return client
        }
        if case .proposer(let client)? = kept?.place, !turns.isEmpty {
            idleUntil = idleUntil.filter { $0.value > now }
            idleUntil[client] = now.advanced(by: Limits.idleProposerTime)
        }
        kept = nil
        invariant(turns.isEmpty == (waitingCount == 0), "changes wait that have no turn")
        return turns.first
    }

    /// What a proposer has waiting, in order.
    func waiting(of client: Client) -> [UInt64] { lanes[client] ?? [] }

    /// Begins the next change of a proposer, whose next turn comes after those of all others.
    mutating func begin(_ client: Client, at now: Instant) -> UInt64? {
        invariant(running == nil, "one change at a time")
        guard let id = lanes[client]?.first else { return nil }
        remove(id)
        if lanes[client] != nil {
            turns.removeAll { $0 == client }
            turns.append(client)
        }
        kept = nil
        if turn?.client != client { turn = (client, now) }
        running = Running(id: id, client: client, began: now)
        return id
    }

    /// The running change is over.
    mutating func end() -> Running? {
        invariant(running != nil, "no change runs that could end")
        defer { running = nil }
        return running
    }

    mutating func keep(_ place: Place, until: Instant) {
        invariant(running == nil, "a register is kept free while a change of it runs")
        kept = (place, until)
    }

    /// Whether a proposer that has just landed a change goes on before the others: they wait, its
    /// turn is not over, and it comes again when it is waited for.
    func goesOn(_ client: Client, at now: Instant) -> Bool {
        let others = turns.count { $0 != client }
        guard others > 0, let turn, turn.client == client, idleUntil[client] ?? now <= now else {
            return false
        }
        let time = Duration.nanoseconds(Limits.turnsTime.nanoseconds / Int64(others + 1))
        return now.since(turn.since) < time
    }

    func checkInvariants() {
        invariant(Set(turns) == Set(lanes.keys) && turns.count == lanes.count, "turns and lanes")
        invariant(lanes.values.allSatisfy { !$0.isEmpty }, "a lane is empty")
        invariant(running == nil || kept == nil, "a change runs while the register is kept free")
        invariant(readers.isEmpty || running != nil, "reads wait for no change")
        invariant(checks.isEmpty || running != nil, "checks wait for no change")
        invariant(lanes.values.reduce(0) { $0 + $1.count } == waitingCount, "waiting is miscounted")
    }
}
