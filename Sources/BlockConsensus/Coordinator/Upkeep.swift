import BlockModel

/// What a coordinator's host does of its own accord about pends, from chosen tails that it had this
/// coordinator read. There is no message for either: a client that could send a false one would
/// take content away that was decided on (protocol: facts-from-the-coordinators-own-tail).
package enum Upkeep: Hashable, Sendable {
    /// Give up one target of a pend, on a quorum: the log shows that its attempt did not land there
    /// and never will.
    case discard(PendKey, target: Revision)
    /// See to it that an attempt that may still land does not, unless it has
    /// (protocol: fence-before-discard). It is answered with the chosen tail of its home.
    case fence(AttemptAnchor)
    /// Resolve what attempts over several collections have left in this chosen tail. It is answered
    /// as soon as that is under way.
    case resolveIntents(Tail)
}
