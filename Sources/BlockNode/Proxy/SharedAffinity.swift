import BlockModel
import BlockRuntime

/// Which collections the transactions of a proxy have touched together lately: one coordinator is
/// asked about all of them. Hints.
///
/// A transaction is answered once its home has decided; the coordinator that had it decided goes
/// on to carry it out. Who reads a participant there waits for that. Any other coordinator would
/// meet the intent, and carry the transaction out beside the first one, in each other's way.
///
/// Collections that come to be bound through others share a coordinator as well, for as long as
/// transactions bind them.
package struct SharedAffinity: Sendable {
    private struct Leader {
        let collection: CollectionID
        let until: Instant
    }

    /// A collection that leads others has no leader.
    private var leaders = TwoGenerationCache<CollectionID, Leader>(
        countMax: Limits.sharedAffinityCountMax)

    package init() {}

    /// Whose coordinator is asked about `collection`: its own, or that of the one that leads it.
    package func leader(of collection: CollectionID, at now: Instant) -> CollectionID {
        guard let leader = leaders[collection], leader.until > now else { return collection }
        return leader.collection
    }

    /// An attempt sets out.
    package mutating func bind(_ attempt: Attempt, at now: Instant) {
        guard attempt.participants.count > 1 else { return }
        let leader = leader(of: attempt.home, at: now)
        leaders[leader] = nil
        let until = now.advanced(by: Limits.sharedAffinityTime)
        for participant in attempt.participants where participant.collection != leader {
            leaders[participant.collection] = Leader(collection: leader, until: until)
        }
        invariant(self.leader(of: leader, at: now) == leader, "\(leader) is led by another")
    }
}
