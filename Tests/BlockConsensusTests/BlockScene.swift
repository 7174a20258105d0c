import BlockConsensus
import BlockModel
import BlockRuntime

/// One replica of one block, and writes to it: each adds one item to a list.
struct BlockScene {
    static let key = BlockKey(
        block: BlockID(content: [1]), incarnation: Incarnation(generation: 1, nonce: .zero))
    private static let list = BlockAttribute(1)

    var store = MemoryPeerStore()
    private(set) var alarms: [String] = []

    /// The block after writes 1 to `count`.
    static func block(after count: UInt64) -> Block {
        var block = Block(
            header: Block.Header(
                id: key.block, type: BlockType("XX"), collection: CollectionID(name: "x")))
        block.assign(list, .list((1...count).map { item($0) }))
        return block
    }

    private static func item(_ number: UInt64) -> Bytes { [UInt8(number), UInt8(number >> 8)] }

    static func hash(after count: UInt64) -> Digest {
        count == 0 ? .zero : block(after: count).digest
    }

    /// Write `number`, on the write before it, at a revision of the same number unless `target` is
    /// another.
    static func pend(
        _ number: UInt64, at target: UInt64? = nil, payload: UInt64? = nil, base: UInt64? = nil,
        transform: Bytes? = nil, result: Digest? = nil, committed: [UInt64] = []
    ) -> PendRequest {
        let base = base ?? number - 1
        let change =
            base == 0
            ? BlockTransform(insert: block(after: number))
            : BlockTransform(updates: [
                .splice(
                    list, index: Int(base), deleteCount: 0,
                    inserted: (base + 1...number).map { item($0) })
            ])
        return PendRequest(
            key: key, payload: Sample.payload(payload ?? number),
            target: Revision(target ?? number),
            record: PendRecord(
                transform: transform ?? change.canonicalBytes, baseRevision: Revision(base),
                basePayload: base == 0 ? nil : Sample.payload(base), baseHash: hash(after: base),
                resultHash: result ?? hash(after: number), collection: CollectionID(name: "x"),
                bound: []),
            committed: committed.map { write($0) })
    }

    static func write(
        _ number: UInt64, payload: UInt64? = nil, hash: Digest? = nil
    ) -> CommittedWrite {
        CommittedWrite(
            revision: Revision(number), payload: Sample.payload(payload ?? number),
            resultHash: hash ?? self.hash(after: number))
    }

    static func read(_ revision: UInt64, committed: [UInt64] = []) -> PeerRequest.Operation {
        .readBlock(
            BlockReadRequest(
                key: key, revision: Revision(revision), committed: committed.map { write($0) }))
    }

    /// Asks, and makes the writes durable, all of them or none.
    mutating func ask(_ operation: PeerRequest.Operation) throws(DatabaseError) -> PeerReply {
        var replica = BlockReplica(Self.key, view: store)
        let reply = try replica.answer(operation)
        for write in replica.writes { store.apply(write) }
        alarms += replica.alarms
        return reply
    }

    /// Pends and finalises writes `first` to `last`.
    mutating func commit(_ first: UInt64, through last: UInt64) throws(DatabaseError) {
        for number in first...last {
            _ = try ask(.pend(Self.pend(number)))
            _ = try ask(.finalise(Self.key, Self.write(number)))
        }
    }

    /// The pend of a payload, nil when there is none.
    func held(_ payload: UInt64) -> PendRecord? {
        store.pends[PendKey(Self.key, payload: Sample.payload(payload))]
    }

    var versionRevisions: [UInt64] {
        (store.versions[Self.key] ?? [:]).keys.map(\.rawValue).sorted()
    }
}
