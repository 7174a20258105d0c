/// What becomes of an attempt when another attempt's undecided change of a block is in its way.
///
/// In the way is a pend of another action that is bound to the attempt's target or above: what is
/// bound below is decided. One that a quorum acknowledged is always found.
package enum PendingPolicy: UInt8, Sendable, CaseIterable {
    /// Compete: the tail decides which of them lands.
    case proceed = 1
    /// Do not take part, and name the others.
    case fail = 2
    /// The same, with the others' transforms, as far as there is room.
    case failReturningTransforms = 3
}
