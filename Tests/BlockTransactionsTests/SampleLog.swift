import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// The log of one collection as coordinators leave it: a tail, and every object it points to.
struct SampleLog {
    private(set) var tail: Tail
    /// The header part after each revision, from revision 0.
    private(set) var headers: [CollectionHeader]
    /// Every entry, and its body, from revision 1.
    private(set) var entries: [Entry] = []
    private(set) var bodies: [EntryBody] = []
    private(set) var segmentCount = 0
    private var objects: [LogObjectKey: Bytes] = [:]

    init(
        name: String = "events", generation: UInt64 = 1,
        header: CollectionHeader = CollectionHeader(kind: .diary, encoding: .bytes)
    ) {
        tail = Tail(
            name: name,
            incarnation: Incarnation(generation: generation, nonce: Identifier128(9)),
            header: header, createdBy: Sample.action(0))
        headers = [tail.header]
    }

    /// Appends an entry to the open ones.
    mutating func append(
        _ body: EntryBody, payload: PayloadID? = nil, header: CollectionHeader? = nil,
        checkpoint: Checkpoint? = nil, isStored: Bool = false
    ) {
        let bytes = body.canonicalBytes
        let id = BlockID(content: bytes)
        let isStored = isStored || bytes.count > Limits.inlineBodyBytesMax
        let revision = tail.revision.next
        let entry = Entry(
            kind: body.actions.isEmpty ? .noOperation : .actions, revision: revision,
            payload: payload ?? Sample.payload(revision.rawValue), bodyHash: id.digest,
            body: isStored ? .stored(byteCount: UInt32(bytes.count)) : .inline(bytes),
            headerAfter: header, checkpoint: checkpoint, wallMilliseconds: 1000 + revision.rawValue,
            previousHash: tail.lastHash)
        if isStored { objects[.body(id)] = bytes }
        tail.entries.append(entry)
        tail.revision = revision
        tail.checkpoint = tail.checkpoint.merged(with: checkpoint ?? .zero)
        tail.lastHash = entry.chainHash
        if let header {
            tail.header = header
            tail.headerRevision = revision
        }
        headers.append(tail.header)
        entries.append(entry)
        bodies.append(body)
    }

    /// Moves the open entries to a segment.
    mutating func seal() {
        let segment = Segment(
            collection: tail.collection, incarnation: tail.incarnation, index: UInt64(segmentCount),
            headerBefore: tail.headerAtOpen, entries: tail.entries, links: tail.segments)
        let bytes = segment.canonicalBytes
        let link = SegmentLink(
            index: segment.index, hash: Segment.hash(of: bytes),
            firstRevision: segment.firstRevision)
        let key = SegmentKey(
            collection: tail.collection, incarnation: tail.incarnation, index: link.index,
            hash: link.hash)
        objects[.segment(key)] = bytes
        tail.segments = SegmentLinks.adding(link, to: tail.segments)
        tail.entries = []
        tail.headerAtOpen = tail.header
        tail.checkInvariants()
        segmentCount += 1
    }

    /// Takes away the history through `revision`.
    mutating func truncate(through revision: Revision) {
        tail.checkpoint = tail.checkpoint.merged(with: Checkpoint(revision))
        tail.truncatedThrough = revision
    }

    /// What a fetch of `key` answers.
    func object(_ key: LogObjectKey) throws -> LogObject {
        try LogObject(key, bytes: try bytes(of: key))
    }

    func bytes(of key: LogObjectKey) throws -> Bytes {
        try #require(objects[key], "the log has no \(key)")
    }

    var objectKeys: some Collection<LogObjectKey> { objects.keys }
}

/// Keeps what was fetched from a log, and counts it.
struct FetchedObjects: LogObjectSource {
    private(set) var held: [LogObjectKey: LogObject] = [:]
    private(set) var roundCount = 0
    private(set) var segmentCount = 0

    func object(_ key: LogObjectKey) -> LogObject? { held[key] }

    /// Runs `read` until it misses nothing, with a fetch between one run and the next.
    mutating func run<Value>(
        on log: SampleLog, _ read: (LogView<FetchedObjects>) throws -> Value
    ) throws -> Value {
        while true {
            do {
                return try read(LogView(tail: log.tail, source: self))
            } catch let missing as MissingObjects {
                roundCount += 1
                #expect(!missing.keys.isEmpty)
                for key in missing.keys {
                    try #require(held[key] == nil, "\(key) is asked for again")
                    held[key] = try log.object(key)
                    if case .segment = key { segmentCount += 1 }
                }
            }
        }
    }

    mutating func fetch(_ key: LogObjectKey, from log: SampleLog) throws {
        held[key] = try log.object(key)
    }

    /// Everything the log has, in advance.
    static func everything(of log: SampleLog) throws -> FetchedObjects {
        var all = FetchedObjects()
        for key in log.objectKeys { all.held[key] = try log.object(key) }
        return all
    }
}

enum Sample {
    static func action(_ number: UInt64) -> ActionID {
        ActionID(rawValue: Identifier128(UInt128(number)))
    }
    static func ended(_ generation: UInt64) -> EndedLife {
        EndedLife(
            incarnation: Incarnation(generation: generation, nonce: Identifier128(9)),
            createdBy: action(0), droppedBy: action(1))
    }
    static func payload(_ number: UInt64) -> PayloadID {
        PayloadID(action: action(1 << 32 | number), execution: 0)
    }
    /// What a client appends under an action id: other bytes for another id.
    static func bytes(_ number: UInt64, size: Int = 8) -> Bytes {
        (0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0 % 8))) }
    }
    static func body(_ numbers: [UInt64], size: Int = 8) -> EntryBody {
        EntryBody(
            actions: numbers.map { Action(id: action($0), bytes: bytes($0, size: size)) })
    }
}
