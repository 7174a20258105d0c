import BlockRuntime

/// What a proxy, or an application at transactor level, asks of a coordinator.
package enum RepositoryRequest: Hashable, Sendable {
    /// The tail, linearizable.
    case readTail(CollectionID)
    /// Begin the next life of a collection, unless another one began since the sender looked.
    case create(CreateCollection)
    /// Land exactly this attempt, or tell why not.
    case commit(CommitAttempt)
    /// Land exactly this attempt over several collections, or tell why not.
    case transact(TransactionAttempt)
    /// End this life of the collection.
    case drop(DropCollection)
    /// Say that history up to a revision is gone, as far as it may be.
    case truncate(TruncateCollection)
    /// Set how much history is kept.
    case retain(RetainHistory)
    /// Have a peer remove what it need not keep any more in a page of its records.
    case sweep(PeerID, after: Bytes?)
    /// A content block from any replica, verified.
    case getContent(BlockID)
    /// A segment from any replica, verified.
    case getSegment(SegmentKey)
    /// The tails of all collections after a cursor, in placement order.
    case listCollections(after: CollectionID?, countMax: UInt32)
    /// A block as of a revision, from whichever replicas can prove it.
    case readBlock(BlockReadRequest)
    /// Make the blocks of a committed entry versions, on a quorum each.
    case finalise(FinaliseEntry)
    /// A page of the undecided changes that the replicas of a shard keep.
    case listPends(ShardID, after: PendKey?, countMax: UInt32)
    /// Compare a page of a shard's versions and copy what a replica lacks or has damaged.
    case scrub(ShardID, after: VersionPosition?, countMax: UInt32)
    /// What every storage peer says of itself.
    case status
    /// What every replica holds of one object.
    case audit(AuditTarget)
}

/// One attempt on one collection, complete: a coordinator never makes another of it.
package struct CommitAttempt: Hashable, Sendable {
    package let participant: Participant
    package let payload: PayloadID
    /// Canonical bytes of the ``EntryBody``.
    package let body: Bytes
    /// The blocks it changes, each once; the body lists the same ones.
    package let writes: [BlockWrite]
    /// The header part from the entry on, when the entry changes it.
    package let headerAfter: CollectionHeader?
    /// A checkpoint that rides in the entry.
    package let checkpoint: Checkpoint?
    /// When another attempt's undecided change is in the way.
    package let pendingPolicy: PendingPolicy
    package let wallMilliseconds: UInt64
    /// The attempt over several collections that it is a part of; nil when it is one of its own.
    package let transaction: Attempt?

    package init(
        participant: Participant, payload: PayloadID, body: Bytes, writes: [BlockWrite] = [],
        headerAfter: CollectionHeader? = nil, checkpoint: Checkpoint? = nil,
        pendingPolicy: PendingPolicy = .proceed, wallMilliseconds: UInt64,
        transaction: Attempt? = nil
    ) {
        invariant(
            transaction?.participants.contains(participant) ?? true, "a part of another attempt")
        self.transaction = transaction
        self.pendingPolicy = pendingPolicy
        self.writes = writes
        self.headerAfter = headerAfter
        self.participant = participant
        self.payload = payload
        self.body = body
        self.checkpoint = checkpoint
        self.wallMilliseconds = wallMilliseconds
    }

    package var attempt: Attempt { transaction ?? Attempt(payload: payload, on: participant) }
}

/// Truncates the history of one life of a collection.
package struct TruncateCollection: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// This revision and those before it are to be gone.
    package let through: Revision

    package init(collection: CollectionID, incarnation: Incarnation, through: Revision) {
        self.collection = collection
        self.incarnation = incarnation
        self.through = through
    }
}

/// Sets how much history one life of a collection keeps.
package struct RetainHistory: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    package let retention: Retention

    package init(collection: CollectionID, incarnation: Incarnation, retention: Retention) {
        self.collection = collection
        self.incarnation = incarnation
        self.retention = retention
    }
}

/// One object whose replicas are to be compared.
package enum AuditTarget: Hashable, Sendable {
    case register(CollectionID)
    case content(BlockID)
    case segment(SegmentKey)
    /// A block as of a revision.
    case block(BlockKey, Revision)
}

