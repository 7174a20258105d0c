import BlockModel
import BlockRuntime

/// The chosen log of one life of a tree or a queue: what really happened.
package struct StructureLog: Sendable {
    package let incarnation: Incarnation
    /// `.tree` or `.queue`.
    package let kind: CollectionKind
    /// The actions of every entry, from revision 1 on, with the outcomes that the log holds.
    package let entries: [[Action]]

    package init(incarnation: Incarnation, kind: CollectionKind, entries: [[Action]]) {
        self.incarnation = incarnation
        self.kind = kind
        self.entries = entries
    }

    package var revision: Revision { Revision(UInt64(entries.count)) }
}

/// A sorted map or a list, by the rules of actions and without any block.
package struct StructureModel: Sendable {
    /// Ascending by key; of a tree.
    package private(set) var entries: [TreeEntry] = []
    /// From the front; of a queue.
    package private(set) var values: [Bytes] = []

    package init() {}

    // MARK: Changing

    /// Does what an action of the log says.
    /// - Returns: The outcome that it must have had.
    mutating func apply(_ content: ActionContent) -> ActionOutcome {
        switch content {
        case .append, .custom: return .appended
        case .tree(let action):
            for (place, check) in action.checks.enumerated() where !holds(check) {
                return .tree(.conflict(check: UInt32(place)))
            }
            return .tree(.applied(existed: action.operations.map { apply($0) }))
        case .queue(.enqueue(let added)):
            values += added
            return .queue(.enqueued)
        case .queue(.dequeue(let countMax)):
            let count = min(Int(countMax), values.count)
            defer { values.removeFirst(count) }
            return .queue(.dequeued(Array(values.prefix(count))))
        }
    }

    private mutating func apply(_ operation: TreeOperation) -> Bool {
        switch operation {
        case .put(let key, let value):
            let place = place(of: key)
            if isFound(key, at: place) {
                entries[place] = TreeEntry(key: key, value: value)
                return true
            }
            entries.insert(TreeEntry(key: key, value: value), at: place)
            return false
        case .delete(let key):
            let place = place(of: key)
            guard isFound(key, at: place) else { return false }
            entries.remove(at: place)
            return true
        }
    }

    private func holds(_ check: TreeCheck) -> Bool {
        switch check {
        case .value(let key, let hash): value(of: key).map { TreeValueHash($0) } == hash
        case .present(let key): value(of: key) != nil
        case .range(let range, let hash):
            TreeEntriesHash(entries.filter { range.contains($0.key) }) == hash
        }
    }

    // MARK: Asking

    private func place(of key: Bytes) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key.lexicographicallyPrecedes(key) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private func isFound(_ key: Bytes, at place: Int) -> Bool {
        place < entries.count && entries[place].key == key
    }

    func value(of key: Bytes) -> Bytes? {
        let place = place(of: key)
        return isFound(key, at: place) ? entries[place].value : nil
    }

    /// What is wrong with an answer to `query`; nil when nothing is.
    func objection(to reply: ClientReply, of query: StructureQuery) -> String? {
        switch (query, reply) {
        case (.tree(.values(let keys)), .treeValues(let answer)):
            let right = keys.map { value(of: $0) }
            guard answer.values == Array(right.prefix(answer.values.count)),
                answer.values.count == right.count || !answer.values.isEmpty
            else { return "the values of \(keys.count) keys are others" }
        case (.tree(.range(let range, let direction, _, let countMax)), .treePage(let page)):
            var right = entries.filter { range.contains($0.key) }
            if direction == .backward { right.reverse() }
            guard page.entries == Array(right.prefix(page.entries.count)),
                page.isLast == (page.entries.count == right.count),
                page.entries.count <= max(1, Int(countMax)), page.isLast || !page.entries.isEmpty
            else {
                return "a page of \(page.entries.count) entries\(page.isLast ? ", the last," : "")"
                    + " is not what \(right.count) entries begin with"
            }
        case (.tree(.count(let range)), .count(let count, _)):
            let right = entries.count { range.contains($0.key) }
            if count != UInt64(right) { return "\(count) entries were counted of \(right)" }
        case (.queue(.peek(let countMax)), .queueValues(let answer)):
            guard answer.values == Array(values.prefix(answer.values.count)),
                answer.values.count <= countMax,
                !answer.values.isEmpty || values.isEmpty || countMax == 0
            else { return "\(answer.values.count) values are not at the front" }
        case (.queue(.count), .count(let count, _)):
            if count != UInt64(values.count) { return "\(count) values of \(values.count)" }
        default: return "another answer than was asked for"
        }
        return nil
    }
}
