import BlockModel
import BlockRuntime

/// The tail reads of all collections that tasks and writers of a proxy wait for.
struct SharedTailReads: Sendable {
    private var reads: [CollectionID: TailReads] = [:]

    /// Collections whose tail is waited for.
    var count: Int { reads.count }

    /// The deepest reason known why the read of this tail takes so long.
    func trouble(with collection: CollectionID) -> DatabaseError? { reads[collection]?.trouble }

    /// - Returns: As ``TailReads/ask(_:)``.
    mutating func ask(_ waiter: TailReads.Waiter, for collection: CollectionID) -> Bool {
        reads[collection, default: TailReads()].ask(waiter)
    }

    /// - Returns: As ``TailReads/begin()``.
    mutating func begin(_ collection: CollectionID) -> Bool {
        let begins = reads[collection]?.begin() ?? false
        invariant(
            !begins || reads[collection]?.waiting.isEmpty == false,
            "a tail of \(collection) is read for no waiter")
        return begins
    }

    /// A try to read the tail failed. - Returns: All who wait for it.
    mutating func learned(_ error: DatabaseError, of collection: CollectionID) -> [TailReads.Waiter]
    {
        reads[collection]?.learned(error)
        return reads[collection]?.waiting ?? []
    }

    /// The read under way has ended. - Returns: Those it serves; nil when none was under way.
    mutating func end(_ collection: CollectionID) -> [TailReads.Waiter]? {
        reads[collection]?.end()
    }

    /// - Returns: Whether the collection is forgotten: no waiter is left, for any read.
    mutating func forgetIdle(_ collection: CollectionID) -> Bool {
        invariant(reads[collection] != nil, "no tail read of \(collection) has ended")
        guard reads[collection]?.waiting.isEmpty == true else { return false }
        reads[collection] = nil
        return true
    }

    /// - Complexity: O(collections whose tail is waited for).
    func checkInvariants() {
        for (collection, read) in reads {
            invariant(!read.waiting.isEmpty, "a read of \(collection) serves no waiter")
            read.checkInvariants()
        }
    }
}
