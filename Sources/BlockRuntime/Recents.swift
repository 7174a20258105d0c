/// Values used lately, up to a total weight.
///
/// Two generations: what is used stays in the young one, which becomes the old one when it is half
/// of what is held. Each operation costs O(1), and nothing orders the values.
package struct Recents<Key: Hashable, Value> {
    @usableFromInline typealias Held = (value: Value, weight: Int)

    @usableFromInline var young: [Key: Held] = [:]
    @usableFromInline var old: [Key: Held] = [:]
    @usableFromInline var youngWeight = 0
    @usableFromInline let generationWeightMax: Int

    /// - Parameter weightMax: 0 holds nothing.
    @inlinable
    package init(weightMax: Int) { generationWeightMax = weightMax / 2 }

    /// The value, which counts as used.
    @inlinable
    package mutating func value(_ key: Key) -> Value? {
        if let held = young[key] { return held.value }
        guard !old.isEmpty, let held = old.removeValue(forKey: key) else { return nil }
        insert(held, key)
        return held.value
    }

    @inlinable
    package mutating func put(_ value: Value, for key: Key, weight: Int) {
        guard generationWeightMax > 0 else { return }
        if !old.isEmpty { old[key] = nil }
        insert((value, weight), key)
    }

    @inlinable
    package mutating func remove(_ key: Key) {
        old[key] = nil
        if let held = young.removeValue(forKey: key) { youngWeight -= held.weight }
    }

    @inlinable
    package mutating func removeAll() {
        young = [:]
        old = [:]
        youngWeight = 0
    }

    @inlinable
    mutating func insert(_ held: Held, _ key: Key) {
        let replaced = young.updateValue(held, forKey: key)
        youngWeight += held.weight - (replaced?.weight ?? 0)
        guard youngWeight > generationWeightMax else { return }
        old = young
        young = [:]
        youngWeight = 0
    }
}

extension Recents: Sendable where Key: Sendable, Value: Sendable {}
