import BlockRuntime

/// The place of a version in the order in which replicas keep and list them: by block, by life of
/// the collection, the newest first.
package struct VersionPosition: Hashable, Sendable, Comparable {
    package let key: BlockKey
    package let revision: Revision

    package init(key: BlockKey, revision: Revision) {
        self.key = key
        self.revision = revision
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.key != right.key ? left.key < right.key : left.revision > right.revision
    }
}

/// A version that a replica keeps, as it lists it.
package struct VersionSummary: Hashable, Sendable {
    package let position: VersionPosition
    /// The payload and the hash that the block was made to and found to have; nil when the block
    /// cannot be made here, because this version or one below it is damaged.
    package let write: CommittedWrite?

    /// - Precondition: The write is at the revision of the position.
    package init(position: VersionPosition, write: CommittedWrite?) {
        invariant(
            write.map { $0.revision == position.revision } ?? true, "a write at another revision")
        self.position = position
        self.write = write
    }
}

/// What one page of a scrub found and did.
package struct ScrubReport: Hashable, Sendable {
    /// Versions compared.
    package var versionCount: UInt32 = 0
    /// Copies that a replica lacked or had damaged, and holds now.
    package var repairedCount: UInt32 = 0
    /// Copies that stay missing or damaged: no replica handed out a good one, or it was not taken.
    package var unrepairedCount: UInt32 = 0
    /// Versions of which two replicas hold different writes: nothing is done about them.
    package var conflictCount: UInt32 = 0
    /// Where the next page begins; nil when the shard has been walked.
    package var next: VersionPosition?

    package init() {}
}
