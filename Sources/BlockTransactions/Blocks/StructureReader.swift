import BlockModel
import BlockRuntime
import BlockStructures

/// Answers questions about a tree or a queue as of one revision.
package enum StructureReader {
    /// Runs a query of a tree.
    ///
    /// - Parameters:
    ///   - header: The header part as of the snapshot's revision.
    ///   - count: How far the same query has counted before; nil for any other query.
    /// - Throws: ``MissingBlocks``: fetch and ask again; `.corrupted`.
    package static func answer(
        _ query: TreeQuery, of snapshot: CollectionSnapshot, header: CollectionHeader,
        collection: CollectionID, incarnation: Incarnation, count: inout TreeCount?
    ) throws -> ClientReply {
        let tracker = tracker(snapshot, header, incarnation)
        let tree = try BTree(tracker: tracker, collection: collection)
        switch query {
        case .values(let keys):
            invariant(count == nil, "values of a count")
            return .treeValues(
                TreeValues(values: try values(keys, in: tree), asOf: snapshot.revision))
        case .range(let range, let direction, let bytesMax, let countMax):
            invariant(count == nil, "a page of a count")
            let page = try page(
                range, direction, bytesMax: min(Int(bytesMax), Limits.pageBytesMax),
                countMax: min(Int(countMax), Limits.pageItemCountMax), in: tree)
            return .treePage(
                TreePage(entries: page.entries, asOf: snapshot.revision, isLast: page.isLast))
        case .count(let range):
            var counted = count ?? TreeCount(range)
            defer { count = counted }
            return .count(try counted.run(on: tree, tracker), asOf: snapshot.revision)
        }
    }

    /// Runs a query of a queue; see the one of a tree.
    package static func answer(
        _ query: QueueQuery, of snapshot: CollectionSnapshot, header: CollectionHeader,
        collection: CollectionID, incarnation: Incarnation
    ) throws -> ClientReply {
        let chain = Chain(
            tracker: tracker(snapshot, header, incarnation), collection: collection)
        switch query {
        case .peek(let countMax):
            let values = try chain.page(
                countMax: min(Int(countMax), Limits.queueValueCountMax),
                bytesMax: Limits.pageBytesMax)
            invariant(values.count <= Int(countMax), "more values than were asked for")
            return .queueValues(QueueValues(values: values, asOf: snapshot.revision))
        case .count: return .count(UInt64(try chain.count()), asOf: snapshot.revision)
        }
    }

    /// Readers make no block, so it does not matter whose ids they would get.
    private static func tracker(
        _ snapshot: CollectionSnapshot, _ header: CollectionHeader, _ incarnation: Incarnation
    ) -> Tracker {
        let ids = StructuralBlockIDs(
            incarnation: incarnation, action: ActionID(rawValue: .zero))
        return Tracker(snapshot: snapshot, header: header, ids: ids)
    }

    /// The values of the first keys, as many as fit a page; one always does.
    private static func values(_ keys: [Bytes], in tree: BTree) throws -> [Bytes?] {
        var values: [Bytes?] = []
        var bytes = 0
        var collector = MissingCollector()
        for key in keys {
            guard let value = try collector.run({ try tree.get(key) }) else { continue }
            bytes += value?.count ?? 0
            if !values.isEmpty, bytes > Limits.pageBytesMax { break }
            values.append(value)
        }
        try collector.finish()
        invariant(!values.isEmpty || keys.isEmpty, "a page of no values, which never ends")
        return values
    }

    private static func page(
        _ range: KeyRange, _ direction: ReadDirection, bytesMax: Int, countMax: Int, in tree: BTree
    ) throws -> (entries: [TreeEntry], isLast: Bool) {
        var cursor = tree.cursor(range, isAscending: direction == .forward)
        var entries: [TreeEntry] = []
        var bytes = 0
        while let entry = try cursor.next() {
            bytes += entry.key.count + entry.value.count
            if !entries.isEmpty, bytes > bytesMax || entries.count >= countMax {
                return (entries, false)
            }
            entries.append(entry)
        }
        return (entries, true)
    }
}
