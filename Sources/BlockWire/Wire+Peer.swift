import BlockModel
import BlockRuntime
import CProtocol

extension Wire {
    /// The payload of ``WireKind/peerBatch``: at most ``Limits/batchRequestCountMax`` items.
    package static func encode(_ batch: [PeerBatchItem]) -> Bytes {
        pack(bytesExpected: batch.reduce(0) { $0 + 256 + $1.request.operation.payloadBytes }) {
            arena in
            arena.make(optimystic__v1__peer_batch__init) {
                $0.items = arena.list(batch) { arena.message($0) }
                $0.n_items = batch.count
            }
        }
    }

    /// - Throws: `.malformedMessage`.
    package static func decodePeerBatch(
        _ frame: Bytes
    ) throws(DatabaseError) -> [PeerBatchItem] {
        try unpack(frame, as: "peer_batch", optimystic__v1__peer_batch__unpack) {
            message throws(DatabaseError) in
            try list(
                message.items, message.n_items, "peer_batch.items",
                countMax: .batchRequestCountMax
            ) { item throws(DatabaseError) in
                let item = try required(item, "peer_batch.items")
                return PeerBatchItem(id: item.id, request: try PeerRequest(wire: item))
            }
        }
    }
}

// MARK: - Building

extension WireArena {
    func message(_ item: PeerBatchItem) -> UnsafeMutablePointer<PeerRequestItemMessage> {
        make(optimystic__v1__peer_request_item__init) {
            $0.id = item.id
            $0.shard = item.request.shard.rawValue
            $0.epoch = item.request.epoch.rawValue
            fill(&$0, item.request.operation)
        }
    }

    private func fill(_ item: inout PeerRequestItemMessage, _ operation: PeerRequest.Operation) {
        switch operation {
        case .prepare(let collection, let ballot):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PREPARE
            item.prepare = make(optimystic__v1__prepare__init) {
                $0.collection = digest(collection.digest)
                $0.ballot = message(ballot)
            }
        case .accept(let collection, let ballot, let value, let wantsNext):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_ACCEPT
            item.accept = make(optimystic__v1__accept__init) {
                $0.collection = digest(collection.digest)
                $0.ballot = message(ballot)
                $0.value = bytes(value)
                $0.wants_next = wantsNext ? 1 : 0
            }
        case .query(let collection, let wantsValue):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_QUERY
            item.query = make(optimystic__v1__query__init) {
                $0.collection = digest(collection.digest)
                $0.wants_value = wantsValue ? 1 : 0
            }
        case .putContent(let block, let content, let owner):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PUT_CONTENT
            item.put_content = make(optimystic__v1__put_content__init) {
                $0.block = digest(block.digest)
                $0.content = bytes(content)
                $0.owner = message(owner)
            }
        case .putSegment(let key, let segment):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PUT_SEGMENT
            item.put_segment = make(optimystic__v1__put_segment__init) {
                $0.key = message(key)
                $0.segment = bytes(segment)
            }
        case .getContent(let block):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_GET_CONTENT
            item.get_content = digest(block.digest)
        case .getSegment(let key):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_GET_SEGMENT
            item.get_segment = message(key)
        case .listRegisters(let after, let countMax):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_LIST_REGISTERS
            item.list_registers = make(optimystic__v1__list_registers__init) {
                $0.after = digest(after?.digest)
                $0.count_max = countMax
            }
        case .listLives(let after, let countMax):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_LIST_LIVES
            item.list_lives = make(optimystic__v1__list_lives__init) {
                $0.after = bytes(after ?? [])
                $0.count_max = countMax
            }
        case .forget(let ends, let after, let through):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_FORGET
            item.forget = message(ends, after: after, through: through)
        case .status:
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_STATUS
            item.status = nothing
        case .pend, .finalise, .discard, .readBlock, .install, .auditBlock, .listVersions,
            .listPends:
            fill(&item, aboutBlock: operation)
        }
    }
}

// MARK: - Reading

extension PeerRequest {
    init(wire item: PeerRequestItemMessage) throws(DatabaseError) {
        self.init(
            shard: try ShardID(wire: item.shard, "peer_batch.items.shard"),
            epoch: Epoch(item.epoch), operation: try Operation(wire: item))
    }
}

extension PeerRequest.Operation {
    init(wire item: PeerRequestItemMessage) throws(DatabaseError) {
        switch item.operation_case {
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PREPARE:
            let message = try required(item.prepare, "prepare")
            self = .prepare(
                try message.collection.collection("prepare.collection"),
                try Ballot(wire: message.ballot, "prepare.ballot"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_ACCEPT:
            let message = try required(item.accept, "accept")
            self = .accept(
                try message.collection.collection("accept.collection"),
                try Ballot(wire: message.ballot, "accept.ballot"),
                value: try message.value.bytes("accept.value", bytesMax: .tailBytesMax),
                wantsNext: message.wants_next != 0)
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_QUERY:
            let message = try required(item.query, "query")
            self = .query(
                try message.collection.collection("query.collection"),
                wantsValue: message.wants_value != 0)
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PUT_CONTENT:
            let message = try required(item.put_content, "put_content")
            self = .putContent(
                try message.block.block("put_content.block"),
                try message.content.bytes("put_content.content", bytesMax: .bodyBytesMax),
                for: try ContentOwner(wire: message.owner))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PUT_SEGMENT:
            let message = try required(item.put_segment, "put_segment")
            self = .putSegment(
                try SegmentKey(wire: message.key, "put_segment.key"),
                try message.segment.bytes("put_segment.segment", bytesMax: .segmentBytesMax))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_GET_CONTENT:
            self = .getContent(try item.get_content.block("get_content"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_GET_SEGMENT:
            self = .getSegment(try SegmentKey(wire: item.get_segment, "get_segment"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_LIST_REGISTERS:
            let message = try required(item.list_registers, "list_registers")
            self = .listRegisters(
                after: try message.after.collectionIfAny("list_registers.after"),
                countMax: try bounded(
                    message.count_max, "list_registers.count_max", from: 1,
                    through: .pageItemCountMax))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_LIST_LIVES:
            let message = try required(item.list_lives, "list_lives")
            self = .listLives(
                after: try message.after.placeIfAny("list_lives.after"),
                countMax: try bounded(
                    message.count_max, "list_lives.count_max", from: 1, through: .sweepPageCountMax)
            )
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_FORGET:
            self = try .forget(wire: item.forget)
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_STATUS:
            self = .status
        default:
            guard let operation = try Self(wireOfBlocks: item) else {
                throw unset("peer_batch.items.operation")
            }
            self = operation
        }
    }
}
