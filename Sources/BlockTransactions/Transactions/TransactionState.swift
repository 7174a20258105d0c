import BlockModel
import BlockRuntime

/// What a transaction has read and is about to write: the one thing its body changes.
package struct TransactionState: Sendable {
    /// The collection it is over; nil before the first call.
    package var collection: CollectionInfo?
    /// What was seen of it when the transaction began: the first revision of its action.
    package var firstRevision = Revision.zero
    /// The revision that everything is read as of; nil before the first read.
    package var snapshot: Revision?
    /// What was read of the snapshot, key by key.
    package private(set) var reads: [Bytes: Bytes?] = [:]
    package private(set) var ranges: [(KeyRange, TreeEntriesHash)] = []
    /// What was written; nil for a key whose value is taken away.
    package private(set) var writes: [Bytes: Bytes?] = [:]
    package var hasEnded = false

    package init() {}

    /// Binds the transaction to a collection.
    /// - Throws: `.invalidArgument` for another one, or after the end.
    package mutating func bind(_ info: CollectionInfo, seen: Revision) throws(DatabaseError) {
        guard !hasEnded else {
            throw DatabaseError(.invalidArgument, "a transaction is used after its body has ended")
        }
        guard let collection else {
            collection = info
            firstRevision = seen
            return
        }
        guard collection.name == info.name, collection.incarnation == info.incarnation else {
            throw DatabaseError(
                .invalidArgument,
                "a transaction over \"\(collection.name)\" cannot use \"\(info.name)\": it is over "
                    + "one collection")
        }
    }

    /// What is known of a key here; nil: ask the snapshot.
    package func known(_ key: Bytes) -> Bytes?? { writes[key] ?? reads[key] }

    package mutating func read(_ key: Bytes, _ value: Bytes?) { reads[key] = .some(value) }

    package mutating func write(_ key: Bytes, _ value: Bytes?) { writes[key] = .some(value) }

    /// Entries of the snapshot were read: all there are of `range`, ascending.
    package mutating func read(_ range: KeyRange, _ entries: [TreeEntry]) {
        ranges.append((range, TreeEntriesHash(entries)))
    }

    /// The entries of a range as the writes leave them, ascending.
    package func overlaid(_ entries: [TreeEntry], in range: KeyRange) -> [TreeEntry] {
        guard !writes.isEmpty else { return entries }
        var merged: [Bytes: Bytes] = [:]
        for entry in entries { merged[entry.key] = entry.value }
        for (key, value) in writes where range.contains(key) { merged[key] = value }
        return merged.map { TreeEntry(key: $0.key, value: $0.value) }
            .sorted { KeyOrder.compare($0.key, $1.key) < 0 }
    }

    /// The action that lands the transaction: its checks are what was read.
    package var action: TreeAction {
        var checks = reads.keys.sorted { KeyOrder.compare($0, $1) < 0 }.map { key in
            TreeCheck.value(key: key, reads[key].flatMap { $0 }.map(TreeValueHash.init))
        }
        checks += ranges.map { .range($0.0, $0.1) }
        let operations = writes.keys.sorted { KeyOrder.compare($0, $1) < 0 }.map { key in
            if let value = writes[key].flatMap({ $0 }) {
                TreeOperation.put(key: key, value: value)
            } else {
                TreeOperation.delete(key: key)
            }
        }
        return TreeAction(checks: checks, operations: operations)
    }
}
