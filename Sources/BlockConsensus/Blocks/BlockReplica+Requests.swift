import BlockModel
import BlockRuntime

/// The answers of a replica to the requests about one block.
extension BlockReplica {
    /// Answers one request about this block.
    /// - Precondition: `operation` is about a block.
    package mutating func answer(
        _ operation: PeerRequest.Operation
    ) throws(DatabaseError) -> PeerReply {
        switch operation {
        case .pend(let request): return try pend(request)
        case .finalise(_, let write): return try finalise(write)
        case .discard(_, let payload, let target): return try discard(payload, from: target)
        case .readBlock(let request): return try read(request)
        case .install(_, let copy): return try install(copy)
        case .auditBlock(_, let revision): return try holding(through: revision)
        default: throw DatabaseError(.internalError, "\(operation) is not about a block")
        }
    }

    /// Keeps a pend, after finalising the committed writes below it that are held here. One that
    /// is held already is bound to one more target.
    ///
    /// - Returns: `pended` only when this replica could make the result on its own; `needsBase`
    ///   when the write below is missing: send it, and the pend again.
    package mutating func pend(_ request: PendRequest) throws(DatabaseError) -> PeerReply {
        guard request.record.baseRevision < request.target else {
            throw DatabaseError(
                .invalidArgument,
                "base revision \(request.record.baseRevision) is not below \(request.target)")
        }
        try makeProvenFinal(request.committed)
        if let version = try version(at: request.target), version.payload == request.payload {
            return .pended
        }
        var record = request.record
        if let held = try pend(request.payload) {
            guard held.hasSameContent(as: record) else {
                throw DatabaseError(
                    .actionIDReuse, "this payload id came before with another transform")
            }
            record = held
        } else if request.policy != .proceed, let others = try outstanding(besides: request) {
            mark("blockReplica.outstanding")
            return .outstanding(others)
        } else {
            try checkRoom(for: record)
        }
        let hasBase = try canBuild(record, at: request.target)
        guard hasBase || planted(.pendWithoutBase) else { return .needsBase }
        try bind(&record, to: request.target)
        invariant(
            record.hasSameContent(as: request.record), "another content than was sent is kept")
        put(record, for: request.payload)
        return .pended
    }

    /// What is over a quota is refused; nothing that is held is given up for it.
    private func checkRoom(for record: PendRecord) throws(DatabaseError) {
        let load = try pendLoad()
        invariant(load.count >= 0 && load.bytes >= 0, "\(load.count) pends of a block")
        let bytes = load.bytes + record.transform.count
        let keptBytes = keptPendBytes + UInt64(record.transform.count)
        let quota: String? =
            if load.count >= Limits.blockPendCountMax {
                "a block has blockPendCountMax = \(Limits.blockPendCountMax) pends"
            } else if bytes > Limits.blockPendBytesMax {
                "\(bytes) bytes of pends of a block, blockPendBytesMax = "
                    + "\(Limits.blockPendBytesMax)"
            } else if keptBytes > UInt64(Limits.peerPendBytesMax) {
                "\(keptBytes) bytes of pends, peerPendBytesMax = \(Limits.peerPendBytesMax)"
            } else {
                nil
            }
        guard let quota else { return }
        throw DatabaseError(.overloaded, quota, retryAfter: RetryTiming.afterLaggingWork)
    }

    /// What is listed of a pend; nil when it is damaged, or bound to nothing.
    package func listing(of payload: PayloadID) throws(DatabaseError) -> KeptPend? {
        guard let record = try pend(payload), let target = record.bound.first else { return nil }
        let pend = OutstandingPend(
            payload: payload, target: target, resultHash: record.resultHash)
        return KeptPend(
            block: key, collection: record.collection, transaction: record.anchor, pend: pend)
    }

    /// The collection that some version of the block names; nil when none is readable, or every one
    /// of them removed it.
    package func collectionOfAnyVersion() throws(DatabaseError) -> CollectionID? {
        var revision = Revision(Limits.counterMax)
        for _ in 0..<Limits.versionImageInterval {
            do throws(DatabaseError) {
                guard let version = try newestVersion(through: revision) else { return nil }
                if let block = try block(after: version) { return block.block.header.collection }
                revision = version.revision.previous
            } catch {
                guard error.code == .corrupted else { throw error }
                return nil
            }
        }
        return nil
    }

    /// Other actions' pends that may still land at the target of `request` or above.
    ///
    /// Below, everything is decided: an attempt that aims at a revision has seen the one before it
    /// chosen. Executions of one action are not in each other's way, for at most one of them can
    /// land.
    /// - Returns: Ascending by payload; nil when there is none.
    private func outstanding(
        besides request: PendRequest
    ) throws(DatabaseError) -> [OutstandingPend]? {
        var found: [OutstandingPend] = []
        var bytesLeft = request.policy == .failReturningTransforms ? Limits.pageBytesMax : 0
        for (payload, stored) in try storedPends() where payload.action != request.payload.action {
            // This very request may have made a version of it.
            guard let target = stored.bound.first(where: { $0 >= request.target }),
                try pend(payload) != nil
            else { continue }
            invariant(target >= request.target, "what is decided is in nobody's way")
            let hasRoom = stored.transform.count <= bytesLeft
            if hasRoom { bytesLeft -= stored.transform.count }
            found.append(
                OutstandingPend(
                    payload: payload, target: target, resultHash: stored.resultHash,
                    transform: hasRoom ? stored.transform : nil))
        }
        invariant(
            !found.contains { $0.payload.action == request.payload.action },
            "an action is in its own way")
        return found.isEmpty ? nil : found
    }

