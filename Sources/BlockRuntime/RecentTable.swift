/// What was learned lately of many things, for hints: never more than so many of them.
///
/// Two generations: when the young one is full, the old one is forgotten and the young one becomes
/// old. Constant time, and no order to keep.
package struct RecentTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    @usableFromInline let countMax: Int
    @usableFromInline var young: [Key: Value] = [:]
    @usableFromInline var old: [Key: Value] = [:]

    /// - Parameter countMax: Entries held at most.
    @inlinable
    package init(countMax: Int) {
        invariant(countMax >= 2, "a table of \(countMax)")
        self.countMax = countMax
    }

    /// Entries held; some may be older ones of the same key.
    package var count: Int { young.count + old.count }

    @inlinable
    package subscript(key: Key) -> Value? {
        get { young[key] ?? old[key] }
        set {
            old[key] = nil
            guard let newValue else {
                young[key] = nil
                return
            }
            young[key] = newValue
            guard young.count >= countMax / 2 else { return }
            old = young
            young = [:]
        }
    }
}