/// What a coordinator answers. Everything but `failed`, `status`, `replicas`,
/// `pends`, `scrubbed` and `swept` speaks of chosen values.
package enum RepositoryReply: Hashable, Sendable {
    case tail(TailValue)
    /// The attempt is the entry at its target revision.
    case committed(Revision, chainHash: Digest)
    /// The attempt did not land now; the tail shows why.
    case refused(CommitRefusal)
    /// An attempt over several collections has not landed and never will: for what this one of them
    /// says, it was given up and fenced at its home.
    case refusedAt(CollectionID, CommitRefusal)
    case content(Bytes)
    /// The block's last write up to the revision that was asked for; nil when there is none.
    case block(BlockCopy?)
    /// Every block of the entry is a version on a quorum of its shard.
    case finalised
    case collections([TailValue], next: CollectionID?)
    case pends([KeptPend], next: PendKey?)
    case scrubbed(ScrubReport)
    case swept(SweepReport)
    case status([PeerReport])
    case replicas([ReplicaReport], Bytes?)
    /// The request failed; the error's outcome says what is known.
    case failed(DatabaseError)
}

/// Why a try of an attempt did not land it. Each tail is a chosen value.
///
/// `fenced`, and `moved` where the landing is `absent`, decide: however often the attempt was sent,
/// it has not landed and never will. The others speak of this try alone; an earlier one of the same
/// attempt may have landed, or may still (protocol: doubt-belongs-to-the-attempt,
/// moved-says-what-was-looked-for).
package enum CommitRefusal: Hashable, Sendable {
    /// The revision is not the one before the target.
    case moved(landing: Landing, TailValue)
    /// The collection is absent, dropped, or in another life. If an earlier try ended in doubt, its
    /// outcome stays unknown (protocol: gone-after-doubt-is-unknown).
    case gone(TailValue)
    /// A multi-collection attempt holds the collection.
    case blocked(TailValue)
    /// The attempt was fenced at this revision.
    case fenced(TailValue)
    /// Other attempts' undecided changes of this block are in the way, and the policy is to fail.
    /// Its pends stay until the log shows that they are dead (protocol: no-timer-removes-a-pend).
    case pending(BlockID, [OutstandingPend])

    /// What is known of the entry at the target of an attempt that came too late or too early.
    package enum Landing: UInt8, Hashable, Sendable {
        /// The target is in a sealed segment, or above the tail: an earlier try may be the entry
        /// there. Before a client is told anything of the attempt, the log at the target is read.
        case notLookedFor = 1
        /// The entry at the target is another's.
        case absent = 2
    }

    /// Whether the attempt has not landed and never will, whatever is known of its other tries.
    package var isDeath: Bool {
        switch self {
        case .fenced: true
        case .moved(let landing, _): landing == .absent
        case .gone, .blocked, .pending: false
        }
    }
}

/// One storage peer, as a coordinator sees it.
package struct PeerReport: Hashable, Sendable {
    package let peer: PeerID
    package let name: String
    package let address: String
    /// nil when the peer did not answer in time.
    package let status: PeerStatus?
    /// Shards that it is a member of, and of whose members too few take part to decide anything.
    package let lostShardCount: UInt32

    package init(
        peer: PeerID, name: String, address: String, status: PeerStatus?,
        lostShardCount: UInt32 = 0
    ) {
        self.lostShardCount = lostShardCount
        self.peer = peer
        self.name = name
        self.address = address
        self.status = status
    }
}

/// What one replica holds of an object.
package struct ReplicaReport: Hashable, Sendable {
    package let peer: PeerID
    package let state: State

    package enum State: Hashable, Sendable {
        /// It holds these bytes' hash; for a register, accepted at this ballot.
        case holds(Digest, accepted: Ballot?)
        /// It holds this of a block.
        case holdsBlock(BlockHolding)
        case lacks
        case unreachable
        case refuses(DatabaseError)
    }

    package init(peer: PeerID, state: State) {
        self.peer = peer
        self.state = state
    }
}
