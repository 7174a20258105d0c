import BlockModel
import BlockRuntime

/// Which collections a proxy had to do with lately: what is known of the one unused longest is
/// forgotten first.
package struct LastUse: Sendable {
    private var last: [CollectionID: UInt64] = [:]
    private var noteCount: UInt64 = 0
    private let countMax: Int

    /// - Parameter countMax: Collections remembered, of which those used last are; the others count
    ///   as unused. More than what is known of any is kept for.
    package init(countMax: Int = 4 * Limits.knownTailCountMax) {
        invariant(countMax > 0, "\(countMax) collections are remembered")
        self.countMax = countMax
    }

    /// Collections that are remembered; at most twice as many as asked for.
    package var count: Int { last.count }

    /// - Complexity: O(1) amortised: half of what is held is new when it is sorted out.
    package mutating func note(_ collection: CollectionID) {
        noteCount += 1
        last[collection] = noteCount
        guard last.count > 2 * countMax else { return }
        // Clients decide how many names come here: also names that never were collections do.
        let oldestKept = last.values.sorted()[last.count - countMax]
        last = last.filter { $0.value >= oldestKept }
        invariant(last.count == countMax, "\(last.count) collections, of \(countMax)")
    }

    /// - Complexity: O(1).
    package func checkInvariants() {
        invariant(last.count <= 2 * countMax, "\(last.count) collections are remembered")
        invariant(noteCount >= UInt64(last.count), "more collections than uses of any")
    }

    /// The collection of `known` that was unused longest; nil when all are needed.
    /// - Complexity: O(`known`).
    package func oldest<Value>(
        of known: [CollectionID: Value], unless isNeeded: (CollectionID) -> Bool
    ) -> CollectionID? {
        known.keys.filter { !isNeeded($0) }.min { left, right in
            let (leftUse, rightUse) = (last[left] ?? 0, last[right] ?? 0)
            return leftUse == rightUse ? left < right : leftUse < rightUse
        }
    }
}
