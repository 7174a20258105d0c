import BlockModel
import BlockRuntime

/// Finds revisions at which several collections were at one moment: a cut
/// (protocol: vector-is-proven).
///
/// The collections are looked at in turn, each look after the one before. A collection that is
/// found where it was found before has been there all the time between the two looks. So when all
/// others, looked at once more after a change was found in one, are where they were, then all of
/// them were there together when that one was looked at.
package struct CutProof: Sendable {
    package let lives: [CollectionLife]
    private var seen: [Revision?]
    /// Whose look is next.
    private var place = 0
    /// Looks in a row, up to the last one, that have found what the look before had found.
    private var unchangedCount = 0
    /// For tests: looks that were made.
    package private(set) var lookCount = 0

    /// - Precondition: At least one collection, each once.
    package init(of lives: [CollectionLife]) {
        invariant(!lives.isEmpty, "a cut through nothing")
        invariant(Set(lives.map(\.collection)).count == lives.count, "a collection is named twice")
        self.lives = lives
        seen = Array(repeating: nil, count: lives.count)
    }

    /// The cut; nil while it is not proven.
    package var cut: [Revision]? {
        guard unchangedCount >= lives.count - 1 || planted(.cutOfOneLook) else { return nil }
        let known = seen.compactMap { $0 }
        return known.count == lives.count ? known : nil
    }

    /// The collection to be looked at next, by a read that begins after the last look has ended.
    package var next: CollectionLife { lives[place] }

    /// The collection that was ``next`` is at `revision`.
    package mutating func looked(_ revision: Revision) {
        lookCount += 1
        if seen[place] == revision {
            unchangedCount += 1
        } else {
            mark(seen[place] == nil ? "cut.firstLook" : "cut.moved")
            unchangedCount = 0
        }
        seen[place] = revision
        place = (place + 1) % lives.count
    }
}
