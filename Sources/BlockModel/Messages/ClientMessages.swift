import BlockRuntime

/// What an application asks of a client proxy. Any language can: see `Protos/README.md`.
package enum ClientRequest: Hashable, Sendable {
    /// First on a connection: checks the cluster's name.
    case hello(clusterName: String)
    case openCollection(OpenCollection)
    case act(ActionRequest)
    /// A transaction over several collections.
    case transact(TransactionRequest)
    /// Revisions at which all of these were at one moment after the request was sent; ascending.
    case snapshot([CollectionLife])
    case readDiary(DiaryReadRequest)
    case readTree(TreeReadRequest)
    case readQueue(QueueReadRequest)
    /// What landed after a revision, as the log has it.
    case readLog(LogReadRequest)
    /// At transactor level: blocks as of revisions.
    case readBlocks([BlockReadRequest])
    /// At transactor level: exactly this attempt.
    case commit(CommitAttempt)
    /// At transactor level: the blocks of a committed entry are to become final.
    case finalise(FinaliseEntry)
    /// Whether an action landed: resolves an unknown outcome without trying again.
    case actionStatus(ActionStatusRequest)
    /// End exactly this life of a collection.
    case dropCollection(DropCollection)
    /// History up to a revision is to be gone.
    case truncate(TruncateCollection)
    /// How much history is to be kept.
    case retain(RetainHistory)
    case listCollections(after: CollectionID?, countMax: UInt32)
    case clusterStatus
    /// The chosen tail of a collection and what each replica of its register holds.
    case inspectTail(name: String)
    /// What each replica holds of one object, and one verified copy.
    case audit(AuditTarget)
}

/// Opens a collection, and creates it first when no collection has the name and `creation` says so.
package struct OpenCollection: Hashable, Sendable {
    package let name: String
    /// nil: whatever it is. Creating needs one.
    package let kind: CollectionKind?
    /// Likewise.
    package let encoding: ValueEncoding?
    /// What its keys are, of a tree; nil: whatever they are, and bytes should it be created.
    package let keyType: KeyType?
    /// nil: it is only looked for. ``ClientReply/absent(generation:)`` tells what to name here.
    package let creation: Creation?
    /// Entries of a leaf and children of a branch, at most, should a tree be created;
    /// ``Limits/nodeCapacityMin`` to ``Limits/nodeCapacityMax``, nil for the default. Of a
    /// collection that exists it is not compared.
    package let capacity: UInt32?

    package init(
        name: String, kind: CollectionKind?, encoding: ValueEncoding?, keyType: KeyType? = nil,
        creation: Creation? = nil, capacity: UInt32? = nil
    ) {
        self.name = name
        self.kind = kind
        self.encoding = encoding
        self.keyType = keyType
        self.creation = creation
        self.capacity = capacity
    }
}

/// One life of a collection, as an application addresses it.
public struct CollectionInfo: Hashable, Sendable {
    /// The name that it is opened by.
    public let name: String
    /// Which life of the name it is.
    public let incarnation: Incarnation
    package let header: CollectionHeader
    /// Linearizable when it was answered.
    public let revision: Revision
    /// The request that created this life.
    public let createdBy: ActionID

    package init(
        name: String, incarnation: Incarnation, header: CollectionHeader, revision: Revision,
        createdBy: ActionID
    ) {
        self.createdBy = createdBy
        self.name = name
        self.incarnation = incarnation
        self.header = header
        self.revision = revision
    }

    /// What it is: a diary, a tree, a queue, or an application's own. It never changes.
    public var kind: CollectionKind { header.kind }

    package var collection: CollectionID { CollectionID(name: name) }
}

/// What is left of a collection's history.
public struct HistoryState: Hashable, Sendable {
    /// This revision and those before it are gone.
    public let truncatedThrough: Revision
    /// No more than this may be truncated now: what is above is not final on its replicas yet.
    public let finalThrough: Revision
    /// How much of the history is kept.
    public let retention: Retention

    package init(truncatedThrough: Revision, finalThrough: Revision, retention: Retention) {
        self.truncatedThrough = truncatedThrough
        self.finalThrough = finalThrough
        self.retention = retention
    }
}

/// What a client proxy answers.
package enum ClientReply: Hashable, Sendable {
    case welcome(Welcome)
    case collection(CollectionInfo)
    /// To an opening: no collection has the name, whose last life was of this generation, or 0. To
    /// an opening that creates, or a drop: moreover, that was not done by it, and never will be.
    case absent(generation: UInt64)
    /// The action is durable on a quorum, once, here.
    case acted(ActionLanding)
    /// The transaction is durable in every collection that it writes, once; by collection.
    case transacted([TransactedPart])
    /// In the order of the request.
    case snapshot([Revision])
    case diaryPage(DiaryPage)
    case treeValues(TreeValues)
    case treePage(TreePage)
    case count(UInt64, asOf: Revision)
    case queueValues(QueueValues)
    case logPage(LogPage)
    /// In the order of the request.
    case blocks([BlockCopy?])
    case committed(Revision, chainHash: Digest)
    case refused(CommitRefusal)
    /// Every block of the entry is a version on a quorum of its shard.
    case finalised
    /// Where the action landed; nil: not up to `asOf` (it may still land later).
    case actionStatus(ActionLanding?, asOf: Revision)
    case dropped
    case history(HistoryState)
    case collections([CollectionInfo], next: CollectionID?)
    case clusterStatus([PeerReport])
    case tail(TailValue, replicas: [ReplicaReport])
    case replicas([ReplicaReport], Bytes?)
    case failed(DatabaseError)
}

/// The first answer on a connection.
public struct Welcome: Hashable, Sendable {
    package let cluster: ClusterID
    /// The name that a URL must give.
    public let clusterName: String
    /// Addresses of all proxies, so that an application knows where to turn when this one is gone.
    public let proxies: [String]
    /// The release of the proxy.
    public let version: String

    package init(cluster: ClusterID, clusterName: String, proxies: [String], version: String) {
        self.cluster = cluster
        self.clusterName = clusterName
        self.proxies = proxies
        self.version = version
    }
}
