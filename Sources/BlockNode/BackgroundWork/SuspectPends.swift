import BlockModel
import BlockRuntime

/// Pends that a walk found undecided where their attempts can be fenced, and since when: they are
/// left alone for a while. Nothing but patience rests on it: it may be forgotten at any moment.
struct SuspectPends: Sendable {
    private struct Sighting: Sendable {
        let target: Revision
        let first: Instant
    }

    /// Seen by the walk before, and by this one.
    private var before: [PendKey: Sighting] = [:]
    private var now: [PendKey: Sighting] = [:]

    /// How long ago it was first seen so; zero at the first time.
    mutating func age(of kept: KeptPend, at instant: Instant) -> Duration {
        let known = now[kept.key] ?? before[kept.key]
        let first = known.flatMap { $0.target == kept.pend.target ? $0.first : nil } ?? instant
        if now[kept.key] != nil || now.count < Limits.suspectPendCountMax {
            now[kept.key] = Sighting(target: kept.pend.target, first: first)
        }
        invariant(now.count <= Limits.suspectPendCountMax, "\(now.count) suspects")
        invariant(first <= instant, "a pend that was first seen later")
        return instant.since(first)
    }

    /// What this walk did not see is there no more, or decided.
    mutating func walkEnded() {
        before = now
        now = [:]
    }
}
