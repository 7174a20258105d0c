import BlockModel
import BlockRuntime

/// A linearizable read of a register in one round trip to a quorum, when nothing is under way
/// (protocol: identical-quorum-is-chosen).
///
/// A quorum that reports the identical accepted ballot, or unanimously none, shows a chosen value.
/// Anything else is no answer: the read becomes a change that writes back.
package struct TailRead: ShardRound {
    private struct Report: Equatable {
        let accepted: Ballot
        let hash: Digest
    }

    package let collection: CollectionID
    package let members: Membership
    let deadline: Instant
    private var reports: [PeerID: Report] = [:]
    private var values: [Digest: Bytes] = [:]
    private var answered: Set<PeerID> = []
    /// Members that are asked only when the others do not tell.
    private var spares: [PeerID] = []
    private var isFetching = false
    /// Which look at the register this is, from 1.
    private(set) var lookCount = 1
    /// How long the register is left alone before this look, and whether it is at the moment.
    private var rest = Duration.zero
    private var isResting = false
    /// Whether no quorum answered in time, so that looking again would be as idle.
    private(set) var hasTimedOut = false

    package init(collection: CollectionID, members: Membership, deadline: Instant) {
        self.collection = collection
        self.members = members
        self.deadline = deadline
    }

    /// The same read from its beginning, after a while.
    func again(after rest: Duration = .zero) -> TailRead {
        invariant(lookCount < Limits.tailLookCountMax, "look \(lookCount) is the last")
        var next = TailRead(collection: collection, members: members, deadline: deadline)
        next.lookCount = lookCount + 1
        next.rest = rest
        return next
    }

    /// Begins, or rests before it does.
    package mutating func start(_ effects: inout RoundEffects) {
        invariant(!isResting && answered.isEmpty, "a read starts once")
        guard rest == .zero else {
            isResting = true
            return effects.wake(after: min(rest, deadline.since(effects.now)))
        }
        ask(&effects)
    }

    /// Asks a quorum, drawn at random; the first of it for the value itself. Those that are silent
    /// come last, whatever is drawn.
    private mutating func ask(_ effects: inout RoundEffects) {
        invariant(answered.isEmpty && spares.isEmpty, "a read asks once")
        let first = effects.generator.below(members.peers.count)
        let drawn = members.peers[first...] + members.peers[..<first]
        let order =
            drawn.filter { !effects.isSilent($0) } + drawn.filter { effects.isSilent($0) }
        spares = Array(order[members.quorum...])
        for peer in order[..<members.quorum] {
            effects.send(.query(collection, wantsValue: peer == order[0]), to: peer, stamp: 0)
        }
        let time = spares.isEmpty ? effects.timing.phase : effects.timing.spare
        effects.wake(after: min(time, deadline.since(effects.now)))
    }

    /// The quorum that was asked does not agree, or not in time.
    private mutating func askSpares(_ effects: inout RoundEffects) {
        mark("tailRead.spares")
        for peer in spares {
            effects.send(.query(collection, wantsValue: false), to: peer, stamp: 0)
        }
        spares = []
        effects.wake(after: min(effects.timing.phase, deadline.since(effects.now)))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        answered.insert(peer)
        if case .register(let accepted, let hash, let value) = reply {
            // A later report of one peer replaces its earlier one: a peer counts once.
            reports[peer] = Report(accepted: accepted, hash: hash)
            if let value, RegisterRecord.hash(of: value) == hash { values[hash] = value }
        }
        evaluate(&effects)
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if isResting {
            isResting = false
            return ask(&effects)
        }
        if !spares.isEmpty, effects.now < deadline { return askSpares(&effects) }
        hasTimedOut = true
        mark("tailRead.timeout")
        guard effects.now < deadline || reports.count >= members.quorum else {
            let error = Refusals().quorumUnavailable(members, answered: reports.count)
            return effects.finish(.failed(error))
        }
        effects.finish(.undecided)
    }

    func end(
        _ result: RoundResult, as running: RunningRound, in coordinator: inout Coordinator
    ) {
        switch result {
        case .undecided: return coordinator.lookAgain(self, owner: running.owner)
        case .reply(.tail(let value)): coordinator.learn(chosen: value)
        default: break
        }
        coordinator.report(result, of: running)
    }

    private mutating func evaluate(_ effects: inout RoundEffects) {
        if planted(.readWithoutWriteBack), reports.count >= members.quorum,
            let highest = members.inOrder(reports).max(by: { $0.accepted < $1.accepted }),
            let bytes = values[highest.hash]
        {
            return answer(bytes, &effects)
        }
        for report in members.inOrder(reports) {
            let agreeing = reports.filter { $0.value == report }.keys.sorted()
            guard agreeing.count >= members.quorum else { continue }
            if let bytes = values[report.hash] { return answer(bytes, &effects) }
            if report.accepted == .zero { return answer([], &effects) }
            guard !isFetching else { return }
            // The teller is not among them: ask one that is. Its report is renewed with the value.
            isFetching = true
            effects.send(.query(collection, wantsValue: true), to: agreeing[0], stamp: 0)
            return
        }
        guard !isFetching else { return }
        if !spares.isEmpty {
            if answered.count == members.quorum { askSpares(&effects) }
        } else if answered.count == members.peers.count {
            mark("tailRead.undecided")
            effects.finish(.undecided)
        }
    }

    private func answer(_ bytes: Bytes, _ effects: inout RoundEffects) {
        do throws(DatabaseError) {
            effects.finish(.reply(.tail(try TailValue(registerBytes: bytes))))
        } catch {
            let what = "register \(collection) does not decode"
            effects.finish(.failed(.undecodable(what, error)))
        }
    }

    func checkInvariants() {
        members.checkMembers(answered)
        invariant(reports.count <= answered.count, "a report of a member that did not answer")
        invariant(answered.isDisjoint(with: spares), "a member that was not asked answers")
        invariant(!isResting || answered.isEmpty, "a read that rests has asked")
        invariant(!isFetching || reports.count >= members.quorum, "a value of no quorum")
        invariant((1...Limits.tailLookCountMax).contains(lookCount), "look \(lookCount)")
    }
}
