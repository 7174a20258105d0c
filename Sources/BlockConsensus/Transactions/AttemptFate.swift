import BlockModel
import BlockRuntime

/// What a chosen value of its home says of an attempt (protocol: home-decides).
package enum AttemptFate: Hashable, Sendable {
    /// It is the entry at its target. For ever.
    case committed
    /// It did not land and never will. For ever.
    case dead
    /// It may still land.
    case undecided
    /// The home's history ends above it, or the home is over. That can be only after every other
    /// participant was resolved: whatever was read of one before that is to be read again
    /// (protocol: vanished-reads-again).
    case vanished
}

extension TailValue {
    /// - Throws: ``MissingObjects`` when its target is sealed.
    package func fate(
        of attempt: AttemptAnchor, _ source: some LogObjectSource
    ) throws(MissingObjects) -> AttemptFate {
        let part = attempt.home
        guard let tail = live, tail.incarnation == part.incarnation else {
            // A life that this value does not know yet begins later: so does what it decides.
            return generation < part.incarnation.generation ? .undecided : .vanished
        }
        guard part.target > tail.truncatedThrough else {
            return planted(.vanishedTakenForDead) ? .dead : .vanished
        }
        guard part.target <= tail.revision else {
            return tail.aborted.contains(attempt.attempt) ? .dead : .undecided
        }
        let view = LogView(tail: tail, source: source)
        let entry = try view.entries(from: part.target, through: part.target).first
        return entry?.attempt?.digest == attempt.attempt ? .committed : .dead
    }
}
