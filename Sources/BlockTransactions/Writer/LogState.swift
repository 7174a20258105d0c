import BlockModel
import BlockRuntime

/// What a chosen tail says of one life of a log: which actions fit it, and what the next attempt
/// builds on.
package struct LogState: Sendable {
    package let incarnation: Incarnation
    package internal(set) var revision: Revision
    var truncatedThrough: Revision
    /// The header part at ``revision``, and when it was last changed.
    var header: CollectionHeader
    var headerRevision: Revision
    var checkpoint: Checkpoint
    /// The tail read that brought this, while its answer is handled; zero for a memory, which
    /// may be behind.
    var tailRead: UInt64

    init(_ tail: Tail, tailRead: UInt64) {
        incarnation = tail.incarnation
        revision = tail.revision
        truncatedThrough = tail.truncatedThrough
        header = tail.header
        headerRevision = tail.headerRevision
        checkpoint = tail.checkpoint
        self.tailRead = tailRead
    }

    /// Whether it was read after the action had come: what it lacks then is not there.
    private func isFresh(for pending: PendingAction) -> Bool { tailRead > pending.tailReadsBefore }

    /// Whether `request` asks for something that this life may take, for all that is known.
    func includes(_ request: ActionRequest) -> Bool {
        request.incarnation == incarnation && request.content.kind == header.kind
            && request.firstRevision <= revision
    }

    /// Whether an action can land in this life.
    enum Verdict {
        case fits
        /// It has seen more of the log than is known here: the tail must be read.
        case unknown
        /// It never can.
        case refused(DatabaseError)
    }

    func verdict(on pending: inout PendingAction) -> Verdict {
        if pending.incarnation != incarnation {
            let isOlder = pending.incarnation.generation <= incarnation.generation
            guard isOlder || isFresh(for: pending) else { return .unknown }
            let message =
                "the collection was dropped, and perhaps created again, since it was opened"
            return .refused(DatabaseError(.collectionNotFound, message))
        }
        if pending.content.kind != header.kind {
            let message = "the collection is a \(header.kind), not a \(pending.content.kind)"
            return .refused(DatabaseError(.collectionKindMismatch, message))
        }
        if let problem = pending.keyProblem(header.keyType) {
            return .refused(DatabaseError(.invalidArgument, problem))
        }
        if pending.firstRevision > revision {
            guard isFresh(for: pending) else {
                mark("writer.isBehind")
                return .unknown
            }
            let message = "firstRevision \(pending.firstRevision) is above revision \(revision)"
            return .refused(DatabaseError(.invalidArgument, message))
        }
        guard pending.scannedThrough < truncatedThrough else { return .fits }
        if planted(.truncatedWindowScanned) {
            pending.plantScanned(through: truncatedThrough)
            return .fits
        }
        let message =
            "history through revision \(truncatedThrough) is gone, the action "
            + "may be in it: it was first sent at \(pending.firstRevision)"
        return .refused(DatabaseError(.dedupeWindowLost, message, outcome: .unknown))
    }

    func checkInvariants() {
        invariant(headerRevision <= revision, "header \(headerRevision) above \(revision)")
        invariant(truncatedThrough <= revision, "truncated through \(truncatedThrough)")
        invariant(checkpoint.revision <= revision, "\(checkpoint.revision) above \(revision)")
    }
}
