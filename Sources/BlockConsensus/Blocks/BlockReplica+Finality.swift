import BlockModel
import BlockRuntime

/// From pend to version: only for writes that the log says are committed, only on exactly their
/// base, and never under another hash.
extension BlockReplica {
    /// How an attempt to finalise a write ended.
    enum Finality: Equatable {
        /// The version is here, or was before.
        case finalised
        /// This replica never had the pend or lost it, or has other content under its payload.
        case pendMissing
        /// The write below is missing, or is not the one that the pend was made on.
        case baseMissing
    }

    /// Finalises every listed write that can be, in order, above the newest one that is here
    /// already: what was installed from elsewhere has gaps below it. Stops at the first that
    /// cannot: what comes after a gap has no base (protocol: applied-on-its-base).
    mutating func makeProvenFinal(_ committed: [CommittedWrite]) throws(DatabaseError) {
        var first = committed.endIndex
        while first > committed.startIndex {
            first -= 1
            if try version(at: committed[first].revision) != nil { break }
        }
        for write in committed[first...] where try makeFinal(write) != .finalised { return }
    }

    /// Makes the version of a committed write out of its pend, in one batch with the pend's end.
    ///
    /// - Parameter write: The pend is found by its payload, as another attempt may aim at the same
    ///   revision, and must make what the log lists (protocol: pend-found-by-payload).
    mutating func makeFinal(_ write: CommittedWrite) throws(DatabaseError) -> Finality {
        if let version = try version(at: write.revision) {
            guard version.write == write else {
                alarm("two writes are said to be committed at revision \(write.revision)")
                return .baseMissing
            }
            if try pend(write.payload) != nil { removePend(write.payload) }
            return .finalised
        }
        guard let (payload, pend) = try pend(of: write) else { return .pendMissing }
        guard let base = try base(of: pend, at: write.revision) else {
            mark("blockReplica.baseMissing")
            return .baseMissing
        }
        var block = made(of: pend)
        if block == nil {
            block = try apply(pend.transform, to: self.block(of: base))
            guard isRight(block, pend.resultHash) else {
                alarm("the write at \(write.revision) does not make the block that was decided on")
                return .baseMissing
            }
        }
        invariant((block == nil) == (pend.resultHash == .zero), "a removed block has a hash")
        var version = VersionRecord(
            revision: write.revision, payload: write.payload, baseRevision: pend.baseRevision,
            transform: pend.transform, resultHash: pend.resultHash, content: .removed)
        if let block {
            // Without a version below, nothing else could make it.
            version.content =
                base.version?.content(above: block.block.canonicalBytes)
                ?? .image(block.block.canonicalBytes)
        }
        put(version)
        removePend(payload)
        invariant(
            version.write == write || planted(.pendFoundByRevision),
            "another write than the log lists is made final")
        return .finalised
    }

    /// The pend that makes a committed write.
    private func pend(
        of write: CommittedWrite
    ) throws(DatabaseError) -> (payload: PayloadID, record: PendRecord)? {
        if planted(.pendFoundByRevision) {
            return try storedPends().first { $0.record.bound.contains(write.revision) }
        }
        guard let pend = try pend(write.payload), pend.resultHash == write.resultHash else {
            return nil
        }
        return (write.payload, pend)
    }

    /// What a pend is applied to.
    private struct Base {
        /// nil: to nothing.
        let version: VersionRecord?
    }

    /// The version that a pend changes at a target: nil when it is not held here.
    private func base(
        of pend: PendRecord, at target: Revision
    ) throws(DatabaseError) -> Base? {
        guard pend.baseRevision != .zero else { return Base(version: nil) }
        if planted(.baseIgnored), let newest = try newestVersion(through: target.previous) {
            return Base(version: newest)
        }
        guard let version = try version(at: pend.baseRevision), pend.isMade(on: version) else {
            // A whole image needs no base to be applied.
            return pend.isFullImage ? Base(version: nil) : nil
        }
        return Base(version: version)
    }

    private func block(of base: Base) throws(DatabaseError) -> DigestedBlock? {
        guard let version = base.version else { return nil }
        return try block(after: version)
    }

    /// What was made of a pend when it came, if it is held still: what has its hash can be nothing
    /// else. So a change is applied once, and again only where that was long ago.
    private func made(of pend: PendRecord) -> DigestedBlock? {
        guard !planted(.baseIgnored), let block = memo.block(pend.resultHash),
            block.block.id == key.block
        else { return nil }
        mark("blockReplica.madeBefore")
        return block
    }

    /// Whether a pend may be acknowledged: its result can be made here from what is durable here,
    /// without asking a replica (protocol: pend-needs-its-base).
    func canBuild(_ pend: PendRecord, at target: Revision) throws(DatabaseError) -> Bool {
        guard let base = try base(of: pend, at: target) else { return false }
        let block = try apply(pend.transform, to: block(of: base))
        guard isRight(block, pend.resultHash) else {
            throw DatabaseError(
                .invalidArgument, "the transform does not make the block that resultHash names")
        }
        return true
    }
}

extension PendRecord {
    /// Whether `version` is the write that this change was made on: revision, payload and hash.
    func isMade(on version: VersionRecord) -> Bool {
        version.write == base
    }

    /// Whether the transform brings a whole block.
    var isFullImage: Bool {
        guard let transform = try? BlockTransform(canonicalBytes: transform) else { return false }
        return transform.insert != nil || transform.delete
    }
}
