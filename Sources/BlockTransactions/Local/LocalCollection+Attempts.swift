import BlockModel
import BlockRuntime
import BlockStructures

/// From pending actions to attempts, and what is known of those.
extension LocalCollection {
    /// The attempt that lands the pending actions, as many as fit one entry: the one in doubt if
    /// there is one.
    /// - Returns: nil when nothing is pending.
    /// - Throws: ``MissingBlocks``; `.valueTooLarge` when an action alone is too large,
    ///   `.overloaded` when it is so only until the writes below it are final.
    package func attempt(
        payload: PayloadID, wallMilliseconds: UInt64
    ) throws -> CommitAttempt? {
        if let flight { return flight.commit }
        invariant(revision == history.through, "an attempt before what was read is settled")
        try replay()
        guard !pending.isEmpty else { return nil }
        var count = min(pending.count, Limits.bodyActionCountMax)
        while true {
            let prepared = try prepare(count, payload: payload)
            if let refusal = prepared.refusal(by: history) {
                guard count > 1 else { throw refusal }
                count /= 2
                continue
            }
            if prepared.isWithinLimits(listing: history, through: revision) {
                return start(prepared, count, wallMilliseconds)
            }
            guard count > 1 else { throw prepared.excess }
            count /= 2
        }
    }

    /// The pending actions, and what they do at ``revision``: a part of a transaction, which lands
    /// them, and at that revision only.
    /// - Returns: nil when nothing is pending.
    /// - Throws: As ``attempt(payload:wallMilliseconds:)``; `.invalidArgument` for more actions
    ///   than an entry may have.
    package func prepared() throws -> (actions: [Bytes], prepared: PreparedActions)? {
        invariant(flight == nil, "a part of a transaction beside an attempt")
        guard !pending.isEmpty else { return nil }
        guard pending.count <= Limits.bodyActionCountMax else {
            throw DatabaseError(
                .invalidArgument,
                "\(pending.count) actions on one collection, bodyActionCountMax = "
                    + "\(Limits.bodyActionCountMax)")
        }
        try replay()
        let batch = try prepare(
            pending.count,
            payload: PayloadID(action: ActionID(rawValue: .zero), execution: 0))
        if let refusal = batch.refusal(by: history) { throw refusal }
        guard batch.isWithinLimits(listing: history, through: revision) else { throw batch.excess }
        let participant = Participant(
            collection: collection, incarnation: incarnation, target: revision.next)
        let attempt = batch.attempt(
            at: participant, history: history, checkpoint: nil, wallMilliseconds: 0)
        return (
            pending.map(\.bytes),
            PreparedActions(
                writes: attempt.writes, reads: batch.reads, headerAfter: batch.headerAfter)
        )
    }

    private func prepare(_ count: Int, payload: PayloadID) throws -> PreparedBatch {
        if count < pending.count {
            // The tracker has more in it than this attempt may hold.
            startAnew()
            while appliedCount < count {
                try run(pending[appliedCount])
                appliedCount += 1
            }
        }
        invariant(appliedCount == count, "an attempt of other actions than were run")
        let actions = pending.prefix(count).map { BlockModel.Action(id: $0.id, bytes: $0.bytes) }
        return try PreparedBatch(
            actions, outcomes: [], on: tracker, snapshot: snapshot, collection: collection,
            headerRevision: headerRevision, payload: payload)
    }

    private func start(
        _ prepared: PreparedBatch, _ count: Int, _ wallMilliseconds: UInt64
    ) -> CommitAttempt {
        invariant(flight == nil, "an attempt beside one that may land")
        let target = revision.next
        let commit = prepared.attempt(
            at: Participant(collection: collection, incarnation: incarnation, target: target),
            history: history,
            checkpoint: checkpointer.checkpoint(above: checkpoint, upTo: revision),
            wallMilliseconds: wallMilliseconds)
        flight = InFlightAttempt(
            prepared: prepared, actions: Array(pending.prefix(count)), commit: commit,
            doubt: AttemptDoubt(target: target))
        return commit
    }

    /// The attempt is handed over to a proxy that can land it.
    package func attemptHandedOver() {
        invariant(flight != nil, "no attempt is handed over")
        flight?.doubt.handedOver()
    }

    /// A try of the attempt has failed. When it was certainly not begun, nor any earlier one, the
    /// attempt is forgotten: another is made in its place.
    package func attemptFailed(_ error: DatabaseError) {
        invariant(flight != nil, "no attempt has failed")
        flight?.doubt.tryEnded(error)
        if planted(.doubtDroppedByCollection), error.outcome == .notApplied { flight = nil }
        if flight?.doubt.mayHaveCommitted == false { flight = nil }
    }

    /// The call waits no more for the answer to a try of the attempt.
    package func attemptWasLetGo() { flight?.doubt.raise() }

    /// A try of the attempt was refused.
    /// - Returns: Why no other try makes sense; nil: read the log and go on.
    package func attemptRefused(_ refusal: CommitRefusal) -> DatabaseError? {
        invariant(flight != nil, "no attempt was refused")
        flight?.doubt.tryEnded()
        switch refusal {
        case .blocked, .pending: return nil
        case .moved(.notLookedFor, _):
            flight?.doubt.raise()
            return nil
        case .moved(.absent, _), .fenced:
            // A chosen tail says that it is dead. Of a fenced one no entry will say so again.
            flight = nil
            return nil
        case .gone:
            let error = DatabaseError(
                .collectionNotFound,
                "the collection was dropped, and perhaps created again, since it was opened")
            if flight?.doubt.mayHaveCommitted == false { flight = nil }
            return error
        }
    }

    /// The pending actions whose attempt may have committed: only the log can say.
    package var doubtful: [Pending] {
        flight.map { $0.doubt.mayHaveCommitted ? $0.actions : [] } ?? []
    }

    /// `error` as it may be told while an attempt may have committed.
    package func told(_ error: DatabaseError) -> DatabaseError {
        let doubtful = doubtful
        guard let flight, !doubtful.isEmpty else { return error }
        var told = flight.doubt.told(error)
        let named = doubtful.prefix(4).map { "\($0.id)" }.joined(separator: ", ")
        let rest = doubtful.count > 4 ? " and \(doubtful.count - 4) more" : ""
        told.message += "; it is about the actions \(named)\(rest), at revision \(flight.target)"
        return told
    }

    /// The attempt is the entry at `landedAt`.
    /// - Returns: Whether that is where it was meant to be, and it was taken over; otherwise the
    ///   log is to be read.
    package func attemptLanded(at landedAt: Revision) -> Bool {
        guard let flight, flight.target == landedAt, history.through == landedAt.previous else {
            return false
        }
        let prepared = flight.prepared
        history.append(landedAt, payload: prepared.payload, blocks: prepared.blocks)
        for block in prepared.results {
            cache.keep(block, incarnation: incarnation, revision: landedAt)
        }
        if let changed = prepared.headerAfter {
            header = changed
            headerRevision = landedAt
        }
        landedNow += flight.actions.map(\.action)
        let ids = Set(flight.actions.map(\.id))
        let before = pending.count
        pending.removeAll { ids.contains($0.id) }
        invariant(
            before - pending.count == ids.count && ids.count == flight.actions.count,
            "an action has landed that was not pending")
        self.flight = nil
        startAnew()
        return true
    }
}
