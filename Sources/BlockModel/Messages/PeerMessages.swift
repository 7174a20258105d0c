import BlockRuntime

/// What a coordinator asks of one storage peer about one shard.
package struct PeerRequest: Hashable, Sendable {
    package let shard: ShardID
    /// The epoch in which the answer is to be counted.
    package let epoch: Epoch
    package let operation: Operation

    package init(shard: ShardID, epoch: Epoch, operation: Operation) {
        self.shard = shard
        self.epoch = epoch
        self.operation = operation
    }

    package enum Operation: Hashable, Sendable {
        /// Promise to ignore lower ballots, and tell what was accepted.
        case prepare(CollectionID, Ballot)
        /// Accept a value of the register at this ballot.
        case accept(CollectionID, Ballot, value: Bytes, wantsNext: Bool)
        /// Tell what was accepted, without a promise.
        case query(CollectionID, wantsValue: Bool)
        /// Keep a content block. The peer checks that the id is the hash of the bytes.
        case putContent(BlockID, Bytes, for: ContentOwner)
        /// Keep a sealed segment. The peer checks that the hash of the key is that of the bytes.
        case putSegment(SegmentKey, Bytes)
        case getContent(BlockID)
        case getSegment(SegmentKey)
        /// Keep an undecided change of a block; one that is held is bound to one more target.
        case pend(PendRequest)
        /// Make a committed write of a block a version.
        case finalise(BlockKey, CommittedWrite)
        /// Give up one target of a pend: a chosen tail shows that the attempt did not land.
        case discard(BlockKey, PayloadID, target: Revision)
        /// The newest version of a block not above a revision.
        case readBlock(BlockReadRequest)
        /// What the peer holds of a block up to a revision, changing nothing.
        case auditBlock(BlockKey, Revision)
        /// The versions of the shard after `after`, in their order, at most `countMax`, each made
        /// and compared with its hash.
        case listVersions(after: VersionPosition?, countMax: UInt32)
        /// The pends of the shard after `after`, ascending, at most `countMax`.
        case listPends(after: PendKey?, countMax: UInt32)
        /// Take over a version from another replica.
        case install(BlockKey, BlockCopy)
        /// The registers of the shard after `after`, ascending, at most `countMax`.
        case listRegisters(after: CollectionID?, countMax: UInt32)
        /// The lives of collections that the records after `after` belong to, of the whole store.
        case listLives(after: Bytes?, countMax: UInt32)
        /// Remove what is not needed any more of the records after `after`, up to `through`: chosen
        /// tails say these ends.
        case forget([LifeEnd], after: Bytes?, through: Bytes?)
        /// What the peer is doing. Answered whatever the shard and epoch.
        case status
    }
}

/// What a storage peer answers. Nothing is answered before what it says is durable.
package enum PeerReply: Hashable, Sendable {
    /// The peer promised `ballot`; it had accepted `value` at `accepted` (zero, empty: nothing).
    case promise(Ballot, accepted: Ballot, value: Bytes)
    case accepted(Ballot, promisesNext: Bool)
    /// The ballot was too low: `promised` is in the way.
    case rejected(promised: Ballot)
    /// The answer to a query; `value` only when it was wanted.
    case register(accepted: Ballot, valueHash: Digest, value: Bytes?)
    /// The content or segment is durable here.
    case stored
    /// The content or segment, verified against its hash; nil when this peer does not hold it.
    case content(Bytes?)
    /// The pend is durable here, and its result could be made here.
    case pended
    /// The write below is missing, or is another one.
    case needsBase
    /// Nothing was pended: these are in the way, ascending by payload.
    case outstanding([OutstandingPend])
    /// There is no such pend here.
    case pendMissing
    /// The write is a version here, durable.
    case finalised
    case discarded
    /// The version asked for; nil when there is none up to that revision.
    case block(BlockCopy?)
    /// The newest version up to the revision asked for, and the pends bound to one up to there.
    case holding(BlockCopy?, pends: [OutstandingPend])
    case versions([VersionSummary], isLast: Bool)
    /// A page of pends; `next` is where it ends, nil at the end of the shard.
    case pends([KeptPend], next: PendKey?)
    case registers([RegisterSummary], isLast: Bool)
    /// A page of lives, ascending; `next` is where it ends, nil at the end of the store.
    case lives([CollectionLife], next: Bytes?)
    /// So many records are removed, durably.
    case forgotten(count: UInt32, bytes: UInt64)
    case status(PeerStatus)
    /// Nothing was done.
    case refused(DatabaseError)
}

/// One register of a shard, as one peer sees it.
package struct RegisterSummary: Hashable, Sendable {
    package let collection: CollectionID
    package let accepted: Ballot
    package init(collection: CollectionID, accepted: Ballot) {
        self.collection = collection
        self.accepted = accepted
    }
}

/// What a storage peer says of itself.
package struct PeerStatus: Hashable, Sendable {
    package var peer: PeerID
    /// Why the peer takes no part; nil when it does.
    package var refusal: DatabaseError?
    /// Shards whose votes it refuses although it takes part otherwise, ascending.
    package var refusedShards: [ShardID]
    package var shardCount: UInt32
    package var registerCount: UInt64
    package var contentCount: UInt64
    package var segmentCount: UInt64
    /// Synced write batches since the directory was made.
    package var writeSequence: UInt64
    /// Bytes on the disk that something is stored in, and those that compaction will give back, as
    /// the engine estimates them.
    package var liveBytes: UInt64
    package var deadBytes: UInt64
    /// The greatest revision of any tail it has accepted, by collection name; a bounded sample.
    package var revisions: [CollectionRevision]

    package init(
        peer: PeerID, refusal: DatabaseError? = nil, refusedShards: [ShardID] = [],
        shardCount: UInt32 = 0, registerCount: UInt64 = 0, contentCount: UInt64 = 0,
        segmentCount: UInt64 = 0, writeSequence: UInt64 = 0, liveBytes: UInt64 = 0,
        deadBytes: UInt64 = 0, revisions: [CollectionRevision] = []
    ) {
        self.peer = peer
        self.refusal = refusal
        self.refusedShards = refusedShards
        self.shardCount = shardCount
        self.registerCount = registerCount
        self.contentCount = contentCount
        self.segmentCount = segmentCount
        self.writeSequence = writeSequence
        self.liveBytes = liveBytes
        self.deadBytes = deadBytes
        self.revisions = revisions
    }
}

/// How far one collection has got.
package struct CollectionRevision: Hashable, Sendable {
    package let name: String
    package let revision: Revision
    package init(name: String, revision: Revision) {
        self.name = name
        self.revision = revision
    }
}
