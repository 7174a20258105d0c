import BlockModel
import BlockRuntime

/// Lists one page of the pends that the members of a shard keep, for the walk that finds out what
/// became of them (protocol: no-timer-removes-a-pend): no pend ends by itself.
package struct PendList: ShardRound {
    package let members: Membership
    private let after: PendKey?
    private let countMax: Int
    let deadline: Instant
    private var pages: [PeerID: (pends: [KeptPend], next: PendKey?)] = [:]
    private var refusals = Refusals()

    package init(after: PendKey?, countMax: Int, members: Membership, deadline: Instant) {
        self.after = after
        self.countMax = min(max(countMax, 1), Limits.pendPageCountMax)
        self.members = members
        self.deadline = deadline
    }

    package mutating func start(_ effects: inout RoundEffects) {
        invariant(pages.isEmpty, "a page is asked for once")
        let operation = PeerRequest.Operation.listPends(after: after, countMax: UInt32(countMax))
        for peer in members.peers { effects.send(operation, to: peer, stamp: 0) }
        effects.wake(after: min(effects.timing.broadcast, deadline.since(effects.now)))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        switch reply {
        case .pends(let pends, let next): pages[peer] = (pends, next)
        case .refused(let error): refusals.add(error, from: peer)
        default: return
        }
        if pages.count + refusals.count == members.peers.count { merge(&effects) }
    }

    package mutating func tick(_ effects: inout RoundEffects) { merge(&effects) }

    /// A page says nothing about what is behind its own end, so the first end bounds what is known.
    private func merge(_ effects: inout RoundEffects) {
        guard pages.count >= members.quorum else {
            return effects.finish(
                .failed(refusals.quorumUnavailable(members, answered: pages.count)))
        }
        let bound = pages.values.compactMap(\.next).min()
        var lowest: [PendKey: KeptPend] = [:]
        for peer in members.peers {
            for pend in pages[peer]?.pends ?? [] where bound.map({ pend.key <= $0 }) ?? true {
                guard let other = lowest[pend.key] else {
                    lowest[pend.key] = pend
                    continue
                }
                // One member may have given up a target that another still has.
                if pend.pend.target < other.pend.target { lowest[pend.key] = pend }
            }
        }
        let merged = lowest.sorted { $0.key < $1.key }.map(\.value)
        effects.finish(.reply(.pends(merged, next: bound)))
    }

    func checkInvariants() {
        members.checkMembers(pages.keys)
        invariant(
            pages.count + refusals.count < members.peers.count, "every member has answered")
        invariant((1...Limits.pendPageCountMax).contains(countMax), "a page of \(countMax)")
    }
}
