/// Keys in the order in which they were used last: what was unused longest is found without a
/// search, however many there are.
package struct RecencyList<Key: Hashable & Sendable>: Sendable {
    private struct Neighbours {
        var older: Key?
        var newer: Key?
    }

    private var neighbours: [Key: Neighbours] = [:]
    /// The key that was unused longest.
    package private(set) var oldest: Key?
    private var newest: Key?

    package init() {}

    package var count: Int { neighbours.count }

    package func contains(_ key: Key) -> Bool { neighbours[key] != nil }

    /// `key` is used: it is added if it is not here, and the last to go.
    /// - Complexity: O(1).
    package mutating func use(_ key: Key) {
        if newest == key { return }
        remove(key)
        neighbours[key] = Neighbours(older: newest, newer: nil)
        if let newest { neighbours[newest]?.newer = key }
        newest = key
        oldest = oldest ?? key
        invariant(oldest != nil && newest != nil, "keys without a first and a last")
    }

    /// - Complexity: O(1).
    package mutating func remove(_ key: Key) {
        guard let gone = neighbours.removeValue(forKey: key) else { return }
        if let older = gone.older { neighbours[older]?.newer = gone.newer }
        if let newer = gone.newer { neighbours[newer]?.older = gone.older }
        if oldest == key { oldest = gone.newer }
        if newest == key { newest = gone.older }
        invariant((oldest == nil) == neighbours.isEmpty, "a list without a beginning")
    }
}
