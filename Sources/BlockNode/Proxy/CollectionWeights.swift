import BlockModel
import BlockRuntime

/// Bytes that are kept for collections, about, and of all of them together.
struct CollectionWeights: Sendable {
    private var weights: [CollectionID: Int] = [:]
    private(set) var total = 0

    /// Collections for which something is kept.
    var count: Int { weights.count }

    /// - Parameter weight: nil when nothing is kept any more.
    mutating func set(_ collection: CollectionID, _ weight: Int?) {
        invariant(weight ?? 0 >= 0, "\(weight ?? 0) bytes are kept of \(collection)")
        total += (weight ?? 0) - (weights[collection] ?? 0)
        weights[collection] = weight
        invariant(total >= 0, "\(total) bytes are kept")
    }
}
