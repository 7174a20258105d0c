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
            $0.result_hash = digestOrNone(write.resultHash)
        }
    }

    /// The digest of nothing is no bytes.
    func digestOrNone(_ value: Digest) -> ProtobufCBinaryData {
        digest(value == .zero ? nil : value)
    }

    func message(_ request: PendRequest) -> UnsafeMutablePointer<PendMessage> {
        make(optimystic__v1__pend__init) {
            $0.key = message(request.key)
            $0.payload = message(request.payload)
            $0.target = request.target.rawValue
            $0.change = message(request.record, request.committed)
            $0.policy = .init(UInt32(request.policy.rawValue))
        }
    }

    private func message(
        _ record: PendRecord, _ committed: [CommittedWrite]
    ) -> UnsafeMutablePointer<BlockChangeMessage> {
        make(optimystic__v1__block_change__init) {
            $0.transform = bytes(record.transform)
            $0.base_revision = record.baseRevision.rawValue
            $0.base_payload = record.basePayload.map { message($0) }
            $0.base_hash = digestOrNone(record.baseHash)
            $0.result_hash = digestOrNone(record.resultHash)
            $0.collection = digest(record.collection.digest)
            $0.transaction = record.anchor.map { message($0) }
            $0.committed = list(committed) { message($0) }
            $0.n_committed = committed.count
        }
    }

    func message(_ write: BlockWrite) -> UnsafeMutablePointer<BlockWriteMessage> {
        make(optimystic__v1__block_write__init) {
            $0.block = digest(write.block.digest)
            $0.change = message(write.record, write.committed)
        }
    }

    func message(_ entry: FinaliseEntry) -> UnsafeMutablePointer<FinaliseEntryMessage> {
        make(optimystic__v1__finalise_entry__init) {
            $0.collection = digest(entry.collection.digest)
            $0.incarnation = message(entry.incarnation)
            $0.revision = entry.revision.rawValue
            $0.payload = message(entry.payload)
            $0.blocks = list(entry.blocks) { block in
                make(optimystic__v1__written_block__init) {
                    $0.block = digest(block.block.digest)
                    $0.result_hash = digestOrNone(block.resultHash)
                }
            }
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
            $0.collection = digest(request.collection?.digest)
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
            payload: try PayloadID(wire: message.payload, field),
            resultHash: try message.result_hash.digestOrZero(field))
    }

    /// A list that ascends strictly.
    static func list(
        _ writes: UnsafeMutablePointer<UnsafeMutablePointer<CommittedWriteMessage>?>?,
        _ count: Int, _ field: StaticString
    ) throws(DatabaseError) -> [CommittedWrite] {
        let values = try BlockWire.list(
            writes, count, field, countMax: .committedWriteCountMax
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
        let change = try required(message.change, "pend.change")
        self.init(
            key: try BlockKey(wire: message.key, "pend.key"),
            payload: try PayloadID(wire: message.payload, "pend.payload"),
            target: try Revision(wire: message.target, "pend.target"),
            record: try PendRecord(wire: change),
            committed: try CommittedWrite.list(
                change.committed, change.n_committed, "change.committed"),
            policy: try known(message.policy, "pend.policy"))
    }
}

extension PendRecord {
    /// The change alone, bound to nothing.
    fileprivate init(wire change: BlockChangeMessage) throws(DatabaseError) {
        self.init(
            transform: try change.transform.bytes(
                "change.transform", bytesMax: .transformBytesMax),
            baseRevision: try Revision(wire: change.base_revision, "change.base_revision"),
            basePayload: try change.base_payload == nil
                ? nil : PayloadID(wire: change.base_payload, "change.base_payload"),
            baseHash: try change.base_hash.digestOrZero("change.base_hash"),
            resultHash: try change.result_hash.digestOrZero("change.result_hash"),
            collection: try change.collection.collection("change.collection"),
            anchor: try change.transaction == nil
                ? nil : AttemptAnchor(wire: change.transaction, "change.transaction"),
            bound: [])
    }
}

extension BlockWrite {
    init(wire message: UnsafeMutablePointer<BlockWriteMessage>?) throws(DatabaseError) {
        let message = try required(message, "commit.writes")
        let change = try required(message.change, "commit.writes.change")
        self.init(
            block: try message.block.block("commit.writes.block"),
            record: try PendRecord(wire: change),
            committed: try CommittedWrite.list(
                change.committed, change.n_committed, "change.committed"))
    }
}

extension FinaliseEntry {
    init(wire message: UnsafeMutablePointer<FinaliseEntryMessage>?) throws(DatabaseError) {
        let message = try required(message, "finalise")
        self.init(
            collection: try message.collection.collection("finalise.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "finalise.incarnation"),
            revision: try Revision(wire: message.revision, "finalise.revision"),
            payload: try PayloadID(wire: message.payload, "finalise.payload"),
            blocks: try list(
                message.blocks, message.n_blocks, "finalise.blocks",
                countMax: .transformBlockCountMax
            ) { item throws(DatabaseError) in
                let item = try required(item, "finalise.blocks")
                return WrittenBlock(
                    block: try item.block.block("finalise.blocks.block"),
                    resultHash: try item.result_hash.digestOrZero("finalise.blocks.result_hash"))
            })
    }
}

extension BlockReadRequest {
    init(wire message: UnsafeMutablePointer<ReadBlockMessage>?) throws(DatabaseError) {
        let message = try required(message, "read_block")
        self.init(
            key: try BlockKey(wire: message.key, "read_block.key"),
            revision: try Revision(wire: message.revision, "read_block.revision"),
            committed: try CommittedWrite.list(
                message.committed, message.n_committed, "read_block.committed"),
            collection: try message.collection.collectionIfAny("read_block.collection"))
    }
}

extension BlockCopy {
    init(
        wire message: UnsafeMutablePointer<BlockCopyMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        let image =
            try message.present_case == OPTIMYSTIC__V1__BLOCK_COPY__PRESENT_IMAGE
            ? message.image.bytes(field, bytesMax: .blockBytesMax) : nil
        let write = try CommittedWrite(wire: message.write, field)
        guard (image == nil) == (write.resultHash == .zero) else {
            throw malformed(field, "an image without its hash, or a hash without its image")
        }
        self.init(
            write: write, baseRevision: try Revision(wire: message.base_revision, field),
            bytes: image)
    }
}
