import BlockModel
import BlockRuntime
import BlockWorkloads

/// A tree that is served from memory, with or without a fault, to clients that take turns by
/// chance.
struct FaultyTree {
    enum Fault: CaseIterable {
        case none
        /// Actions happen whatever their conditions say.
        case ignoresConditions
        /// Of the conditions only those on what is written are looked at.
        case ignoresReads
        /// Some reads are answered as of a while ago.
        case staleReads
        /// Some actions are acknowledged and do not happen.
        case forgets
        /// Some actions happen although their conditions do not hold, and are told to have failed.
        case happensAnyway
        /// Some of the changes of an action can be seen before the others are made.
        case tears
    }

    private static let name = "x"
    private static let incarnation = Incarnation(generation: 1, nonce: .zero)

    private let fault: Fault
    private var generator: SeededGenerator
    /// What there is at each revision.
    private var states: [[Bytes: Bytes]] = [[:]]
    /// Where an action is half done.
    private var tornRevisions: [Revision] = []
    private var landings: [ActionID: ActionLanding] = [:]

    init(_ fault: Fault, seed: UInt64) {
        self.fault = fault
        generator = SeededGenerator(seed: seed)
    }

    // MARK: Serving

    private var revision: Revision { Revision(UInt64(states.count - 1)) }

    mutating func answer(_ request: ClientRequest) -> ClientReply {
        switch request {
        case .openCollection:
            return .collection(
                CollectionInfo(
                    name: Self.name, incarnation: Self.incarnation,
                    header: CollectionHeader(kind: .tree, encoding: .bytes, capacity: 4),
                    revision: revision, createdBy: ActionID(rawValue: .zero)))
        case .readTree(let read):
            var asOf = read.asOf ?? revision
            if read.asOf == nil, fault == .staleReads, states.count > 3, generator.chance(1, in: 6)
            {
                asOf = Revision(asOf.rawValue - 2)
            }
            if read.asOf == nil, fault == .tears, generator.chance(1, in: 3),
                let torn = tornRevisions.last, torn.rawValue + 4 > revision.rawValue
            {
                asOf = torn
            }
            return view(of: states[Int(asOf.rawValue)], read.query, asOf)
        case .act(let request): return .acted(landing(of: request))
        case .actionStatus(let question):
            return .actionStatus(landings[question.action], asOf: revision)
        default: return .failed(DatabaseError(.invalidArgument, "nobody asks this"))
        }
    }

    private func view(
        of state: [Bytes: Bytes], _ query: TreeQuery, _ asOf: Revision
    ) -> ClientReply {
        guard case .values(let keys) = query else {
            let entries = state.map { TreeEntry(key: $0.key, value: $0.value) }
                .sorted { KeyOrder.compare($0.key, $1.key) < 0 }
            return .treePage(TreePage(entries: entries, asOf: asOf, isLast: true))
        }
        return .treeValues(TreeValues(values: keys.map { state[$0] }, asOf: asOf))
    }

    private mutating func landing(of request: ActionRequest) -> ActionLanding {
        if let earlier = landings[request.action] { return earlier }
        var action = TreeAction(operations: [])
        if case .tree(let sent) = request.content { action = sent }
        let state = states[states.count - 1]
        let failed = action.checks.firstIndex { !holds($0, in: state, action) }
        var isDone = failed == nil
        if failed != nil, fault == .happensAnyway { isDone = generator.chance(1, in: 4) }
        if isDone, fault == .forgets, generator.chance(1, in: 12) { isDone = false }
        var after = state
        var existed: [Bool] = []
        for (place, operation) in action.operations.enumerated() {
            guard case .put(let key, let value) = operation else { continue }
            existed.append(after[key] != nil)
            if isDone { after[key] = value }
            if fault == .tears, isDone, place + 1 < action.operations.count {
                states.append(after)
                tornRevisions.append(revision)
            }
        }
        states.append(after)
        let outcome: TreeOutcome =
            failed.map { .conflict(check: UInt32($0)) } ?? .applied(existed: existed)
        let landing = ActionLanding(
            position: LogPosition(revision: revision, index: 0), outcome: .tree(outcome))
        landings[request.action] = landing
        return landing
    }

    private func holds(
        _ check: TreeCheck, in state: [Bytes: Bytes], _ action: TreeAction
    ) -> Bool {
        if fault == .ignoresConditions { return true }
        switch check {
        case .value(let key, let hash):
            let isWritten = action.operations.contains {
                if case .put(key, _) = $0 { true } else { false }
            }
            if fault == .ignoresReads, !isWritten { return true }
            return state[key].map { TreeValueHash($0) } == hash
        case .present(let key): return state[key] != nil
        case .range(let range, let hash):
            if fault == .ignoresReads { return true }
            let entries = state.filter { range.contains($0.key) }
                .map { TreeEntry(key: $0.key, value: $0.value) }
                .sorted { KeyOrder.compare($0.key, $1.key) < 0 }
            return TreeEntriesHash(entries) == hash
        }
    }

    // MARK: Clients

    private struct Turn {
        var client: TransactionClient
        var at: Int64
        var request: ClientRequest?
        var reply: ClientReply?
    }

    /// Lets clients work until all have finished, and one of them read everything.
    mutating func run(_ workload: TransactionHistory.Workload) -> History {
        var history = History()
        let plan = TransactionPlan(
            name: Self.name, workload: workload, capacity: 4, keyCount: 4, operationCount: 30)
        var turns = (0..<5).map { number in
            Turn(
                client: TransactionClient(
                    number: number, plan: plan, generator: generator.fork()),
                at: Int64(generator.below(100)))
        }
        while let next = turns.indices.min(by: { turns[$0].at < turns[$1].at }),
            turns[next].at < .max
        {
            take(&turns[next], &history)
        }
        turns[0].client.beginFinalReads()
        turns[0].at = lastMoment + 1
        while turns[0].at < .max { take(&turns[0], &history) }
        return history
    }

    private var lastMoment: Int64 = 0

    /// Asks, is served, and is told, each at a moment of its own.
    private mutating func take(_ turn: inout Turn, _ history: inout History) {
        let now = Instant(nanoseconds: turn.at)
        lastMoment = max(lastMoment, turn.at)
        turn.at += 1 + Int64(generator.below(50))
        if let reply = turn.reply {
            turn.reply = nil
            // Sometimes the answer is lost: the client does not know what became of it.
            let isLost = generator.chance(1, in: 20)
            let error = DatabaseError(.deadlineExceeded, "no answer", outcome: .unknown)
            turn.client.receive(isLost ? .failed(error) : reply, &history, at: now)
        } else if let request = turn.request {
            turn.request = nil
            turn.reply = answer(request)
        } else {
            switch turn.client.next(&history, at: now) {
            case .request(let request, _): turn.request = request
            case .pause: break
            case .finished: turn.at = .max
            }
        }
    }
}
