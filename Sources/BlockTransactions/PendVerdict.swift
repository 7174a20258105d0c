import BlockModel
import BlockRuntime

/// What a chosen tail says of one target of a pend (protocol: no-timer-removes-a-pend). Whatever it
/// says stays true.
public enum PendVerdict: Equatable, Sendable {
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
    public func verdict(
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
    public func verdict(on kept: KeptPend) throws(MissingObjects) -> PendVerdict {
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
        !tail.aborted.isEmpty && tail.aborted.contains(kept.attempt.digest)
    }
}

extension KeptPend {
    /// The attempt that the pend is part of, at the target that it is listed with.
    public var attempt: Attempt {
        Attempt(
            payload: key.payload,
            on: Participant(
                collection: home, incarnation: key.key.incarnation, target: pend.target))
    }
}

extension TailValue {
    /// Whether an attempt that this value leaves undecided can be fenced: it aims at the revision
    /// that comes next.
    public func canFence(_ attempt: Attempt) -> Bool {
        guard let tail = live else { return false }
        let part = attempt.homePart
        return part.incarnation == tail.incarnation && part.target == tail.revision.next
    }
}
