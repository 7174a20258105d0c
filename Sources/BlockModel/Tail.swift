import BlockRuntime

/// The value of a collection's register: the open end of its log, addressed by the collection id.
/// Changing it by compare-and-set *is* the commit.
package enum TailValue: Hashable, Sendable {
    /// Never created. The register that was never written is `absent(generation: 0)`.
    case absent(generation: UInt64)
    /// Dropped, and not created again yet.
    case dropped(EndedLife)
    case live(Tail)

    /// The generation of the life it tells of, or of the last one before it.
    package var generation: UInt64 {
        switch self {
        case .absent(let generation): generation
        case .dropped(let life): life.incarnation.generation
        case .live(let tail): tail.incarnation.generation
        }
    }
}

/// What stays of a life that is over, until the next one begins: enough to tell the client that
/// created or dropped it that it was the one (protocol: create-on-what-was-seen,
/// drop-names-the-life).
package struct EndedLife: Hashable, Sendable {
    package let incarnation: Incarnation
    /// As ``Tail/createdBy``.
    package let createdBy: ActionID
    /// The request that ended it.
    package let droppedBy: ActionID

    package init(incarnation: Incarnation, createdBy: ActionID, droppedBy: ActionID) {
        self.incarnation = incarnation
        self.createdBy = createdBy
        self.droppedBy = droppedBy
    }
}

/// The tail of a live collection.
package struct Tail: Hashable, Sendable {
    package var name: String
    package var incarnation: Incarnation
    package var header: CollectionHeader
    /// Revision of the last entry that changed ``header``; zero since creation.
    package var headerRevision: Revision
    /// The header before the first open entry.
    package var headerAtOpen: CollectionHeader
    /// The request that created the collection: how a creator recognises its own success.
    package var createdBy: ActionID
    /// Revision of the last entry.
    package var revision: Revision
    /// Chain hash after the last entry.
    package var lastHash: Digest
    /// The open entries, oldest first, without a gap, ending at ``revision``.
    package var entries: [Entry]
    /// The sealed segments, nearest first; see ``SegmentLinks``.
    package var segments: [SegmentLink]
    /// A multi-collection attempt that has prepared a write here.
    package var exclusiveIntent: Intent?
    /// Multi-collection attempts that validated reads here, ascending.
    package var sharedIntents: [AttemptAnchor]
    /// Hashes of the attempts at revision + 1 that were fenced, ascending: none of them lands any
    /// more. Cleared when the revision advances.
    package var aborted: [Digest]
    /// Decisions taken here with participants still to be resolved, oldest first.
    package var openDecisions: [OpenDecision]
    /// What is final on a quorum of each shard it touched.
    package var checkpoint: Checkpoint
    /// History up to and including this revision is gone.
    package var truncatedThrough: Revision
    /// How much history is to be kept.
    package var retention: Retention
    /// The greatest revision that the proposer of this value knew to be chosen.
    package var settled: Revision

    /// A collection just created: no entry yet.
    package init(
        name: String, incarnation: Incarnation, header: CollectionHeader, createdBy: ActionID
    ) {
        self.name = name
        self.incarnation = incarnation
        self.header = header
        self.headerRevision = .zero
        self.headerAtOpen = header
        self.createdBy = createdBy
        self.revision = .zero
        self.lastHash = Entry.initialHash(name: name, incarnation: incarnation)
        self.entries = []
        self.segments = []
        self.exclusiveIntent = nil
        self.sharedIntents = []
        self.aborted = []
        self.openDecisions = []
        self.checkpoint = .zero
        self.truncatedThrough = .zero
        self.retention = .all
        self.settled = .zero
    }

    package var collection: CollectionID { CollectionID(name: name) }

    /// Revision of the first open entry, or of the next one when none is open.
    package var firstOpenRevision: Revision {
        entries.first?.revision ?? revision.next
    }

    /// The open entry at `revision`; nil when it is sealed or not there yet.
    package func openEntry(at revision: Revision) -> Entry? {
        guard let first = entries.first?.revision, revision >= first else { return nil }
        let offset = Int(clamping: revision.rawValue - first.rawValue)
        return offset < entries.count ? entries[offset] : nil
    }

    /// Whether each entry follows the one before it.
    static func isGapless(_ entries: [Entry]) -> Bool {
        zip(entries, entries.dropFirst()).allSatisfy { $0.revision.next == $1.revision }
    }

    /// Stops the process when the value contradicts itself. Values from the disk or the network
    /// are checked by decoding; this is for the functions that make new ones.
    package func checkInvariants() {
        if let inconsistency { fatalError("invariant: tail of \(name): \(inconsistency)") }
    }

    /// What about this value cannot be, in words; nil when it is consistent.
    var inconsistency: String? {
        if incarnation.generation == 0 { return "generation 0 is that of absence" }
        if !Tail.isGapless(entries) { return "the open entries have a gap" }
        if entries.first?.revision == .zero { return "revision 0 is before any entry" }
        if let last = entries.last, last.revision != revision {
            return "the last entry is \(last.revision), the revision \(revision)"
        }
        if let last = entries.last, last.chainHash != lastHash { return "the chain hash is wrong" }
        if entries.isEmpty, segments.isEmpty, revision != .zero {
            return "revisions without entries"
        }
        if let newest = segments.first, newest.firstRevision >= firstOpenRevision {
            return "a segment above the open entries"
        }
        if !SegmentLinks.isWellFormed(segments, before: segments.first.map { $0.index + 1 } ?? 0) {
            return "the segment links are not a frontier"
        }
        if settled > revision { return "settled \(settled) is above revision \(revision)" }
        if checkpoint.revision > revision {
            return "checkpoint \(checkpoint.revision) is above \(revision)"
        }
        if let problem = checkpoint.inconsistency { return problem }
        if truncatedThrough > checkpoint.oldest { return "truncated above the checkpoint" }
        if headerRevision > revision { return "the header is newer than the log" }
        if let intent = exclusiveIntent,
            intent.entry.revision != revision.next || intent.entry.previousHash != lastHash
        {
            return "an intent of an entry that does not come next"
        }
        if exclusiveIntent != nil, !sharedIntents.isEmpty { return "a writer beside readers" }
        if let decision = openDecisions.last, decision.target > revision {
            return "an open decision above the log"
        }
        return nil
    }
}
