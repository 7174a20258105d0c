import BlockModel

extension TailFunction {
    /// Moves the open entries of `tail` into a segment: a pure function of the tail, so any two
    /// coordinators that seal the same tail write the same bytes under the same hash.
    ///
    /// The pointer to the segment rides in the next append's compare-and-set; the segment must be
    /// durable on a quorum of its shard before (protocol: segment-before-pointer,
    /// segment-is-a-pure-function).
    static func seal(_ tail: inout Tail) -> Segment {
        let segment = Segment(
            collection: tail.collection, incarnation: tail.incarnation,
            index: tail.segments.first.map { $0.index + 1 } ?? 0,
            headerBefore: tail.headerAtOpen, entries: tail.entries, links: tail.segments)
        let link = SegmentLink(
            index: segment.index, hash: Segment.hash(of: segment.canonicalBytes),
            firstRevision: segment.firstRevision)
        tail.segments = SegmentLinks.adding(link, to: tail.segments)
        tail.entries = []
        tail.headerAtOpen = tail.header
        return segment
    }
}
