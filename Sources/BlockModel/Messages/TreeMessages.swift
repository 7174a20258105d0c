import BlockRuntime

/// Reads a tree.
package struct TreeReadRequest: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// As of this revision; nil: as of the newest, linearizable.
    package let asOf: Revision?
    package let query: TreeQuery

    package init(
        collection: CollectionID, incarnation: Incarnation, asOf: Revision? = nil, query: TreeQuery
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.asOf = asOf
        self.query = query
    }
}

/// What a reader of a tree wants to know.
package enum TreeQuery: Hashable, Sendable {
    /// The values of these keys, at most ``Limits/treeCheckCountMax``; those that do not fit a page
    /// are left off at the end.
    case values([Bytes])
    /// One page of the entries of a range.
    case range(KeyRange, ReadDirection, bytesMax: UInt32, countMax: UInt32)
    /// The number of entries of a range.
    case count(KeyRange)
}

/// The answer to ``TreeQuery/values(_:)``.
package struct TreeValues: Hashable, Sendable {
    /// In the order of the request, nil where a key has no value. Shorter than the request when all
    /// do not fit a page: ask for the rest as of ``asOf``.
    package let values: [Bytes?]
    /// The revision that this is a view of.
    package let asOf: Revision

    package init(values: [Bytes?], asOf: Revision) {
        self.values = values
        self.asOf = asOf
    }
}

/// Entries in the order of reading. Pin the pages after the first to ``asOf``.
package struct TreePage: Hashable, Sendable {
    package let entries: [TreeEntry]
    /// The revision that this page is a view of.
    package let asOf: Revision
    /// Whether nothing follows in this view.
    package let isLast: Bool

    package init(entries: [TreeEntry], asOf: Revision, isLast: Bool) {
        self.entries = entries
        self.asOf = asOf
        self.isLast = isLast
    }
}

/// Reads a queue, and takes nothing from it.
package struct QueueReadRequest: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// As of this revision; nil: as of the newest, linearizable.
    package let asOf: Revision?
    package let query: QueueQuery

    package init(
        collection: CollectionID, incarnation: Incarnation, asOf: Revision? = nil, query: QueueQuery
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.asOf = asOf
        self.query = query
    }
}

/// What a reader of a queue wants to know.
package enum QueueQuery: Hashable, Sendable {
    /// The values at the front, as many as fit a page.
    case peek(countMax: UInt32)
    /// The number of values.
    case count
}

/// Values at the front of a queue.
package struct QueueValues: Hashable, Sendable {
    package let values: [Bytes]
    /// The revision that this is a view of.
    package let asOf: Revision

    package init(values: [Bytes], asOf: Revision) {
        self.values = values
        self.asOf = asOf
    }
}
