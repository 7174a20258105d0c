import BlockModel

/// Which collections a proxy had to do with lately: what is known of the one unused longest is
/// forgotten first.
package struct CollectionUse: Sendable {
    private var last: [CollectionID: UInt64] = [:]
    private var count: UInt64 = 0

    package init() {}

    package mutating func note(_ collection: CollectionID) {
        count += 1
        last[collection] = count
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

    /// Forgets when those were used of which nothing is known any more, once there are many.
    package mutating func prune(countMax: Int, unless isKnown: (CollectionID) -> Bool) {
        if last.count > countMax { last = last.filter { isKnown($0.key) } }
    }
}
