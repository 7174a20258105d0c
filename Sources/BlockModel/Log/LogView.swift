import BlockRuntime

/// A collection's log as of one chosen tail: open entries, sealed segments, bodies.
///
/// Synchronous: a walk that needs an object which was not fetched throws ``MissingObjects``;
/// its caller fetches those and runs it again.
package struct LogView<Source: LogObjectSource> {
    package let tail: Tail
    private let source: Source
    /// Of the tail: a hash, which a walk over many segments needs for each of them.
    private let collection: CollectionID

    /// - Parameter tail: A chosen value: its segment pointers are followed
    ///   (protocol: act-on-chosen).
    package init(tail: Tail, source: Source) {
        self.tail = tail
        self.source = source
        collection = tail.collection
    }

    /// The entries of `first ... last`, oldest first; they exist by definition of the tail.
    ///
    /// - Complexity: O(log n) segments to get to `last`, then one segment per 32 entries.
    /// - Throws: ``MissingObjects``.
    package func entries(
        from first: Revision, through last: Revision
    ) throws(MissingObjects) -> [Entry] {
        invariant(last <= tail.revision, "entry \(last) of a log that ends at \(tail.revision)")
        invariant(first > tail.truncatedThrough, "entry \(first) is truncated")
        var runs: [[Entry]] = []
        var upper = last
        while upper >= first {
            let run = try entriesOfPart(holding: upper)
            let wanted = run.filter { $0.revision >= first && $0.revision <= upper }
            guard let lowest = wanted.first?.revision else { break }
            runs.append(wanted)
            if lowest == first { break }
            upper = lowest.previous
        }
        return runs.reversed().flatMap { $0 }
    }

    /// The open entries, or those of the segment that holds `revision`.
    package func entriesOfPart(holding revision: Revision) throws(MissingObjects) -> [Entry] {
        if revision >= tail.firstOpenRevision { return tail.entries }
        return try segment(holding: revision).entries
    }

    /// The header part as it was at `revision`.
    package func header(at revision: Revision) throws(MissingObjects) -> CollectionHeader {
        if revision >= tail.headerRevision { return tail.header }
        // Before the first entry there is no part; the first says what the header was before it.
        let held = max(revision, tail.truncatedThrough.next)
        let isOpen = held >= tail.firstOpenRevision
        var header = isOpen ? tail.headerAtOpen : try segment(holding: held).headerBefore
        for entry in try entriesOfPart(holding: held) where entry.revision <= revision {
            header = entry.headerAfter ?? header
        }
        return header
    }

    /// The bodies of `entries`, in their order.
    ///
    /// - Throws: ``MissingObjects`` with every body that is missing, so that one fetch gets all.
    package func bodies(of entries: [Entry]) throws(MissingObjects) -> [EntryBody] {
        var bodies: [EntryBody] = []
        var missing: [LogObjectKey] = []
        for entry in entries {
            if let body = body(of: entry) {
                bodies.append(body)
            } else {
                missing.append(.body(entry.bodyID))
            }
        }
        guard missing.isEmpty else { throw MissingObjects(missing) }
        return bodies
    }

    /// The body of one entry; nil when it has to be fetched.
    package func body(of entry: Entry) -> EntryBody? {
        switch entry.body {
        case .inline(let bytes):
            // Checked when the entry was made; an undecodable one carries no action.
            return (try? EntryBody(canonicalBytes: bytes)) ?? .empty
        case .stored:
            guard case .body(let body)? = source.object(.body(entry.bodyID)) else { return nil }
            return body
        }
    }

    /// The segment that holds `revision`, over O(log n) skip links.
    private func segment(holding revision: Revision) throws(MissingObjects) -> Segment {
        var links = tail.segments
        while true {
            switch SegmentLinks.step(to: revision, from: links) {
            case .found(let link): return try segment(link)
            case .descend(let link): links = try segment(link).links
            case .absent:
                invariant(false, "no segment of \(tail.name) reaches down to revision \(revision)")
            }
        }
    }

    private func segment(_ link: SegmentLink) throws(MissingObjects) -> Segment {
        let key = LogObjectKey.segment(
            SegmentKey(
                collection: collection, incarnation: tail.incarnation, index: link.index,
                hash: link.hash))
        guard case .segment(let segment)? = source.object(key) else { throw MissingObjects([key]) }
        return segment
    }
}
