import BlockRuntime

/// Which way to read.
public enum ReadDirection: UInt8, Sendable {
    case forward = 1
    case backward = 2
}

/// A page of a diary.
package struct DiaryReadRequest: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    package let direction: ReadDirection
    /// Entries strictly after (forward) or before (backward) this; nil: from the respective end.
    package let after: LogPosition?
    /// Entries up to this revision; nil: up to the newest, linearizable.
    package let asOf: Revision?
    /// The most bytes of values in the page; at least one entry is returned when there is one.
    package let bytesMax: UInt32
    /// How long to wait for an entry when there is none yet; forward without `asOf` only.
    package let waitMilliseconds: UInt32

    package init(
        collection: CollectionID, incarnation: Incarnation, direction: ReadDirection = .forward,
        after: LogPosition? = nil, asOf: Revision? = nil,
        bytesMax: UInt32 = UInt32(Limits.pageBytesMax), waitMilliseconds: UInt32 = 0
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.direction = direction
        self.after = after
        self.asOf = asOf
        self.bytesMax = bytesMax
        self.waitMilliseconds = waitMilliseconds
    }
}

/// One entry of a diary.
package struct DiaryEntry: Hashable, Sendable {
    package let position: LogPosition
    package let action: ActionID
    package let bytes: Bytes
    /// The transaction over several collections that appended it; nil when none did.
    package let transaction: TransactionID?
    package let wallMilliseconds: UInt64

    package init(
        position: LogPosition, action: ActionID, bytes: Bytes,
        transaction: TransactionID? = nil, wallMilliseconds: UInt64
    ) {
        self.position = position
        self.action = action
        self.bytes = bytes
        self.transaction = transaction
        self.wallMilliseconds = wallMilliseconds
    }
}

/// Entries in the order of reading. Pin the pages after the first to ``asOf``.
package struct DiaryPage: Hashable, Sendable {
    package let entries: [DiaryEntry]
    /// The revision that this page is a view of.
    package let asOf: Revision
    /// Whether nothing follows in this view.
    package let isLast: Bool

    package init(entries: [DiaryEntry], asOf: Revision, isLast: Bool) {
        self.entries = entries
        self.asOf = asOf
        self.isLast = isLast
    }
}
