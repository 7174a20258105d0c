import BlockModel
import BlockRuntime

/// What a writer knows of its log from chosen tails, and whether it is reading one.
///
/// What is known never goes back, neither within one life nor to an earlier one: the answer to an
/// attempt may be older than what was read meanwhile.
package struct KnownLog: Sendable {
    /// nil when the tail has to be read before anything can be said.
    package private(set) var state: LogState?
    /// A chosen tail, to read entries from; may be older than ``state``.
    package private(set) var tail: Tail?
    package private(set) var isReadingTail = false
    /// Tail reads begun so far, one at a time.
    package private(set) var tailReadCount: UInt64 = 0

    package init() {}

    /// What a chosen value has changed.
    package enum Adoption {
        /// It is of a life before the one that is known, and is passed over.
        case older
        /// The collection does not live.
        case ended
        case lives(Tail)
    }

    /// The same for another source, which has asked for nothing.
    var settled: KnownLog {
        var other = KnownLog()
        other.state = state
        other.state?.tailRead = 0
        other.tail = tail
        return other
    }

    // MARK: Events

    /// A read of the tail is asked for; one that was asked for already will do.
    package mutating func readBegan() {
        guard !isReadingTail else { return }
        isReadingTail = true
        tailReadCount += 1
    }

    /// The read that was asked for has ended, with a value or without.
    package mutating func readEnded() {
        invariant(tailReadCount > 0, "a tail was read that was not asked for")
        isReadingTail = false
    }

    /// What the read brought is from now on a memory, which may be behind.
    mutating func readWasHandled() { state?.tailRead = 0 }

    /// Takes over a chosen value.
    /// - Parameter tailRead: The number of the tail read that brought it. The answer to an attempt
    ///   was begun before the newest actions came.
    package mutating func adopt(_ value: TailValue, tailRead: UInt64 = 0) -> Adoption {
        invariant(tailRead <= tailReadCount, "tail read \(tailRead) of \(tailReadCount)")
        if let state, value.generation < state.incarnation.generation { return .older }
        guard let tail = value.live else {
            state = nil
            self.tail = nil
            return .ended
        }
        if var known = state, known.incarnation == tail.incarnation,
            known.revision > tail.revision
        {
            known.tailRead = tailRead
            known.truncatedThrough = max(known.truncatedThrough, tail.truncatedThrough)
            known.checkpoint = known.checkpoint.merged(with: tail.checkpoint)
            state = known
        } else {
            state = LogState(tail, tailRead: tailRead)
        }
        if self.tail?.incarnation != tail.incarnation
            || (self.tail?.revision ?? .zero) <= tail.revision
        {
            self.tail = tail
        }
        invariant(state?.incarnation == tail.incarnation, "another life than the one adopted")
        return .lives(tail)
    }

    /// What became of an attempt cannot be told from what is known: the tail has to be read.
    mutating func mustBeReadAgain() { state = nil }

    /// A batch has landed at its target.
    /// - Returns: Whether that is of the life that is known.
    package mutating func landed(_ batch: InFlightBatch) -> Bool {
        guard var known = state, known.incarnation == batch.incarnation else { return false }
        guard known.revision == batch.target.previous else { return true }
        known.revision = batch.target
        if let checkpoint = batch.checkpoint {
            known.checkpoint = known.checkpoint.merged(with: checkpoint)
        }
        if let header = batch.prepared.headerAfter {
            known.header = header
            known.headerRevision = batch.target
        }
        state = known
        invariant(known.revision > (batch.prepared.base), "landed below what it was run on")
        return true
    }

    package func checkInvariants() {
        state?.checkInvariants()
        guard let state else { return }
        invariant(tail?.incarnation == state.incarnation, "the tail is of another life")
        invariant(state.tailRead <= tailReadCount, "a tail was read that was not asked for")
    }
}
