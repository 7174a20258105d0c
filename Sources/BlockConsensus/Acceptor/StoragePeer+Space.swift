import BlockModel
import BlockRuntime

/// Giving space back: what of a peer's records belongs to which life of which collection, and the
/// end of those that a chosen tail says are not needed any more (protocol: orphan-needs-a-fact,
/// truncate-then-delete).
///
/// A record is judged by the life that it names itself, so that no collection's records can be
/// brought down by what another one claims.
extension StoragePeer {
    func listLives<View: PeerStoreView>(
        after: Bytes?, _ countMax: Int, view: View
    ) throws(DatabaseError) -> PeerReply {
        let bound = min(max(countMax, 1), Limits.sweepPageCountMax)
        let records = try view.storedRecords(after: after, through: nil, countMax: bound)
        var lives: Set<CollectionLife> = []
        var seen: [BlockKey: CollectionLife?] = [:]
        for record in records {
            if let life = try life(of: record, &seen, view: view) { lives.insert(life) }
        }
        invariant(records.count <= bound, "\(records.count) records, asked for \(bound)")
        let next = records.count == bound ? records.last?.place : nil
        return .lives(lives.sorted(), next: next)
    }

    /// The life that a record names; nil when it cannot be told.
    private func life<View: PeerStoreView>(
        of record: StoredRecord, _ seen: inout [BlockKey: CollectionLife?], view: View
    ) throws(DatabaseError) -> CollectionLife? {
        let key: BlockKey
        switch record.kind {
        case .owner(_, let owner): return owner == .unknown ? nil : owner.life
        case .segment(let segment):
            return CollectionLife(
                collection: segment.collection, incarnation: segment.incarnation)
        case .pend(let pend):
            let collection = try view.pend(pend)?.collection
            return collection.map {
                CollectionLife(collection: $0, incarnation: pend.key.incarnation)
            }
        case .version(let position): key = position.key
        }
        if let known = seen[key] { return known }
        let collection = try BlockReplica(key, view: view).collectionOfAnyVersion()
        let life = collection.map {
            CollectionLife(collection: $0, incarnation: key.incarnation)
        }
        seen[key] = life
        return life
    }

    /// Removes what the ends allow of the records in a stretch of the store.
    func forget<View: PeerStoreView>(
        _ ends: [LifeEnd], after: Bytes?, through: Bytes?, view: View
    ) throws(DatabaseError) -> [Directive] {
        let known = Dictionary(ends.map { ($0.life, $0) }) { first, _ in first }
        let records = try view.storedRecords(
            after: after, through: through, countMax: Limits.sweepPageCountMax)
        var seen: [BlockKey: CollectionLife?] = [:]
        var removal = Removal()
        for record in records {
            guard let life = try life(of: record, &seen, view: view), let end = known[life] else {
                continue
            }
            switch record.kind {
            case .owner(let block, let owner):
                guard end.isOver(at: owner.target) else { continue }
                try removal.disown(block, owner.life.incarnation, record, view)
            case .pend(let pend):
                // What became of a pend of a life that goes on, the log decides.
                if end.truncatedThrough == nil { removal.remove(.removePend(pend), record) }
            case .segment(let segment):
                guard let through = end.truncatedThrough else {
                    removal.remove(.removeSegment(segment), record)
                    continue
                }
                guard let bytes = try view.segment(segment),
                    let held = try? Segment(canonicalBytes: bytes), held.lastRevision <= through
                else { continue }
                removal.remove(.removeSegment(segment), record)
            case .version(let position):
                guard let through = end.truncatedThrough else {
                    try removal.remove(position, below: nil, record, view)
                    continue
                }
                if let floor = try removal.floor(above: position, through, view) {
                    try removal.remove(position, below: floor, record, view)
                }
            }
        }
        invariant(
            Int(removal.count) <= removal.writes.count, "more records are removed than are written")
        if removal.count > 0 { mark("peer.forgets") }
        return removal.writes.map { .write($0) } + [
            .reply(.forgotten(count: removal.count, bytes: removal.bytes))
        ]
    }
}

