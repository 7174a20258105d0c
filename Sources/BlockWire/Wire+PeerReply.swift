import BlockModel
import BlockRuntime
import CProtocol

extension Wire {
    /// The payload of ``WireKind/peerBatchReply``.
    package static func encode(_ batch: PeerBatchReply) -> Bytes {
        pack(bytesExpected: batch.items.reduce(0) { $0 + 256 + $1.reply.payloadBytes }) { arena in
            arena.make(optimystic__v1__peer_batch_reply__init) {
                $0.peer = arena.identifier(batch.peer.rawValue)
                $0.epoch = batch.epoch.rawValue
                $0.items = arena.list(batch.items) { arena.message($0) }
                $0.n_items = batch.items.count
            }
        }
    }

    /// - Throws: `.malformedMessage`.
    package static func decodePeerBatchReply(
        _ frame: Bytes
    ) throws(DatabaseError) -> PeerBatchReply {
        try unpack(frame, as: "peer_batch_reply", optimystic__v1__peer_batch_reply__unpack) {
            message throws(DatabaseError) in
            PeerBatchReply(
                peer: PeerID(rawValue: try message.peer.identifier("peer_batch_reply.peer")),
                epoch: Epoch(message.epoch),
                items: try list(
                    message.items, message.n_items, "peer_batch_reply.items",
                    countMax: .batchRequestCountMax
                ) { item throws(DatabaseError) in
                    let item = try required(item, "peer_batch_reply.items")
                    return PeerReplyItem(id: item.id, reply: try PeerReply(wire: item))
                })
        }
    }
}

// MARK: - Building

extension WireArena {
    func message(_ item: PeerReplyItem) -> UnsafeMutablePointer<PeerReplyItemMessage> {
        make(optimystic__v1__peer_reply_item__init) {
            $0.id = item.id
            fill(&$0, item.reply)
        }
    }

    private func fill(_ item: inout PeerReplyItemMessage, _ reply: PeerReply) {
        switch reply {
        case .promise(let ballot, let accepted, let value):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PROMISE
            item.promise = make(optimystic__v1__promise__init) {
                $0.ballot = message(ballot)
                $0.accepted = message(accepted)
                $0.value = bytes(value)
            }
        case .accepted(let ballot, let promisesNext):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_ACCEPTED
            item.accepted = make(optimystic__v1__accepted__init) {
                $0.ballot = message(ballot)
                $0.promises_next = promisesNext ? 1 : 0
            }
        case .rejected(let promised):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_REJECTED
            item.rejected = make(optimystic__v1__rejected__init) { $0.promised = message(promised) }
        case .register(let accepted, let valueHash, let value):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_REGISTER_STATE
            item.register_state = make(optimystic__v1__register_state__init) {
                $0.accepted = message(accepted)
                $0.value_hash = digest(valueHash)
                if let value {
                    $0.wanted_case = OPTIMYSTIC__V1__REGISTER_STATE__WANTED_VALUE
                    $0.value = bytes(value)
                }
            }
        case .stored:
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_STORED
            item.stored = nothing
        case .content(let content):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_CONTENT
            item.content = make(optimystic__v1__content__init) {
                if let content {
                    $0.held_case = OPTIMYSTIC__V1__CONTENT__HELD_CONTENT
                    $0.content = bytes(content)
                }
            }
        case .registers(let registers, let isLast):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_REGISTERS
            item.registers = message(registers, isLast: isLast)
        case .lives(let lives, let next):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_LIVES
            item.lives = message(lives, next: next)
        case .forgotten(let count, let bytes):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_FORGOTTEN
            item.forgotten = make(optimystic__v1__forgotten__init) {
                $0.count = count
                $0.bytes = bytes
            }
        case .status(let status):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_STATUS
            item.status = message(status)
        case .refused(let error):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_REFUSED
            item.refused = message(error)
        case .pended, .needsBase, .pendMissing, .finalised, .discarded, .block, .holding, .versions,
            .outstanding, .pends:
            fill(&item, aboutBlock: reply)
        }
    }

    private func message(
        _ registers: [RegisterSummary], isLast: Bool
    ) -> UnsafeMutablePointer<RegisterPageMessage> {
        make(optimystic__v1__register_page__init) {
            $0.registers = list(registers) { register in
                make(optimystic__v1__register_summary__init) {
                    $0.collection = digest(register.collection.digest)
                    $0.accepted = message(register.accepted)
                }
            }
            $0.n_registers = registers.count
            $0.is_last = isLast ? 1 : 0
        }
    }
}

// MARK: - Reading

extension PeerReply {
    init(wire item: PeerReplyItemMessage) throws(DatabaseError) {
        switch item.reply_case {
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PROMISE:
            let message = try required(item.promise, "promise")
            self = .promise(
                try Ballot(wire: message.ballot, "promise.ballot"),
                accepted: try Ballot(wire: message.accepted, "promise.accepted"),
                value: try message.value.bytes("promise.value", bytesMax: .tailBytesMax))
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_ACCEPTED:
            let message = try required(item.accepted, "accepted")
            self = .accepted(
                try Ballot(wire: message.ballot, "accepted.ballot"),
                promisesNext: message.promises_next != 0)
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_REJECTED:
            let message = try required(item.rejected, "rejected")
            self = .rejected(promised: try Ballot(wire: message.promised, "rejected.promised"))
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_REGISTER_STATE:
            let message = try required(item.register_state, "register_state")
            let value =
                try message.wanted_case == OPTIMYSTIC__V1__REGISTER_STATE__WANTED_VALUE
                ? message.value.bytes("register_state.value", bytesMax: .tailBytesMax) : nil
            self = .register(
                accepted: try Ballot(wire: message.accepted, "register_state.accepted"),
                valueHash: try message.value_hash.digest("register_state.value_hash"),
                value: value)
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_STORED:
            self = .stored
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_CONTENT:
            let message = try required(item.content, "content")
            self = .content(
                try message.held_case == OPTIMYSTIC__V1__CONTENT__HELD_CONTENT
                    ? message.content.bytes("content.content", bytesMax: .bodyBytesMax) : nil)
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_REGISTERS:
            self = try PeerReply.registers(item.registers)
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_LIVES: self = try .lives(wire: item.lives)
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_FORGOTTEN:
            let message = try required(item.forgotten, "forgotten")
            self = .forgotten(count: message.count, bytes: message.bytes)
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_STATUS:
            self = .status(try PeerStatus(wire: item.status, "status"))
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_REFUSED:
            self = .refused(try DatabaseError(wire: item.refused, "refused"))
        default:
            guard let reply = try Self(wireOfBlocks: item) else {
                throw unset("peer_batch_reply.items.reply")
            }
            self = reply
        }
    }

    private static func registers(
        _ page: UnsafeMutablePointer<RegisterPageMessage>?
    ) throws(DatabaseError) -> PeerReply {
        let page = try required(page, "registers")
        let registers = try list(
            page.registers, page.n_registers, "registers", countMax: .pageItemCountMax
        ) { item throws(DatabaseError) in
            let item = try required(item, "registers")
            return RegisterSummary(
                collection: try item.collection.collection("registers.collection"),
                accepted: try Ballot(wire: item.accepted, "registers.accepted"))
        }
        for (left, right) in zip(registers, registers.dropFirst())
        where left.collection >= right.collection {
            throw malformed("registers", "does not ascend strictly")
        }
        return .registers(registers, isLast: page.is_last != 0)
    }
}