    private func bind(
        _ record: inout PendRecord, to target: Revision
    ) throws(DatabaseError) {
        record.bind(target)
        invariant(record.bound.contains(target), "a pend is not bound to \(target)")
        guard record.bound.count <= Limits.pendBoundCountMax else {
            throw DatabaseError(
                .overloaded,
                "a pend bound to pendBoundCountMax = \(Limits.pendBoundCountMax) revisions")
        }
    }

    /// Makes a committed write a version.
    package mutating func finalise(_ write: CommittedWrite) throws(DatabaseError) -> PeerReply {
        switch try makeFinal(write) {
        case .finalised: .finalised
        case .pendMissing: .pendMissing
        case .baseMissing: .needsBase
        }
    }

    /// Gives up one target of a pend, and the pend with its last one.
    ///
    /// The sender knows from a chosen tail that the attempt at this target did not land and never
    /// will; check and removal are this one step (protocol: bound-is-a-set).
    package mutating func discard(
        _ payload: PayloadID, from target: Revision
    ) throws(DatabaseError) -> PeerReply {
        guard var record = try pend(payload) else { return .discarded }
        guard record.bound.contains(target) else { return .discarded }
        record.unbind(target)
        invariant(!record.bound.contains(target), "a target that was given up is left")
        if planted(.discardRemovesPend) { record.bound = [] }
        if record.bound.isEmpty { removePend(payload) } else { put(record, for: payload) }
        return .discarded
    }

    /// The newest version not above a revision, after finalising the listed writes held here.
    /// What it is worth, the reader decides: see protocol: listed-write-is-the-answer.
    package mutating func read(_ request: BlockReadRequest) throws(DatabaseError) -> PeerReply {
        try makeProvenFinal(request.committed.filter { $0.revision <= request.revision })
        return .block(try newestCopy(through: request.revision))
    }

    private func newestCopy(through revision: Revision) throws(DatabaseError) -> BlockCopy? {
        guard let version = try newestVersion(through: revision) else { return nil }
        let block = try block(after: version)
        return BlockCopy(
            write: version.write, baseRevision: version.baseRevision,
            bytes: block?.block.canonicalBytes)
    }

    /// What is held up to a revision, finalising nothing.
    package func holding(through revision: Revision) throws(DatabaseError) -> PeerReply {
        let pends = try storedPends().compactMap { payload, record in
            record.bound.first.map {
                OutstandingPend(payload: payload, target: $0, resultHash: record.resultHash)
            }
        }
        return .holding(
            try newestCopy(through: revision), pends: pends.filter { $0.target <= revision })
    }

    /// Takes over a version from another replica: the base that a pend or a committed write needs.
    /// - Throws: `.invalidArgument` when the bytes are not what the hash says.
    package mutating func install(_ copy: BlockCopy) throws(DatabaseError) -> PeerReply {
        guard copy.isIntact(as: key), copy.baseRevision < copy.write.revision else {
            throw DatabaseError(.invalidArgument, "the copy is not what its key and hash say")
        }
        if let version = try version(at: copy.write.revision) {
            guard version.write == copy.write else {
                alarm("two writes are said to be committed at \(copy.write.revision)")
                throw DatabaseError(.conflict, "another version is held at that revision")
            }
            if try isIntact(version) { return .stored }
            mark("blockReplica.repair")
        }
        let transform: BlockTransform
        do throws(DatabaseError) {
            transform =
                try copy.bytes.map { bytes throws(DatabaseError) in
                    BlockTransform(insert: try Block(canonicalBytes: bytes))
                } ?? BlockTransform(delete: true)
        } catch {
            throw DatabaseError(.invalidArgument, "no block: \(error.message)")
        }
        put(
            VersionRecord(
                revision: copy.write.revision, payload: copy.write.payload,
                baseRevision: copy.baseRevision,
                transform: transform.canonicalBytes, resultHash: copy.write.resultHash,
                content: copy.bytes.map { .image($0) } ?? .removed))
        if try pend(copy.write.payload) != nil { removePend(copy.write.payload) }
        return .stored
    }
}

extension PeerRequest.Operation {
    /// The block that the operation is about; nil when it is about something else.
    package var blockKey: BlockKey? {
        switch self {
        case .pend(let request): request.key
        case .readBlock(let request): request.key
        case .discard(let key, _, _), .finalise(let key, _), .install(let key, _),
            .auditBlock(let key, _):
            key
        default: nil
        }
    }
}
