import BlockRuntime

/// The skip links of a chain of segments.
///
/// After segment k the frontier holds the links k, k with its lowest set bit cleared, with its two
/// lowest cleared, … down to 0: at most 65, in practice log₂ k. A segment carries the frontier of
/// its predecessor, so from any segment any earlier one is O(log n) fetches away, and the frontier
/// after k is a pure function of the frontier before it: no segment is fetched to seal another.
package enum SegmentLinks {
    /// The frontier after the segment that `link` names was added to `frontier`.
    package static func adding(_ link: SegmentLink, to frontier: [SegmentLink]) -> [SegmentLink] {
        let wanted = indices(upTo: link.index)
        return [link] + frontier.filter { wanted.contains($0.index) }
    }

    /// The indices that the frontier after segment `index` has, descending.
    static func indices(upTo index: UInt64) -> [UInt64] {
        var indices = [index]
        var current = index
        while current != 0 {
            current &= current - 1
            indices.append(current)
        }
        return indices
    }

    /// Whether `links` are exactly the links that the segment `index` must carry.
    package static func isWellFormed(_ links: [SegmentLink], before index: UInt64) -> Bool {
        let expected = index == 0 ? [] : indices(upTo: index - 1)
        guard links.map(\.index) == expected else { return false }
        return zip(links, links.dropFirst()).allSatisfy { $0.firstRevision > $1.firstRevision }
    }

    /// Where to go next to find the segment that holds `revision`.
    package enum Step: Equatable, Sendable {
        /// This segment holds it.
        case found(SegmentLink)
        /// It lies below this segment; go on with the links of that one.
        case descend(SegmentLink)
        /// No segment reaches down to it.
        case absent
    }

    /// - Parameters:
    ///   - revision: Below the first revision of whatever carries `links`.
    ///   - links: Of a tail or a segment, nearest first.
    /// - Complexity: O(log n) in the number of segments.
    package static func step(to revision: Revision, from links: [SegmentLink]) -> Step {
        guard let position = links.firstIndex(where: { $0.firstRevision <= revision }) else {
            return .absent
        }
        let below = links[position]
        guard position > 0 else { return .found(below) }
        let above = links[position - 1]
        return above.index == below.index + 1 ? .found(below) : .descend(above)
    }
}
