import BlockModel
import BlockRuntime
import BlockStructures

/// A count of the entries of a range as of one revision that goes on where it stopped: so that one
/// over any number of blocks needs only some of them at a time, and each of them once.
package struct TreeCount: Sendable {
    private let range: KeyRange
    private var sum: UInt64 = 0
    private var leafCount = 0
    /// The last key that was counted.
    private var place: Bytes?

    package init(_ range: KeyRange) { self.range = range }

    /// Counts as far as the blocks at hand reach.
    ///
    /// - Parameters:
    ///   - snapshot: Of the same revision in every run.
    ///   - passed: Gets the blocks that are not needed any more.
    /// - Returns: The number of entries of the range.
    /// - Throws: ``MissingBlocks``: fetch and run again; `.corrupted`.
    package mutating func run(
        on snapshot: CollectionSnapshot, header: CollectionHeader, collection: CollectionID,
        incarnation: Incarnation, passed: inout [BlockID]
    ) throws -> UInt64 {
        let tracker = StructureReader.tracker(snapshot, header, incarnation)
        let tree = try BTree(tracker: tracker, collection: collection)
        var rest = range
        if let place { rest.lower = KeyBound(place, isInclusive: false) }
        var cursor = tree.cursor(rest, lookahead: leafCount)
        defer {
            // The way to the last leaf is gone again to find the next one. Where none was entered,
            // all that was read is still needed.
            let needed = Set(cursor.pathBlocks)
            if !needed.isEmpty {
                passed = tracker.reads.map(\.block).filter { !needed.contains($0) }
            }
        }
        while case let count = try cursor.passLeaf(), count > 0 {
            sum += UInt64(count)
            leafCount += 1
            place = cursor.lastKey
        }
        return sum
    }
}
