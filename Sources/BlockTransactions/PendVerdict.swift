import BlockModel
import BlockRuntime

/// What a chosen tail says of one target of a pend (protocol: no-timer-removes-a-pend). Whatever it
/// says stays true.
package enum PendVerdict: Equatable, Sendable {
    /// The attempt may still land: nothing is to be done.
    case undecided
    /// The attempt landed: this write is to become a version.
    case finalise(CommittedWrite)
    /// The attempt did not land at this target and never will: the target is to be discarded.
    case discard
    /// The history that would tell is gone: the replica has to catch up first.
    case truncated
}

extension TailValue {
    /// What became of a pend of this collection at its target, by this chosen value.
    ///
    /// - Throws: ``MissingObjects``.
    package func verdict(
        on kept: KeptPend, _ source: some LogObjectSource
    ) throws(MissingObjects) -> PendVerdict {
        guard let tail = live else {
            // Nothing of a life that is over lands any more; a later one is not known here.
            return kept.key.key.incarnation.generation <= generation ? .discard : .undecided
        }
        return try LogView(tail: tail, source: source).verdict(on: kept)
    }
}

extension LogView {
    /// What became of a pend of this collection at its target.
    ///
    /// - Throws: ``MissingObjects``.
    package func verdict(on kept: KeptPend) throws(MissingObjects) -> PendVerdict {
        invariant(kept.collection == tail.collection, "the tail of another collection decides")
        let life = kept.key.key.incarnation
        guard life == tail.incarnation else {
            // An earlier life is over; of a later one this tail knows nothing.
            return life.generation < tail.incarnation.generation ? .discard : .undecided
        }
        let target = kept.pend.target
        guard target <= tail.revision else { return isAborted(kept) ? .discard : .undecided }
        guard target > tail.truncatedThrough else { return .truncated }
        guard let entry = try entries(from: target, through: target).first,
            entry.payload == kept.key.payload
        else { return .discard }
        invariant(entry.revision == target, "the entry at \(target) is at \(entry.revision)")
        let body = try bodies(of: [entry])[0]
        // Under the payload that landed, only the content that landed is worth anything.
        guard let written = body.blocks.first(where: { $0.block == kept.key.key.block }),
            written.resultHash == kept.pend.resultHash
        else { return .discard }
        return .finalise(
            CommittedWrite(
                revision: target, payload: entry.payload, resultHash: written.resultHash))
    }

    /// Whether the tail has fenced the attempt.
    private func isAborted(_ kept: KeptPend) -> Bool {
        !tail.aborted.isEmpty && tail.aborted.contains(kept.attempt.attempt)
    }
}

extension KeptPend {
    /// The attempt that the pend is part of, at the target that it is listed with, and where that
    /// is decided.
    package var attempt: AttemptAnchor {
        transaction
            ?? Attempt(
                payload: key.payload,
                on: Participant(
                    collection: collection, incarnation: key.key.incarnation, target: pend.target)
            ).anchor
    }
}

extension TailValue {
    /// Whether a pend that this value, of its collection, leaves undecided can be fenced at its
    /// home: it aims at the revision that comes next, and no intent waits for the decision.
    package func canFence(_ kept: KeptPend) -> Bool {
        guard let tail = live else { return false }
        invariant(kept.collection == tail.collection, "the tail of another collection decides")
        return kept.key.key.incarnation == tail.incarnation
            && kept.pend.target == tail.revision.next
            && !tail.holdsIntent(of: kept.attempt.attempt)
    }
}
