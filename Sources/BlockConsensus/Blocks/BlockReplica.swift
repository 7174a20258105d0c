import BlockModel
import BlockRuntime

/// One block in one life of its collection, as one replica keeps it: the rules for pends, versions
/// and reads (protocol: bound-is-a-set, pend-needs-its-base, listed-write-is-the-answer), as a
/// value over a read-only view.
///
/// Replicas of blocks run no consensus: what is committed, the log of the collection says, and
/// a coordinator that sends a request has read it there. Lives for one request; the host makes
/// ``writes`` durable, all or none, before the answer leaves.
package struct BlockReplica<View: PeerStoreView> {
    package let key: BlockKey
    private let view: View
    let memo: BlockMemo
    /// What the request changes, in order. A version and the end of its pend are in it together
    /// (invariant P: a committed write is a pend or a version, never both, never neither).
    package private(set) var writes: [PeerWrite] = []
    /// Something that must be impossible; for the log of the operator.
    package private(set) var alarms: [String] = []
    /// Written by this request, and not in the view yet.
    private var ownPends: [PayloadID: PendRecord?] = [:]
    private var ownVersions: [Revision: VersionRecord] = [:]

    /// - Parameter memo: Without one every block is made from what is stored.
    package init(_ key: BlockKey, view: View, memo: BlockMemo = BlockMemo(bytesMax: 0)) {
        self.key = key
        self.view = view
        self.memo = memo
    }

    // MARK: What is kept

    func pend(_ payload: PayloadID) throws(DatabaseError) -> PendRecord? {
        if let own = ownPends[payload] { return own }
        return try view.pend(PendKey(key, payload: payload))
    }

    /// What the view holds, ascending by payload; nothing that this request has changed.
    func storedPends() throws(DatabaseError) -> [(payload: PayloadID, record: PendRecord)] {
        try view.pends(of: key)
    }

    /// What the pends of the block take here.
    func pendLoad() throws(DatabaseError) -> PendLoad { try view.pendLoad(of: key) }

    /// Bytes of the pends of all blocks here.
    var keptPendBytes: UInt64 { view.statistics.pendBytes }

    func version(at revision: Revision) throws(DatabaseError) -> VersionRecord? {
        if let own = ownVersions[revision] { return own }
        return try view.version(of: key, at: revision)
    }

    /// - Throws: `.corrupted`: an older version in its place would be a stale answer.
    func newestVersion(through revision: Revision) throws(DatabaseError) -> VersionRecord? {
        let stored = try view.newestVersion(of: key, through: revision)
        let own = ownVersions.values.filter { $0.revision <= revision }
            .max { $0.revision < $1.revision }
        guard let own, own.revision >= stored?.revision ?? .zero else { return stored }
        invariant(own.revision <= revision, "a version above \(revision)")
        return own
    }

    // MARK: Changing it

    mutating func put(_ record: PendRecord, for payload: PayloadID) {
        invariant(!record.bound.isEmpty, "a pend that is bound to nothing")
        invariant(
            record.bound.count <= Limits.pendBoundCountMax,
            "a pend bound to \(record.bound.count) revisions")
        ownPends[payload] = record
        writes.append(.pend(PendKey(key, payload: payload), record))
    }

    mutating func removePend(_ payload: PayloadID) {
        invariant(
            ownPends[payload] != .some(nil) || planted(.pendFoundByRevision),
            "a pend is removed twice")
        ownPends.updateValue(nil, forKey: payload)
        writes.append(.removePend(PendKey(key, payload: payload)))
    }

    mutating func put(_ version: VersionRecord) {
        invariant(
            (version.content == .removed) == (version.resultHash == .zero),
            "a version and its hash say different things of the block")
        ownVersions[version.revision] = version
        writes.append(.version(key, version))
    }

    mutating func alarm(_ message: String) { alarms.append("block \(key.block): \(message)") }

    /// Stops the process unless what is written is what this request knows of: what it reads later
    /// is what it wrote. Called after each request in tests and simulations.
    /// - Complexity: O(writes of the request).
    package func checkInvariants() {
        invariant(ownPends.count + ownVersions.count <= writes.count, "a change is not written")
        for write in writes {
            switch write {
            case .version(let key, let record):
                invariant(key == self.key, "a version of another block is written")
                invariant(ownVersions[record.revision] != nil, "a version that is not read again")
            case .pend(let pend, _), .removePend(let pend):
                invariant(pend.key == key, "a pend of another block is written")
                invariant(ownPends[pend.payload] != nil, "a pend that is not read again")
            default: invariant(false, "\(write) is not about a block")
            }
        }
    }

    // MARK: Making a block

    /// The block as it was after a version, nil when the write removed it.
    ///
    /// - Throws: `.corrupted` when it cannot be made, or is not what its hash says: it is then
    ///   as good as absent here, and another replica has it.
    /// - Complexity: O(1) when the memo has it, else at most ``Limits/versionImageInterval``
    ///   transforms.
    func block(after version: VersionRecord) throws(DatabaseError) -> DigestedBlock? {
        if let block = memo.block(version.resultHash), block.block.id == key.block { return block }
        return try stored(version)
    }

    /// The same from what is stored, whatever the memo has.
    private func stored(_ version: VersionRecord) throws(DatabaseError) -> DigestedBlock? {
        var transforms: [VersionRecord] = []
        var lower = version
        while case .transform = lower.content {
            transforms.append(lower)
            guard let base = try self.version(at: lower.baseRevision) else {
                throw damaged("the base of version \(lower.revision) is missing")
            }
            lower = base
        }
        var block: DigestedBlock?
        if case .image(let bytes) = lower.content { block = DigestedBlock(try decoded(bytes)) }
        invariant(
            transforms.count <= Limits.versionImageInterval,
            "\(transforms.count) transforms above an image")
        for record in transforms.reversed() {
            block = try apply(record.transform, to: block)
        }
        let hash = block?.digest ?? .zero
        guard hash == version.resultHash || planted(.blockHashUnchecked) else {
            throw damaged("version \(version.revision) is not what its hash says")
        }
        if let block { memo.keep(block, under: hash) }
        return block
    }

    /// Whether the block after a version can be made, and is what its hash says.
    func isIntact(_ version: VersionRecord) throws(DatabaseError) -> Bool {
        do throws(DatabaseError) {
            _ = try stored(version)
            return true
        } catch {
            guard error.code == .corrupted else { throw error }
            return false
        }
    }

    /// The block after `transform`.
    /// - Throws: `.corrupted` when the bytes are no transform, or it does not apply.
    func apply(
        _ transform: Bytes, to base: DigestedBlock?
    ) throws(DatabaseError) -> DigestedBlock? {
        let block: DigestedBlock?
        do {
            block = try DigestedBlock.applying(
                BlockTransform(canonicalBytes: transform), to: base)
        } catch let error as DatabaseError {
            throw .undecodable("block \(key.block): a transform does not decode", error)
        } catch {
            throw damaged("a transform does not apply: \(error)")
        }
        guard block == nil || block?.block.id == key.block else {
            throw damaged("a transform makes the block of another id")
        }
        return block
    }

    /// Whether a block has the hash it should have; it is then kept for the request that needs it
    /// next.
    func isRight(_ block: DigestedBlock?, _ hash: Digest) -> Bool {
        guard (block?.digest ?? .zero) == hash else { return false }
        if let block { memo.keep(block, under: hash) }
        return true
    }

    private func decoded(_ bytes: Bytes) throws(DatabaseError) -> Block {
        do throws(DatabaseError) {
            return try Block(canonicalBytes: bytes)
        } catch {
            throw .undecodable("block \(key.block): an image does not decode", error)
        }
    }

    /// What is listed of the version at a revision.
    package func summary(at revision: Revision) throws(DatabaseError) -> VersionSummary {
        let position = VersionPosition(key: key, revision: revision)
        guard let version = try version(at: revision), version.revision == revision,
            try isIntact(version)
        else {
            return VersionSummary(position: position, write: nil)
        }
        return VersionSummary(position: position, write: version.write)
    }

    func damaged(_ what: String) -> DatabaseError {
        DatabaseError(.corrupted, "block \(key.block): \(what)")
    }
}
