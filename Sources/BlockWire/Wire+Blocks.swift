import BlockModel
import BlockRuntime
import CProtocol

// MARK: - Building

extension WireArena {
    func message(_ key: BlockKey) -> UnsafeMutablePointer<BlockKeyMessage> {
        make(optimystic__v1__block_key__init) {
            $0.block = digest(key.block.digest)
            $0.incarnation = message(key.incarnation)
        }
    }

    func message(_ write: CommittedWrite) -> UnsafeMutablePointer<CommittedWriteMessage> {
        make(optimystic__v1__committed_write__init) {
            $0.revision = write.revision.rawValue
            $0.payload = message(write.payload)
        }
    }

    /// The digest of nothing is no bytes.
    private func digestOrNone(_ value: Digest) -> ProtobufCBinaryData {
        digest(value == .zero ? nil : value)
    }

    func message(_ request: PendRequest) -> UnsafeMutablePointer<PendMessage> {
        make(optimystic__v1__pend__init) {
            $0.key = message(request.key)
            $0.payload = message(request.payload)
            $0.target = request.target.rawValue
            $0.transform = bytes(request.record.transform)
            $0.base_revision = request.record.baseRevision.rawValue
            $0.base_payload = request.record.basePayload.map { message($0) }
            $0.base_hash = digestOrNone(request.record.baseHash)
            $0.result_hash = digestOrNone(request.record.resultHash)
            $0.committed = list(request.committed) { message($0) }
            $0.n_committed = request.committed.count
        }
    }

    func message(_ write: BlockWrite) -> UnsafeMutablePointer<BlockWriteMessage> {
        make(optimystic__v1__block_write__init) {
            $0.block = digest(write.block.digest)
            $0.transform = bytes(write.record.transform)
            $0.base_revision = write.record.baseRevision.rawValue
            $0.base_payload = write.record.basePayload.map { message($0) }
            $0.base_hash = digestOrNone(write.record.baseHash)
            $0.result_hash = digestOrNone(write.record.resultHash)
            $0.committed = list(write.committed) { message($0) }
            $0.n_committed = write.committed.count
        }
    }

    func message(_ entry: FinaliseEntry) -> UnsafeMutablePointer<FinaliseEntryMessage> {
        make(optimystic__v1__finalise_entry__init) {
            $0.collection = digest(entry.collection.digest)
            $0.incarnation = message(entry.incarnation)
            $0.write = message(entry.write)
            $0.blocks = array(entry.blocks) { digest($0.digest) }
            $0.n_blocks = entry.blocks.count
        }
    }

    func message(
        _ key: BlockKey, _ payload: PayloadID, target: Revision
    ) -> UnsafeMutablePointer<BoundPendMessage> {
        make(optimystic__v1__bound_pend__init) {
            $0.key = message(key)
            $0.payload = message(payload)
            $0.target = target.rawValue
        }
    }

    func message(
        _ key: BlockKey, _ write: CommittedWrite
    ) -> UnsafeMutablePointer<FinaliseWriteMessage> {
        make(optimystic__v1__finalise_write__init) {
            $0.key = message(key)
            $0.write = message(write)
        }
    }

    func message(_ request: BlockReadRequest) -> UnsafeMutablePointer<ReadBlockMessage> {
        make(optimystic__v1__read_block__init) {
            $0.key = message(request.key)
            $0.revision = request.revision.rawValue
            $0.committed = list(request.committed) { message($0) }
            $0.n_committed = request.committed.count
        }
    }

    func message(
        _ key: BlockKey, _ copy: BlockCopy
    ) -> UnsafeMutablePointer<InstallVersionMessage> {
        make(optimystic__v1__install_version__init) {
            $0.key = message(key)
            $0.copy = message(copy)
        }
    }

    func message(_ copy: BlockCopy) -> UnsafeMutablePointer<BlockCopyMessage> {
        make(optimystic__v1__block_copy__init) {
            $0.write = message(copy.write)
            $0.base_revision = copy.baseRevision.rawValue
            $0.write_number = copy.writeNumber
            $0.result_hash = digestOrNone(copy.resultHash)
            if let image = copy.bytes {
                $0.present_case = OPTIMYSTIC__V1__BLOCK_COPY__PRESENT_IMAGE
                $0.image = bytes(image)
            }
        }
    }

    func message(state copy: BlockCopy?) -> UnsafeMutablePointer<BlockStateMessage> {
        make(optimystic__v1__block_state__init) { $0.copy = copy.map { message($0) } }
    }
}

// MARK: - Reading

extension BlockKey {
    init(
        wire message: UnsafeMutablePointer<BlockKeyMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            block: try message.block.block(field),
            incarnation: try Incarnation(wire: message.incarnation, field))
    }
}

extension CommittedWrite {
    init(
        wire message: UnsafeMutablePointer<CommittedWriteMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            revision: try Revision(wire: message.revision, field),
            payload: try PayloadID(wire: message.payload, field))
    }

    /// A list that ascends strictly.
    static func list(
        _ writes: UnsafeMutablePointer<UnsafeMutablePointer<CommittedWriteMessage>?>?,
        _ count: Int, _ field: StaticString
    ) throws(DatabaseError) -> [CommittedWrite] {
        let values = try BlockWire.list(
            writes, count, field, countMax: Limits.committedWriteCountMax
        ) { item throws(DatabaseError) in try CommittedWrite(wire: item, field) }
        for (left, right) in zip(values, values.dropFirst()) where left.revision >= right.revision {
            throw malformed(field, "does not ascend strictly")
        }
        return values
    }
}

