import BlockRuntime

/// What an application asks of a client proxy. Any language can: see `Protos/README.md`.
public enum ClientRequest: Hashable, Sendable {
    /// First on a connection: checks the cluster's name.
    case hello(clusterName: String)
    case openCollection(OpenCollection)
    case append(AppendRequest)
    case readDiary(DiaryReadRequest)
    /// Whether an action landed: resolves an unknown outcome without trying again.
    case actionStatus(ActionStatusRequest)
    case dropCollection(name: String)
    case listCollections(after: CollectionID?, countMax: UInt32)
    case clusterStatus
    /// The chosen tail of a collection and what each replica of its register holds.
    case inspectTail(name: String)
    /// What each replica holds of one object, and one verified copy.
    case audit(AuditTarget)
}

/// Opens a collection, and creates it first when `creates` says so and no collection has the name.
public struct OpenCollection: Hashable, Sendable {
    public let name: String
    public let kind: CollectionKind
    /// nil: whatever it is. Creating needs one.
    public let encoding: ValueEncoding?
    public let creates: Bool
    /// Identifies the creation over all its retries.
    public let action: ActionID

    public init(
        name: String, kind: CollectionKind, encoding: ValueEncoding?, creates: Bool,
        action: ActionID
    ) {
        self.name = name
        self.kind = kind
        self.encoding = encoding
        self.creates = creates
        self.action = action
    }
}

/// One life of a collection, as an application addresses it.
public struct CollectionInfo: Hashable, Sendable {
    public let name: String
    public let incarnation: Incarnation
    public let header: CollectionHeader
    /// Linearizable when it was answered.
    public let revision: Revision

    public init(
        name: String, incarnation: Incarnation, header: CollectionHeader, revision: Revision
    ) {
        self.name = name
        self.incarnation = incarnation
        self.header = header
        self.revision = revision
    }

    public var collection: CollectionID { CollectionID(name: name) }
}

/// Appends one entry to a diary.
public struct AppendRequest: Hashable, Sendable {
    public let collection: CollectionID
    public let incarnation: Incarnation
    public let action: ActionID
    /// The revision the client had seen when it first sent this action. Fixed over all retries: an
    /// earlier landing is looked for from here on.
    public let firstRevision: Revision
    /// At most ``Limits/valueBytesMax`` bytes.
    public let bytes: Bytes

    public init(
        collection: CollectionID, incarnation: Incarnation, action: ActionID,
        firstRevision: Revision, bytes: Bytes
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.action = action
        self.firstRevision = firstRevision
        self.bytes = bytes
    }
}

/// A place in a diary: the entry's revision, and which action of it.
public struct DiaryPosition: Hashable, Sendable, Comparable {
    public let revision: Revision
    public let index: UInt32

    public init(revision: Revision, index: UInt32) {
        self.revision = revision
        self.index = index
    }

    /// Before the first entry.
    public static let start = DiaryPosition(revision: .zero, index: 0)

    public static func < (left: Self, right: Self) -> Bool {
        (left.revision, left.index) < (right.revision, right.index)
    }
}

extension DiaryPosition: CustomStringConvertible {
    /// `revision.index`.
    public var description: String { "\(revision).\(index)" }

    /// - Returns: nil unless `text` is `revision.index`, both decimal.
    public init?(text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let revision = UInt64(parts[0]), let index = UInt32(parts[1]),
            revision <= Limits.counterMax
        else { return nil }
        self.init(revision: Revision(revision), index: index)
    }
}

/// A page of a diary.
public struct DiaryReadRequest: Hashable, Sendable {
    public enum Direction: UInt8, Sendable {
        case forward = 1
        case backward = 2
    }

    public let collection: CollectionID
    public let incarnation: Incarnation
    public let direction: Direction
    /// Entries strictly after (forward) or before (backward) this; nil: from the respective end.
    public let after: DiaryPosition?
    /// Entries up to this revision; nil: up to the newest, linearizable.
    public let asOf: Revision?
    /// The most bytes of values in the page; at least one entry is returned when there is one.
    public let bytesMax: UInt32
    /// How long to wait for an entry when there is none yet; forward without `asOf` only.
    public let waitMilliseconds: UInt32

    public init(
        collection: CollectionID, incarnation: Incarnation, direction: Direction = .forward,
        after: DiaryPosition? = nil, asOf: Revision? = nil,
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
public struct DiaryEntry: Hashable, Sendable {
    public let position: DiaryPosition
    public let action: ActionID
    public let bytes: Bytes
    public let wallMilliseconds: UInt64

    public init(
        position: DiaryPosition, action: ActionID, bytes: Bytes, wallMilliseconds: UInt64
    ) {
        self.position = position
        self.action = action
        self.bytes = bytes
        self.wallMilliseconds = wallMilliseconds
    }
}

/// Entries in the order of reading. Pin the pages after the first to ``asOf``.
public struct DiaryPage: Hashable, Sendable {
    public let entries: [DiaryEntry]
    /// The revision that this page is a view of.
    public let asOf: Revision
    /// Whether nothing follows in this view.
    public let isLast: Bool

    public init(entries: [DiaryEntry], asOf: Revision, isLast: Bool) {
        self.entries = entries
        self.asOf = asOf
        self.isLast = isLast
    }
}

/// Asks what became of an action.
public struct ActionStatusRequest: Hashable, Sendable {
    public let collection: CollectionID
    public let incarnation: Incarnation
    public let action: ActionID
    /// As in the request that sent the action.
    public let firstRevision: Revision

    public init(
        collection: CollectionID, incarnation: Incarnation, action: ActionID,
        firstRevision: Revision
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.action = action
        self.firstRevision = firstRevision
    }
}

/// What a client proxy answers.
public enum ClientReply: Hashable, Sendable {
    case welcome(Welcome)
    case collection(CollectionInfo)
    /// The entry is durable on a quorum, once, here.
    case appended(DiaryPosition)
    case diaryPage(DiaryPage)
    /// Where the action landed; nil: not up to `asOf` (it may still land later).
    case actionStatus(DiaryPosition?, asOf: Revision)
    case dropped
    case collections([CollectionInfo], next: CollectionID?)
    case clusterStatus([PeerReport])
    case tail(TailValue, replicas: [ReplicaReport])
    case replicas([ReplicaReport], Bytes?)
    case failed(DatabaseError)
}

/// The first answer on a connection.
public struct Welcome: Hashable, Sendable {
    public let cluster: ClusterID
    public let clusterName: String
    /// Addresses of all proxies, so that an application knows where to turn when this one is gone.
    public let proxies: [String]
    /// The release of the proxy.
    public let version: String

    public init(cluster: ClusterID, clusterName: String, proxies: [String], version: String) {
        self.cluster = cluster
        self.clusterName = clusterName
        self.proxies = proxies
        self.version = version
    }
}
