import BlockModel
import BlockRuntime

/// What a transaction has read of one collection and is about to do to it.
package struct CollectionDraft: Sendable {
    package let info: CollectionInfo
    /// What was seen of it when the transaction first used it.
    private let seen: Revision
    /// The revision that everything is read as of; nil before the first read.
    package var snapshot: Revision?
    /// Whether it must still be at ``snapshot`` when the transaction takes effect: what was read of
    /// it says nothing more exact.
    package private(set) var isWatched = false
    /// What was read of a tree's snapshot, key by key.
    package private(set) var reads: [Bytes: Bytes?] = [:]
    package private(set) var ranges: [(range: KeyRange, hash: TreeEntriesHash)] = []
    /// What is to be written to a tree; nil for a key whose value is taken away.
    package private(set) var writes: [Bytes: Bytes?] = [:]
    /// What is to be appended to a diary, or done to a queue or a custom collection, in order.
    package private(set) var actions: [ActionContent] = []
    /// What the actions on a custom collection do at ``snapshot``.
    private var prepared: PreparedActions?

    package init(_ info: CollectionInfo, seen: Revision) {
        self.info = info
        self.seen = seen
    }

    /// The first revision of its actions: nothing of them is sent before it was seen.
    package var firstRevision: Revision { max(seen, snapshot ?? .zero) }

    // MARK: Trees

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

    /// The action on a tree: its checks are what was read.
    package var treeAction: TreeAction {
        var checks = reads.keys.sorted { KeyOrder.compare($0, $1) < 0 }.map { key in
            TreeCheck.value(key: key, reads[key].flatMap { $0 }.map(TreeValueHash.init))
        }
        // The order in which answers came is not the same in every execution.
        checks += ranges.sorted {
            KeyOrder.compare($0.range.canonicalBytes, $1.range.canonicalBytes) < 0
        }.map { .range($0.range, $0.hash) }
        let operations = writes.keys.sorted { KeyOrder.compare($0, $1) < 0 }.map { key in
            if let value = writes[key].flatMap({ $0 }) {
                TreeOperation.put(key: key, value: value)
            } else {
                TreeOperation.delete(key: key)
            }
        }
        return TreeAction(checks: checks, operations: operations)
    }

    // MARK: Custom collections

    /// What its handlers have done for the transaction, all of it.
    package mutating func take(_ actions: [Bytes], _ prepared: PreparedActions) {
        invariant(self.actions.isEmpty && isWatched, "prepared twice, or at no revision")
        self.actions = actions.map { .custom($0) }
        self.prepared = prepared
    }

    // MARK: Diaries and queues

    package mutating func act(_ content: ActionContent) { actions.append(content) }

    /// What was read of it is all of it, as far as the transaction can tell.
    package mutating func watch() { isWatched = true }

    /// The values of a queue as the actions leave them, given those at its front.
    /// - Parameter isWhole: Whether nothing follows `front` in the queue.
    package func overlaid(_ front: [Bytes], isWhole: Bool) -> [Bytes] {
        var values = front
        for case .queue(let action) in actions {
            switch action {
            case .enqueue(let added): if isWhole { values += added }
            case .dequeue(let count): values.removeFirst(min(values.count, Int(count)))
            }
        }
        return values
    }

    /// How many values its actions take from the front.
    package var takenCount: Int {
        actions.reduce(0) { count, action in
            if case .queue(.dequeue(let taken)) = action { count + Int(taken) } else { count }
        }
    }

    // MARK: What is to land

    /// Whether it changes something.
    package var writesSomething: Bool { !writes.isEmpty || !actions.isEmpty }

    /// Its part of the transaction; nil when nothing was read nor is written.
    package var part: TransactionPart? {
        let tree = treeAction
        let isTree = !tree.checks.isEmpty || !tree.operations.isEmpty
        invariant(!isTree || actions.isEmpty, "one collection is used as two kinds")
        guard isTree || isWatched || !actions.isEmpty else { return nil }
        return TransactionPart(
            collection: info.collection, incarnation: info.incarnation,
            firstRevision: firstRevision, expectedRevision: isWatched ? snapshot : nil,
            actions: isTree ? [.tree(tree)] : actions, prepared: prepared)
    }
}