/// What one request removes.
private struct Removal {
    private(set) var writes: [PeerWrite] = []
    private(set) var count: UInt32 = 0
    private(set) var bytes: UInt64 = 0
    private var disowned: [BlockID: Set<Incarnation>] = [:]
    /// The version of each block that is kept at the floor; nil when it cannot be made here.
    private var floors: [BlockKey: Revision?] = [:]
    /// Blocks of which a version was removed.
    private var cleared: Set<BlockKey> = []

    mutating func remove(_ write: PeerWrite, _ record: StoredRecord) {
        writes.append(write)
        count += 1
        bytes += UInt64(record.byteCount)
    }

    /// Removes a version, and with the first of a block also what is above it and below `floor`.
    ///
    /// The newest come first in the store, so that nothing stands on what is removed: unless it
    /// was made final after an earlier page, or an earlier page knew of no end of this life. What
    /// was left on a base that is gone could be made no more, and would look like damage.
    /// - Parameter floor: nil when nothing of the block is kept.
    mutating func remove(
        _ position: VersionPosition, below floor: Revision?, _ record: StoredRecord,
        _ view: some PeerStoreView
    ) throws(DatabaseError) {
        remove(.removeVersion(position), record)
        guard cleared.insert(position.key).inserted else { return }
        var last = VersionPosition(
            key: position.key, revision: floor ?? Revision(Limits.counterMax))
        while let next = try view.versionPositions(
            from: position.key.block, after: last, countMax: 1
        ).first, next.key == position.key, next.revision > position.revision {
            writes.append(.removeVersion(next))
            count += 1
            last = next
        }
    }

    /// Takes one owner from a content, and the content with its last one.
    mutating func disown(
        _ block: BlockID, _ incarnation: Incarnation, _ record: StoredRecord,
        _ view: some PeerStoreView
    ) throws(DatabaseError) {
        invariant(
            disowned[block]?.contains(incarnation) != true, "an owner is taken away twice")
        remove(.removeContentOwner(block, incarnation), record)
        disowned[block, default: []].insert(incarnation)
        let left = Set(try view.contentOwners(of: block)).subtracting(disowned[block] ?? [])
        guard left.isEmpty, let content = try view.content(block) else { return }
        writes.append(.removeContent(block))
        bytes += UInt64(content.count)
    }

    /// The newest version of the block at the floor or below, when it lies above `position`: it
    /// then holds the whole block, and what is above it is made on that one.
    mutating func floor<View: PeerStoreView>(
        above position: VersionPosition, _ through: Revision, _ view: View
    ) throws(DatabaseError) -> Revision? {
        guard position.revision < through else { return nil }
        if floors[position.key] == nil {
            floors[position.key] = .some(try makeFloor(of: position.key, through, view))
        }
        guard let floor = floors[position.key] ?? nil, position.revision < floor else {
            return nil
        }
        return floor
    }

    private mutating func makeFloor<View: PeerStoreView>(
        of key: BlockKey, _ through: Revision, _ view: View
    ) throws(DatabaseError) -> Revision? {
        guard var version = try view.newestVersion(of: key, through: through) else { return nil }
        guard case .transform = version.content else { return version.revision }
        do throws(DatabaseError) {
            guard let block = try BlockReplica(key, view: view).block(after: version) else {
                return nil
            }
            version.content = .image(block.block.canonicalBytes)
        } catch {
            guard error.code == .corrupted else { throw error }
            return nil
        }
        writes.append(.version(key, version))
        return version.revision
    }
}

extension LifeEnd {
    /// Whether nothing of the life at `revision` is needed any more.
    fileprivate func isOver(at revision: Revision) -> Bool {
        truncatedThrough.map { revision <= $0 } ?? true
    }
}
