import BlockModel
import BlockRuntime

/// The newest chosen tails that a proxy has seen, for readers of fixed revisions. Hints: what is
/// forgotten is asked for again.
struct KnownTails: Sendable {
    private var tails: [CollectionID: Tail] = [:]

    var count: Int { tails.count }

    subscript(collection: CollectionID) -> Tail? { tails[collection] }

    /// Takes over a chosen tail, unless a later one of the same life is known; for it the tail of
    /// the collection that was not used for longest may have to go.
    mutating func learn(_ tail: Tail, _ use: inout LastUse) {
        let collection = tail.collection
        if let known = tails[collection], known.incarnation == tail.incarnation,
            known.revision > tail.revision
        {
            return
        }
        use.note(collection)
        tails[collection] = tail
        if buggify("buggify.proxy.forgetsTail") { tails[collection] = nil }
        guard tails.count > Limits.knownTailCountMax else { return }
        if let oldest = use.oldest(of: tails, unless: { $0 == collection }) {
            tails[oldest] = nil
        }
        invariant(tails.count <= Limits.knownTailCountMax, "\(tails.count) tails are known")
    }

    /// - Complexity: O(1).
    func checkInvariants() {
        invariant(tails.count <= Limits.knownTailCountMax, "\(tails.count) tails are known")
    }
}
