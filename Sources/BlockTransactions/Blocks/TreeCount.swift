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
    /// The blocks that the last run read and the next one does not need.
    package private(set) var passed: [BlockID] = []

    init(_ range: KeyRange) { self.range = range }

    /// Counts as far as the blocks at hand reach.
    ///
    /// - Parameters:
    ///   - tree: As of the same revision in every run.
    ///   - tracker: Of the tree.
    /// - Returns: The number of entries of the range.
    /// - Throws: ``MissingBlocks``: fetch and run again; `.corrupted`.
    mutating func run(on tree: BTree, _ tracker: Tracker) throws -> UInt64 {
        invariant((place == nil) == (leafCount == 0), "a count goes on from no place")
        passed = []
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
        invariant(sum >= UInt64(leafCount), "\(sum) entries of \(leafCount) leaves that have some")
        return sum
    }
}
