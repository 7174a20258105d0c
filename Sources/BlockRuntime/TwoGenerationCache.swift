/// Values used lately, up to a total weight; what is not held any more is made or read again.
///
/// Two generations: what is put goes into the young one, which becomes the old one when it is half
/// of what is held. Each operation costs O(1), and nothing orders the values.
///
/// Inlinable, as all containers here: machines ask them at every event.
@usableFromInline
package struct TwoGenerationCache<Key: Hashable, Value> {
    @usableFromInline typealias Held = (value: Value, weight: Int)

    @usableFromInline var young: [Key: Held] = [:]
    @usableFromInline var old: [Key: Held] = [:]
    @usableFromInline var youngWeight = 0
    @usableFromInline let generationWeightMax: Int

    /// - Parameter weightMax: 0 holds nothing.
    @inlinable
    package init(weightMax: Int) {
        invariant(weightMax >= 0, "a cache of \(weightMax)")
        generationWeightMax = weightMax / 2
    }

    /// - Parameter countMax: Values held at most, each of weight 1.
    @inlinable
    package init(countMax: Int) {
        invariant(countMax >= 4, "a cache of \(countMax)")
        generationWeightMax = (countMax - 2) / 2
    }

    /// Values held; some may be older ones of the same key.
    package var count: Int { young.count + old.count }

    /// The value, which counts as used.
    @inlinable
    package mutating func value(_ key: Key) -> Value? {
        if let held = young[key] { return held.value }
        guard !old.isEmpty, let held = old.removeValue(forKey: key) else { return nil }
        insert(held, key)
        return held.value
    }

    /// The value, whether it counts as used or not; what is set has weight 1.
    @inlinable
    package subscript(key: Key) -> Value? {
        get { (young[key] ?? old[key])?.value }
        set {
            if let newValue { put(newValue, for: key, weight: 1) } else { remove(key) }
        }
    }

    @inlinable
    package mutating func put(_ value: Value, for key: Key, weight: Int) {
        invariant(weight >= 0, "a value of weight \(weight)")
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

    /// Stops the process unless the young generation is as small as it may be.
    /// - Complexity: O(n).
    package func checkInvariants() {
        let weight = young.values.reduce(0) { $0 + $1.weight }
        invariant(weight == youngWeight, "a generation of \(weight), \(youngWeight) are counted")
        invariant(
            youngWeight <= generationWeightMax, "\(youngWeight), of \(generationWeightMax)")
    }
}

extension TwoGenerationCache: Sendable where Key: Sendable, Value: Sendable {}
