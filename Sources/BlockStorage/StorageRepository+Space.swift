import BlockModel
import BlockRuntime

/// What is kept for the sake of collections, and its removal.
extension StorageRepository {
    package func storedRecords(
        after: Bytes?, through: Bytes?, countMax: Int
    ) throws(DatabaseError) -> [StoredRecord] {
        var found: [StoredRecord] = []
        for kind in StorageKeys.ofCollections {
            var first = kind
            // The lowest key above that of `after`.
            if let after, keyPrecedes(first, after + [0]) { first = after + [0] }
            var end = StorageKeys.end(ofPrefix: kind)
            if let through, keyPrecedes(through + [0], end) { end = through + [0] }
            guard keyPrecedes(first, end), found.count < countMax else { continue }
            let page = try recordsOfCollections(from: first, below: end, countMax - found.count)
            found += page
        }
        invariant(found.count <= countMax, "\(found.count) records, \(countMax) asked for")
        if let after, let first = found.first {
            invariant(keyPrecedes(after, first.place), "records that were listed before")
        }
        if let through, let last = found.last {
            invariant(!keyPrecedes(through, last.place), "records above what was asked for")
        }
        return found
    }

    private func recordsOfCollections(
        from first: Bytes, below end: Bytes, _ countMax: Int
    ) throws(DatabaseError) -> [StoredRecord] {
        var records: [StoredRecord] = []
        for (key, value) in try versionRecords.scan(
            from: first, below: end, countMax: countMax, in: engine)
        {
            guard let kind = try kind(of: key, value) else {
                throw SealedRecord.damaged(key, "not the key of a record")
            }
            records.append(
                StoredRecord(kind: kind, place: key, byteCount: key.count + value.count))
        }
        return records
    }

    private func kind(
        of key: Bytes, _ value: Bytes
    ) throws(DatabaseError) -> StoredRecord.Kind? {
        if let pend = StorageKeys.key(ofPend: key) { return .pend(pend) }
        if let position = StorageKeys.position(ofVersion: key) { return .version(position) }
        if let segment = StorageKeys.segment(at: key) { return .segment(segment) }
        guard let owned = StorageKeys.owned(by: key) else { return nil }
        // A damaged one is kept, as that of a copy from who knows where.
        return .owner(owned.block, try opened(value, under: key) ?? .unknown)
    }

    package func contentOwners(of block: BlockID) throws(DatabaseError) -> [Incarnation] {
        let prefix = StorageKeys.owners(of: block)
        let found = try versionRecords.scan(
            from: prefix, below: StorageKeys.end(ofPrefix: prefix),
            countMax: Limits.sweepPageCountMax, in: engine)
        return found.compactMap { StorageKeys.owned(by: $0.key)?.incarnation }
    }

    package func contentOwner(
        of block: BlockID, in incarnation: Incarnation
    ) throws(DatabaseError) -> ContentOwner? {
        let key = StorageKeys.owner(of: block, in: incarnation)
        guard let value = try versionRecords.get(key, from: engine) else { return nil }
        return try opened(value, under: key)
    }

    func stage(_ owner: ContentOwner, of block: BlockID) {
        let key = StorageKeys.owner(of: block, in: owner.life.incarnation)
        versionRecords.put(SealedRecord.seal(owner.canonicalBytes, under: key), for: key)
    }

    func stageRemoval(of position: VersionPosition) throws(DatabaseError) {
        let key = StorageKeys.version(position.key, at: position.revision)
        guard let value = try versionRecords.get(key, from: engine) else { return }
        progress.versionCount -= min(progress.versionCount, 1)
        invariant(!value.isEmpty, "a version of nothing")
        removedBytes += UInt64(key.count + value.count)
        versionRecords.remove(key)
        recents.forgetVersion(position)
    }
}
