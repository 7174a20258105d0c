import BlockModel
import BlockRuntime

/// Pends and versions of blocks. A record asked for by name that fails its checksum is as good
/// as absent: another replica has it, and this one must not vote for it (protocol: repair-by-hash).
extension StorageRepository {
    package func pend(_ key: PendKey) throws(DatabaseError) -> PendRecord? {
        if pendCounts[key.key].count == 0 { return nil }
        if let recent = recents.pend(key) { return recent.record }
        let storageKey = StorageKeys.pend(key)
        guard let (record, storedBytes): (PendRecord, Int) = try record(under: storageKey) else {
            return nil
        }
        recents.keep(record, storedBytes: storedBytes, under: key)
        return record
    }

    package func pends(
        of key: BlockKey
    ) throws(DatabaseError) -> [(payload: PayloadID, record: PendRecord)] {
        if pendCounts[key].count == 0 { return [] }
        let prefix = StorageKeys.pends(of: key)
        let stored = try versionRecords.scan(
            from: prefix, below: StorageKeys.end(ofPrefix: prefix),
            countMax: Limits.blockPendCountMax, in: engine)
        var pends: [(PayloadID, PendRecord)] = []
        for (storageKey, value) in stored {
            guard let payload = StorageKeys.payload(ofPend: storageKey, of: key),
                let pend: PendRecord = try opened(value, under: storageKey)
            else { continue }
            pends.append((payload, pend))
        }
        invariant(pends.count <= Limits.blockPendCountMax, "\(pends.count) pends of one block")
        return pends
    }

    package func pendLoad(of key: BlockKey) throws(DatabaseError) -> PendLoad { pendCounts[key] }

    package func version(
        of key: BlockKey, at revision: Revision
    ) throws(DatabaseError) -> VersionRecord? {
        let position = VersionPosition(key: key, revision: revision)
        if let recent = recents.version(position) { return recent }
        if try revision > newestRevision(of: key) { return nil }
        let storageKey = StorageKeys.version(key, at: revision)
        guard let (record, storedBytes): (VersionRecord, Int) = try record(under: storageKey)
        else { return nil }
        recents.keep(record, storedBytes: storedBytes, at: position)
        return record
    }

    /// Of the newest version of a block, damaged or not; zero when there is none.
    private func newestRevision(of key: BlockKey) throws(DatabaseError) -> Revision {
        if let known = recents.newestRevision(of: key) { return known }
        let prefix = StorageKeys.versions(of: key)
        let found = try versionRecords.scan(
            from: prefix, below: StorageKeys.end(ofPrefix: prefix), countMax: 1, in: engine)
        var newest = Revision.zero
        if let (storageKey, _) = found.first {
            guard let position = StorageKeys.position(ofVersion: storageKey) else {
                throw SealedRecord.damaged(storageKey, "not the key of a version")
            }
            newest = position.revision
        }
        recents.learn(newest: newest, of: key)
        return newest
    }

    package func newestVersion(
        of key: BlockKey, through revision: Revision
    ) throws(DatabaseError) -> VersionRecord? {
        let prefix = StorageKeys.versions(of: key)
        let newest = try versionRecords.scan(
            from: StorageKeys.version(key, at: revision),
            below: StorageKeys.end(ofPrefix: prefix), countMax: 1, in: engine)
        guard let (storageKey, value) = newest.first else { return nil }
        guard let version: VersionRecord = try opened(value, under: storageKey) else {
            throw SealedRecord.damaged(storageKey, "not a version")
        }
        invariant(
            version.revision <= revision || planted(.blockHashUnchecked),
            "the newest version through \(revision) is at \(version.revision)")
        return version
    }

    package func pendKeys(
        from lowest: BlockID, after: PendKey?, countMax: Int
    ) throws(DatabaseError) -> [PendKey] {
        var first = StorageKeys.pends(from: lowest)
        if let after {
            // The lowest key above that of `after`.
            let next = StorageKeys.pend(after) + [0]
            if keyPrecedes(first, next) { first = next }
        }
        let stored = try versionRecords.scan(
            from: first, below: StorageKeys.pendsEnd, countMax: countMax, in: engine)
        var keys: [PendKey] = []
        for (storageKey, _) in stored {
            guard let key = StorageKeys.key(ofPend: storageKey) else {
                throw SealedRecord.damaged(storageKey, "not the key of a pend")
            }
            invariant(after.map { $0 < key } ?? true, "pends that were listed before")
            keys.append(key)
        }
        invariant(keys.count <= countMax, "\(keys.count) pends, \(countMax) were asked for")
        return keys
    }

