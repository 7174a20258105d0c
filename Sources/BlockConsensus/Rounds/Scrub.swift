import BlockModel
import BlockRuntime

/// Compares one page of the versions that the members of a shard hold, and has those copied that a
/// member lacks or has damaged (protocol: repair-by-hash).
///
/// Sound without the log: a version exists only of a committed write, so a copy of one, verified by
/// its hash, is right wherever it is missing. Where two members hold different writes at one
/// revision nothing is copied.
package struct Scrub: ShardRound {
    private struct Repair {
        let position: VersionPosition
        let write: CommittedWrite
        /// Members that hold it, in the order of asking.
        var sources: [PeerID]
        /// Members that are to get it.
        var targets: Set<PeerID>
    }

    package let members: Membership
    private let after: VersionPosition?
    private let countMax: Int
    let deadline: Instant
    private var pages: [PeerID: (versions: [VersionSummary], isLast: Bool)] = [:]
    private var refusals = Refusals()
    /// What is still to be repaired, the first of it under way.
    private var repairs: [Repair] = []
    private var report = ScrubReport()
    /// Answers to an earlier step are late.
    private var stamp = 0

    package init(
        after: VersionPosition?, countMax: Int, members: Membership, deadline: Instant
    ) {
        self.after = after
        self.countMax = min(max(countMax, 1), Limits.scrubPageCountMax)
        self.members = members
        self.deadline = deadline
    }

    package mutating func start(_ effects: inout RoundEffects) {
        invariant(pages.isEmpty && repairs.isEmpty, "a page is asked for once")
        let operation = PeerRequest.Operation.listVersions(
            after: after, countMax: UInt32(countMax))
        for peer in members.peers { effects.send(operation, to: peer, stamp: stamp) }
        effects.wake(after: min(effects.timing.broadcast, deadline.since(effects.now)))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp replyStamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        guard replyStamp == stamp else { return }
        switch reply {
        case .versions(let versions, let isLast) where repairs.isEmpty:
            pages[peer] = (versions, isLast)
            if pages.count + refusals.count == members.peers.count { compare(&effects) }
        case .block(let copy) where !repairs.isEmpty: take(copy, &effects)
        case .stored: end(at: peer, isRepaired: true, &effects)
        case .refused(let error):
            if repairs.isEmpty {
                refusals.add(error, from: peer)
                if pages.count + refusals.count == members.peers.count { compare(&effects) }
            } else if repairs[0].targets.contains(peer) {
                end(at: peer, isRepaired: false, &effects)
            } else {
                askSource(&effects)
            }
        default: break
        }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if repairs.isEmpty {
            compare(&effects)
        } else if effects.now >= deadline {
            stop(&effects)
        } else if repairs[0].sources.isEmpty {
            report.unrepairedCount += UInt32(repairs[0].targets.count)
            repairNext(&effects)
        } else {
            askSource(&effects)
        }
    }

    // MARK: Comparing

    /// A page that is not the last says nothing about what is behind its own end, so the first such
    /// end bounds what is known.
    private mutating func compare(_ effects: inout RoundEffects) {
        guard pages.count >= members.quorum else {
            return effects.finish(
                .failed(refusals.quorumUnavailable(members, answered: pages.count)))
        }
        let bound = pages.values.filter { !$0.isLast }
            .compactMap { $0.versions.last?.position }.min()
        invariant(repairs.isEmpty, "a page is compared once")
        report.next = bound
        var held: [VersionPosition: [PeerID: CommittedWrite?]] = [:]
        for peer in members.peers {
            for version in pages[peer]?.versions ?? [] {
                if let bound, version.position > bound { break }
                held[version.position, default: [:]].updateValue(version.write, forKey: peer)
            }
        }
        report.versionCount = UInt32(held.count)
        for (position, copies) in held.sorted(by: { $0.key < $1.key }) {
            plan(position, copies)
        }
        startRepair(&effects)
    }

    private mutating func plan(_ position: VersionPosition, _ copies: [PeerID: CommittedWrite?]) {
        let writes = Set(copies.values.compactMap { $0 })
        guard writes.count <= 1 else {
            report.conflictCount += 1
            return
        }
        let sources = members.peers.filter { (copies[$0] ?? nil) != nil }
        let targets = members.peers.filter { pages[$0] != nil && (copies[$0] ?? nil) == nil }
        guard !targets.isEmpty else { return }
        guard let write = writes.first else {
            report.unrepairedCount += UInt32(targets.count)
            return
        }
        invariant(!sources.isEmpty, "a write that no member holds")
        repairs.append(
            Repair(position: position, write: write, sources: sources, targets: Set(targets)))
    }

    // MARK: Repairing

    private mutating func startRepair(_ effects: inout RoundEffects) {
        guard !repairs.isEmpty else { return effects.finish(.reply(.scrubbed(report))) }
        askSource(&effects)
    }

    private mutating func repairNext(_ effects: inout RoundEffects) {
        invariant(!repairs.isEmpty, "no repair is under way")
        repairs.removeFirst()
        startRepair(&effects)
    }

    private mutating func askSource(_ effects: inout RoundEffects) {
        guard !repairs[0].sources.isEmpty else {
            report.unrepairedCount += UInt32(repairs[0].targets.count)
            return repairNext(&effects)
        }
        stamp += 1
        let position = repairs[0].position
        let read = BlockReadRequest(key: position.key, revision: position.revision)
        effects.send(.readBlock(read), to: repairs[0].sources.removeFirst(), stamp: stamp)
        effects.wake(after: min(effects.timing.phase, deadline.since(effects.now)))
    }

    private mutating func take(_ copy: BlockCopy?, _ effects: inout RoundEffects) {
        let repair = repairs[0]
        guard let copy, copy.write == repair.write, copy.isIntact(as: repair.position.key) else {
            return askSource(&effects)
        }
        invariant(!repair.targets.isEmpty, "a repair of nothing")
        mark("scrub.repair")
        stamp += 1
        repairs[0].sources = []
        for peer in repair.targets.sorted() {
            effects.send(.install(repair.position.key, copy), to: peer, stamp: stamp)
        }
        effects.wake(after: min(effects.timing.phase, deadline.since(effects.now)))
    }

    private mutating func end(
        at peer: PeerID, isRepaired: Bool, _ effects: inout RoundEffects
    ) {
        guard !repairs.isEmpty, repairs[0].targets.remove(peer) != nil else { return }
        if isRepaired { report.repairedCount += 1 } else { report.unrepairedCount += 1 }
        if repairs[0].targets.isEmpty { repairNext(&effects) }
    }

    /// Time is up: what is left is looked at again by the next scrub.
    private mutating func stop(_ effects: inout RoundEffects) {
        report.unrepairedCount += UInt32(repairs.reduce(0) { $0 + $1.targets.count })
        effects.finish(.reply(.scrubbed(report)))
    }

    func checkInvariants() {
        members.checkMembers(pages.keys)
        guard let repair = repairs.first else {
            return invariant(report.versionCount == 0, "a page that needs nothing goes on")
        }
        invariant(!repair.targets.isEmpty, "a repair of nothing")
        invariant(repair.targets.isDisjoint(with: repair.sources), "a source is repaired")
        invariant(stamp > 0, "a repair that nobody was asked for")
        members.checkMembers(repair.targets)
        members.checkMembers(repair.sources)
    }
}
