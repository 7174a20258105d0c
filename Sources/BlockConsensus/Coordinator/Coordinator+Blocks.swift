import BlockModel
import BlockRuntime

/// A client's request that is answered when several rounds have ended.
struct FanOut {
    let token: Coordinator.Token
    var remaining: Int
}

/// What a coordinator does about blocks: pends before a decision, versions after it, reads.
extension Coordinator {
    private func members(of block: BlockID) -> Membership {
        Membership(shard: map.shard(of: block), in: map)
    }

    /// Pends every write of an attempt on its shard. The proposal waits for each
    /// (protocol: pends-before-decision).
    mutating func pend(_ attempt: CommitAttempt, for proposal: UInt64, deadline: Instant) {
        for write in attempt.writes {
            let request = PendRequest(
                key: BlockKey(block: write.block, incarnation: attempt.participant.incarnation),
                payload: attempt.payload, target: attempt.participant.target,
                record: write.record, committed: write.committed, policy: attempt.pendingPolicy)
            let pend = BlockPend(request, members: members(of: write.block), deadline: deadline)
            add(pend, owner: .prerequisite(of: proposal))
        }
    }

    /// Takes back the pends of an attempt that a chosen tail shows to be dead: another entry stands
    /// at its target. What a sealed segment would show is left to the proxy that reads it.
    ///
    /// No request waits for the answers: a pend that stays is garbage, never harm.
    mutating func discardDead(_ change: TailChange, _ result: RoundResult) {
        if planted(.pendExpires), case .commit(let attempt) = change, case .failed = result {
            return discardPends(of: attempt)
        }
        guard case .commit(let attempt) = change, !attempt.writes.isEmpty,
            case .reply(.refused(let refusal)) = result, refusal.isDeath
        else { return }
        mark("coordinator.discard")
        discardPends(of: attempt)
    }

    mutating func discardPends(of attempt: CommitAttempt) {
        let target = attempt.participant.target
        for write in attempt.writes {
            let key = BlockKey(block: write.block, incarnation: attempt.participant.incarnation)
            var operation = PeerRequest.Operation.discard(key, attempt.payload, target: target)
            if planted(.lostAttemptFinalised) {
                let lost = CommittedWrite(
                    revision: target, payload: attempt.payload,
                    resultHash: write.record.resultHash)
                operation = .finalise(key, lost)
            }
            let members = members(of: write.block)
            for peer in members.peers {
                tell(
                    peer,
                    PeerRequest(shard: members.shard, epoch: members.epoch, operation: operation))
            }
        }
    }

    mutating func readBlock(_ request: BlockReadRequest, for token: Token, deadline: Instant) {
        let request = BlockReadRequest(
            key: request.key, revision: request.revision, committed: request.committed)
        let read = BlockRead(request, members: members(of: request.key.block), deadline: deadline)
        add(read, owner: .client(token))
    }

    mutating func scrub(
        _ shard: ShardID, after: VersionPosition?, countMax: Int, for token: Token,
        deadline: Instant
    ) {
        guard isKnown(shard, to: token) else { return }
        let scrub = Scrub(
            after: after, countMax: countMax, members: Membership(shard: shard, in: map),
            deadline: deadline)
        add(scrub, owner: .client(token))
    }

    mutating func listPends(
        _ shard: ShardID, after: PendKey?, countMax: Int, for token: Token, deadline: Instant
    ) {
        guard isKnown(shard, to: token) else { return }
        let list = PendList(
            after: after, countMax: countMax, members: Membership(shard: shard, in: map),
            deadline: deadline)
        add(list, owner: .client(token))
    }

    /// Whether there is such a shard; says so to the client when there is not.
    private mutating func isKnown(_ shard: ShardID, to token: Token) -> Bool {
        if shard.rawValue < UInt32(map.shards.count) { return true }
        let error = DatabaseError(
            .invalidArgument, "shard \(shard) of \(map.shards.count) shards")
        respond(token, .failed(error))
        return false
    }

    // MARK: Finalising

    /// Makes the blocks of a committed entry versions on a quorum each: the ground of checkpoints.
    mutating func finalise(_ entry: FinaliseEntry, for token: Token, deadline: Instant) {
        guard entry.blocks.count <= Limits.transformBlockCountMax else {
            let error = DatabaseError(
                .invalidArgument,
                "\(entry.blocks.count) blocks, transformBlockCountMax = "
                    + "\(Limits.transformBlockCountMax)")
            return respond(token, .failed(error))
        }
        guard !entry.blocks.isEmpty else { return respond(token, .finalised) }
        lastFanOut += 1
        let id = lastFanOut
        invariant(fanOuts[id] == nil, "fan-out \(id) is under way")
        fanOuts[id] = FanOut(token: token, remaining: entry.blocks.count)
        for block in entry.blocks {
            let key = BlockKey(block: block.block, incarnation: entry.incarnation)
            let finalise = BlockFinalise(
                entry.write(of: block), of: key, members: members(of: block.block),
                deadline: deadline)
            add(finalise, owner: .fanOut(id))
        }
    }

    /// One of the rounds that a request waits for has ended.
    mutating func fanOutWentOn(_ id: UInt64, _ result: RoundResult) {
        guard var fanOut = fanOuts[id] else { return }
        if case .failed(let error) = result {
            fanOuts[id] = nil
            return respond(fanOut.token, .failed(error))
        }
        invariant(fanOut.remaining > 0, "more rounds have ended than were begun")
        fanOut.remaining -= 1
        fanOuts[id] = fanOut.remaining == 0 ? nil : fanOut
        if fanOut.remaining == 0 { respond(fanOut.token, .finalised) }
    }
}