    package func versionPositions(
        from lowest: BlockID, after: VersionPosition?, countMax: Int
    ) throws(DatabaseError) -> [VersionPosition] {
        var first = StorageKeys.versions(from: lowest)
        if let after {
            // The lowest key above that of `after`.
            let next = StorageKeys.version(after.key, at: after.revision) + [0]
            if keyPrecedes(first, next) { first = next }
        }
        let stored = try versionRecords.scan(
            from: first, below: StorageKeys.versionsEnd, countMax: countMax, in: engine)
        var positions: [VersionPosition] = []
        for (storageKey, _) in stored {
            guard let position = StorageKeys.position(ofVersion: storageKey) else {
                throw SealedRecord.damaged(storageKey, "not the key of a version")
            }
            positions.append(position)
        }
        invariant(
            positions.count <= countMax, "\(positions.count) versions, \(countMax) asked for")
        return positions
    }

    // MARK: Staging

    func stage(_ pend: PendRecord, under key: PendKey) throws(DatabaseError) {
        let storageKey = StorageKeys.pend(key)
        let sealed = SealedRecord.seal(pend.canonicalBytes, under: storageKey)
        invariant(!pend.bound.isEmpty, "a pend bound to nothing is garbage")
        invariant(
            pend.bound.count <= Limits.pendBoundCountMax, "a pend bound to \(pend.bound.count)")
        if let storedBytes = try storedBytes(of: key) {
            progress.pendBytes -= min(progress.pendBytes, UInt64(storedBytes))
            pendCounts.add(count: 0, bytes: sealed.count - storedBytes, to: key.key)
        } else {
            progress.pendCount += 1
            pendCounts.add(count: 1, bytes: sealed.count, to: key.key)
        }
        progress.pendBytes += UInt64(sealed.count)
        invariant(pendCounts[key.key].count > 0, "the pends of \(key.key) are not counted")
        versionRecords.put(sealed, for: storageKey)
        recents.keep(pend, storedBytes: sealed.count, under: key)
    }

    /// What a pend takes; nil when it is not there.
    private func storedBytes(of key: PendKey) throws(DatabaseError) -> Int? {
        if pendCounts[key.key].count == 0 { return nil }
        if let recent = recents.pend(key) { return recent.storedBytes }
        return try versionRecords.get(StorageKeys.pend(key), from: engine)?.count
    }

    func stageRemoval(of key: PendKey) throws(DatabaseError) {
        guard let storedBytes = try storedBytes(of: key) else { return }
        invariant(storedBytes > 0, "a pend of nothing")
        progress.pendCount -= min(progress.pendCount, 1)
        pendCounts.add(count: -1, bytes: -storedBytes, to: key.key)
        progress.pendBytes -= min(progress.pendBytes, UInt64(storedBytes))
        removedBytes += UInt64(storedBytes)
        versionRecords.remove(StorageKeys.pend(key))
        recents.forgetPend(key)
    }

    func stage(_ version: VersionRecord, of key: BlockKey) throws(DatabaseError) {
        invariant(version.revision > .zero, "a version at revision 0")
        invariant(
            version.baseRevision < version.revision,
            "the version at \(version.revision) is based on \(version.baseRevision)")
        let storageKey = StorageKeys.version(key, at: version.revision)
        let newest = try newestRevision(of: key)
        var isNew = version.revision > newest
        if !isNew { isNew = try versionRecords.get(storageKey, from: engine) == nil }
        if isNew { progress.versionCount += 1 }
        let sealed = SealedRecord.seal(version.canonicalBytes, under: storageKey)
        versionRecords.put(sealed, for: storageKey)
        recents.learn(newest: max(newest, version.revision), of: key)
        recents.keep(
            version, storedBytes: sealed.count,
            at: VersionPosition(key: key, revision: version.revision))
    }

    // MARK: Opening

    private func record<Record: CanonicalCodable>(
        under key: Bytes
    ) throws(DatabaseError) -> (Record, storedBytes: Int)? {
        guard let value = try versionRecords.get(key, from: engine) else { return nil }
        return try opened(value, under: key).map { ($0, value.count) }
    }

    /// A damaged record is as good as absent; one of another release is not.
    /// - Throws: `.formatUnsupported`.
    func opened<Record: CanonicalCodable>(
        _ value: Bytes, under key: Bytes
    ) throws(DatabaseError) -> Record? {
        do throws(DatabaseError) {
            return try Record(canonicalBytes: try SealedRecord.open(value, under: key))
        } catch {
            if error.code == .formatUnsupported { throw error }
            countCorruptBlock()
            return nil
        }
    }
}