extension PendRequest {
    init(wire message: UnsafeMutablePointer<PendMessage>?) throws(DatabaseError) {
        let message = try required(message, "pend")
        let basePayload =
            try message.base_payload == nil
            ? nil : PayloadID(wire: message.base_payload, "pend.base_payload")
        let record = PendRecord(
            transform: try message.transform.bytes(
                "pend.transform", bytesMax: Limits.transformBytesMax),
            baseRevision: try Revision(wire: message.base_revision, "pend.base_revision"),
            basePayload: basePayload,
            baseHash: try message.base_hash.digestOrZero("pend.base_hash"),
            resultHash: try message.result_hash.digestOrZero("pend.result_hash"), bound: [])
        self.init(
            key: try BlockKey(wire: message.key, "pend.key"),
            payload: try PayloadID(wire: message.payload, "pend.payload"),
            target: try Revision(wire: message.target, "pend.target"), record: record,
            committed: try CommittedWrite.list(
                message.committed, message.n_committed, "pend.committed"))
    }
}

extension BlockWrite {
    init(wire message: UnsafeMutablePointer<BlockWriteMessage>?) throws(DatabaseError) {
        let message = try required(message, "commit.writes")
        let record = PendRecord(
            transform: try message.transform.bytes(
                "commit.writes.transform", bytesMax: Limits.transformBytesMax),
            baseRevision: try Revision(
                wire: message.base_revision, "commit.writes.base_revision"),
            basePayload: try message.base_payload == nil
                ? nil : PayloadID(wire: message.base_payload, "commit.writes.base_payload"),
            baseHash: try message.base_hash.digestOrZero("commit.writes.base_hash"),
            resultHash: try message.result_hash.digestOrZero("commit.writes.result_hash"),
            bound: [])
        self.init(
            block: try message.block.block("commit.writes.block"), record: record,
            committed: try CommittedWrite.list(
                message.committed, message.n_committed, "commit.writes.committed"))
    }
}

extension FinaliseEntry {
    init(wire message: UnsafeMutablePointer<FinaliseEntryMessage>?) throws(DatabaseError) {
        let message = try required(message, "finalise")
        self.init(
            collection: try message.collection.collection("finalise.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "finalise.incarnation"),
            write: try CommittedWrite(wire: message.write, "finalise.write"),
            blocks: try array(
                message.blocks, message.n_blocks, "finalise.blocks",
                countMax: Limits.transformBlockCountMax
            ) { bytes throws(DatabaseError) in try bytes.block("finalise.blocks") })
    }
}

extension BlockReadRequest {
    init(wire message: UnsafeMutablePointer<ReadBlockMessage>?) throws(DatabaseError) {
        let message = try required(message, "read_block")
        self.init(
            key: try BlockKey(wire: message.key, "read_block.key"),
            revision: try Revision(wire: message.revision, "read_block.revision"),
            committed: try CommittedWrite.list(
                message.committed, message.n_committed, "read_block.committed"))
    }
}

extension BlockCopy {
    init(
        wire message: UnsafeMutablePointer<BlockCopyMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        let image =
            try message.present_case == OPTIMYSTIC__V1__BLOCK_COPY__PRESENT_IMAGE
            ? message.image.bytes(field, bytesMax: Limits.blockBytesMax) : nil
        let resultHash = try message.result_hash.digestOrZero(field)
        guard (image == nil) == (resultHash == .zero) else {
            throw malformed(field, "an image without its hash, or a hash without its image")
        }
        self.init(
            write: try CommittedWrite(wire: message.write, field),
            baseRevision: try Revision(wire: message.base_revision, field),
            writeNumber: try counted(message.write_number, field), resultHash: resultHash,
            bytes: image)
    }
}

extension PeerRequest.Operation {
    /// The operations about blocks; nil when it is none of them.
    init?(wireOfBlocks item: PeerRequestItemMessage) throws(DatabaseError) {
        switch item.operation_case {
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PEND:
            self = .pend(try PendRequest(wire: item.pend))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_REBIND:
            let message = try required(item.rebind, "rebind")
            self = .rebind(
                try BlockKey(wire: message.key, "rebind.key"),
                try PayloadID(wire: message.payload, "rebind.payload"),
                target: try Revision(wire: message.target, "rebind.target"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_FINALISE:
            let message = try required(item.finalise, "finalise")
            self = .finalise(
                try BlockKey(wire: message.key, "finalise.key"),
                try CommittedWrite(wire: message.write, "finalise.write"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_DISCARD:
            let message = try required(item.discard, "discard")
            self = .discard(
                try BlockKey(wire: message.key, "discard.key"),
                try PayloadID(wire: message.payload, "discard.payload"),
                target: try Revision(wire: message.target, "discard.target"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_READ_BLOCK:
            self = .readBlock(try BlockReadRequest(wire: item.read_block))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_INSTALL:
            let message = try required(item.install, "install")
            self = .install(
                try BlockKey(wire: message.key, "install.key"),
                try BlockCopy(wire: message.copy, "install.copy"))
        default: return nil
        }
    }
}

extension PeerReply {
    /// The replies about blocks; nil when it is none of them.
    init?(wireOfBlocks item: PeerReplyItemMessage) throws(DatabaseError) {
        switch item.reply_case {
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PENDED: self = .pended
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_NEEDS_BASE: self = .needsBase
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PEND_MISSING: self = .pendMissing
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_FINALISED: self = .finalised
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_DISCARDED: self = .discarded
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_BLOCK:
            let message = try required(item.block, "block")
            self = .block(
                try message.copy == nil ? nil : BlockCopy(wire: message.copy, "block.copy"))
        default: return nil
        }
    }
}
