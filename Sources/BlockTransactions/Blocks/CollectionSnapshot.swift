import BlockModel
import BlockRuntime
import BlockStructures

/// Blocks that many readers share. What it holds under a key never changes.
package final class SharedBlockCache {
    /// What it holds now.
    private(set) var cache: BlockCache

    package init(byteCountMax: Int = Limits.blockCacheBytesMax) {
        cache = BlockCache(byteCountMax: byteCountMax)
    }

    init(_ cache: BlockCache) { self.cache = cache }

    func block(_ key: BlockCache.Key) -> Block? { cache.block(key) }

    func insert(_ block: Block, for key: BlockCache.Key) { cache.insert(block, for: key) }
}

/// A block that was fetched for one piece of work, which holds it until it ends: so that it always
/// gets further, however small the cache is.
package struct FetchedBlock: Sendable {
    /// A block as of a revision: what it is the answer to.
    package struct Key: Hashable, Sendable {
        let block: BlockKey
        let revision: Revision

        package init(_ request: BlockReadRequest) {
            block = request.key
            revision = request.revision
        }
    }

    let request: BlockReadRequest
    /// As it came; nil when there is none up to the revision asked for.
    package let copy: BlockCopy?
    /// nil when the block does not exist then.
    package let block: Block?

    /// The newest write up to the revision asked for.
    package var write: CommittedWrite? { copy?.write }

    /// Decodes and checks the answer to `request`.
    /// - Throws: `.corrupted` when the bytes are not the block, or not the version, asked for.
    package init(_ request: BlockReadRequest, _ copy: BlockCopy?) throws(DatabaseError) {
        if let wanted = request.committed.last, copy?.write != wanted, !planted(.anyCopyIsRead) {
            throw DatabaseError(
                .corrupted, "block \(request.key.block): another write than the log lists")
        }
        self.request = request
        self.copy = copy
        guard let bytes = copy?.bytes, let copy else {
            block = nil
            return
        }
        let decoded = try Block(canonicalBytes: bytes)
        guard decoded.id == request.key.block,
            decoded.digest == copy.write.resultHash || planted(.blockHashUnchecked),
            copy.write.revision <= request.revision
        else {
            throw DatabaseError(
                .corrupted, "block \(request.key.block): not the block that was asked for")
        }
        block = decoded
    }
}

/// One life of a collection as of one revision, read through the cache.
package final class CollectionSnapshot: BlockSnapshot {
    private let history: BlockHistory
    package let revision: Revision
    private let cache: SharedBlockCache
    private var fetched: [FetchedBlock.Key: FetchedBlock]

    /// - Parameters:
    ///   - history: Through `revision` at least; one that ends below its checkpoint will do.
    ///   - fetched: What was fetched; as of another revision it does not count.
    package init(
        history: BlockHistory, revision: Revision, cache: SharedBlockCache,
        fetched: [FetchedBlock.Key: FetchedBlock]
    ) {
        invariant(
            history.through >= revision || !history.isComplete,
            "a snapshot at \(revision) of a history through \(history.through)")
        self.history = history
        self.revision = revision
        self.cache = cache
        self.fetched = fetched
    }

    private func fetched(_ id: BlockID) -> FetchedBlock? {
        if fetched.isEmpty { return nil }
        let key = BlockKey(block: id, incarnation: history.incarnation)
        return fetched[FetchedBlock.Key(BlockReadRequest(key: key, revision: revision))]
    }

    /// Takes a block that was fetched as of this revision, and keeps it for later.
    func add(_ block: FetchedBlock) {
        invariant(
            block.request.revision == revision
                && block.request.key.incarnation == history.incarnation,
            "a block as of \(block.request.revision) in a snapshot of \(revision)")
        fetched[FetchedBlock.Key(block.request)] = block
        cache.keep(block, incarnation: history.incarnation)
    }

    package func block(_ id: BlockID) throws(MissingBlocks) -> SnapshotBlock? {
        if let known = fetched(id) {
            guard let block = known.block, let write = known.write else { return nil }
            return SnapshotBlock(block: block, revision: write.revision)
        }
        switch history.place(of: id, at: revision) {
        case .absent: return nil
        case .unknown: throw MissingBlocks([id])
        case .write(let write):
            if write.isRemoval { return nil }
            guard let block = cache.block(key(id, write)) else { throw MissingBlocks([id]) }
            invariant(block.id == id, "\(block.id) is kept as \(id)")
            return SnapshotBlock(block: block, revision: write.revision)
        }
    }

    /// The newest write of a block that this snapshot has given out; nil when there is none.
    func write(of id: BlockID) -> CommittedWrite? {
        if let known = fetched(id) { return known.write }
        guard case .write(let write) = history.place(of: id, at: revision) else { return nil }
        invariant(write.revision <= revision, "a write at \(write.revision) below \(revision)")
        return write
    }

    /// The committed writes that a pend on top of this snapshot must list.
    func committed(_ id: BlockID) -> [CommittedWrite] {
        history.committed(id, through: revision)
    }

    /// How to fetch blocks that are missing.
    package func requests(
        for ids: [BlockID], of collection: CollectionID
    ) -> [BlockReadRequest] {
        ids.map {
            BlockReadRequest(
                key: BlockKey(block: $0, incarnation: history.incarnation), revision: revision,
                committed: committed($0), collection: collection)
        }
    }

    private func key(_ id: BlockID, _ write: CommittedWrite) -> BlockCache.Key {
        BlockCache.Key(incarnation: history.incarnation, block: id, revision: write.revision)
    }
}

extension SharedBlockCache {
    /// Keeps a block that was fetched.
    package func keep(_ fetched: FetchedBlock, incarnation: Incarnation) {
        invariant(
            fetched.request.key.incarnation == incarnation, "a block is kept for another life")
        guard let block = fetched.block, let write = fetched.write else { return }
        keep(block, incarnation: incarnation, revision: write.revision)
    }

    /// Keeps a block as its write at `revision` left it.
    package func keep(_ block: Block, incarnation: Incarnation, revision: Revision) {
        insert(
            block,
            for: BlockCache.Key(incarnation: incarnation, block: block.id, revision: revision))
    }
}
