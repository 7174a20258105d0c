import BlockRuntime

/// An undecided change of a block, as the replica that keeps it tells of it.
package struct OutstandingPend: Hashable, Sendable, Comparable {
    package let payload: PayloadID
    /// A revision that it is bound to: the lowest that was asked about. There may be more above.
    package let target: Revision
    /// The hash of the block after the change; ``Digest/zero`` when the block is then gone.
    package let resultHash: Digest
    /// Canonical bytes; nil when they were not asked for, or had no room.
    package let transform: Bytes?

    package init(
        payload: PayloadID, target: Revision, resultHash: Digest, transform: Bytes? = nil
    ) {
        self.payload = payload
        self.target = target
        self.resultHash = resultHash
        self.transform = transform
    }

    package static func < (left: Self, right: Self) -> Bool { left.payload < right.payload }
}

/// What one replica holds of a block up to a revision.
package struct BlockHolding: Hashable, Sendable {
    /// The newest version, verified; nil when there is none.
    package let version: CommittedWrite?
    /// Undecided changes, or changes that are committed and no versions here yet: only the log can
    /// tell. Ascending by payload.
    package let pends: [OutstandingPend]

    package init(version: CommittedWrite?, pends: [OutstandingPend]) {
        self.version = version
        self.pends = pends
    }

    /// Whether the write is here, as a version or as a pend that can become it.
    package func contains(_ write: CommittedWrite) -> Bool {
        version == write
            || pends.contains { $0.payload == write.payload && $0.resultHash == write.resultHash }
    }
}

/// A pend in the list of all that a replica keeps.
package struct KeptPend: Hashable, Sendable {
    package let key: PendKey
    /// As ``PendRecord/collection``.
    package let collection: CollectionID
    /// The attempt over several collections that it is part of; nil when it is of none.
    package let transaction: AttemptAnchor?
    /// Of the payload of the key, at its lowest target.
    package let pend: OutstandingPend

    package init(
        block: BlockKey, collection: CollectionID, transaction: AttemptAnchor? = nil,
        pend: OutstandingPend
    ) {
        key = PendKey(block, payload: pend.payload)
        self.collection = collection
        self.transaction = transaction
        self.pend = pend
    }
}
