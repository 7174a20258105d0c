import BlockModel
import BlockRuntime

/// Pends and versions of blocks. A record asked for by name that fails its checksum is as good
/// as absent: another replica has it, and this one must not vote for it (protocol C5.13).
extension StorageRepository {
    package func pend(_ key: PendKey) throws(DatabaseError) -> PendRecord? {
        try record(under: StorageKeys.pend(key))
    }

    package func pends(
        of key: BlockKey
    ) throws(DatabaseError) -> [(payload: PayloadID, record: PendRecord)] {
        let prefix = StorageKeys.pends(of: key)
        let stored = try versionRecords.scan(
            from: prefix, below: StorageKeys.end(ofPrefix: prefix),
            countMax: Limits.blockPendCountMax, in: engine)
        var pends: [(PayloadID, PendRecord)] = []
        for (storageKey, value) in stored {
            guard let payload = StorageKeys.payload(ofPend: storageKey, of: key),
                let pend: PendRecord = opened(value, under: storageKey)
            else { continue }
            pends.append((payload, pend))
        }
        return pends
    }

    package func version(
        of key: BlockKey, at revision: Revision
    ) throws(DatabaseError) -> VersionRecord? {
        try record(under: StorageKeys.version(key, at: revision))
    }

    package func newestVersion(
        of key: BlockKey, through revision: Revision
    ) throws(DatabaseError) -> VersionRecord? {
        let prefix = StorageKeys.versions(of: key)
        let newest = try versionRecords.scan(
            from: StorageKeys.version(key, at: revision),
            below: StorageKeys.end(ofPrefix: prefix), countMax: 1, in: engine)
        guard let (storageKey, value) = newest.first else { return nil }
        guard let version: VersionRecord = opened(value, under: storageKey) else {
            throw SealedRecord.damaged(storageKey, "not a version")
        }
        return version
    }

    // MARK: Staging

    func stage(_ pend: PendRecord, under key: PendKey) throws(DatabaseError) {
        let storageKey = StorageKeys.pend(key)
        if try versionRecords.get(storageKey, from: engine) == nil { progress.pendCount += 1 }
        put(pend.canonicalBytes, under: storageKey)
    }

    func stageRemoval(of key: PendKey) throws(DatabaseError) {
        let storageKey = StorageKeys.pend(key)
        guard try versionRecords.get(storageKey, from: engine) != nil else { return }
        progress.pendCount -= 1
        versionRecords.remove(storageKey)
    }

    func stage(_ version: VersionRecord, of key: BlockKey) throws(DatabaseError) {
        let storageKey = StorageKeys.version(key, at: version.revision)
        if try versionRecords.get(storageKey, from: engine) == nil { progress.versionCount += 1 }
        put(version.canonicalBytes, under: storageKey)
    }

    private func put(_ payload: Bytes, under key: Bytes) {
        versionRecords.put(SealedRecord.seal(payload, under: key), for: key)
    }

    // MARK: Opening

    private func record<Record: CanonicalCodable>(
        under key: Bytes
    ) throws(DatabaseError) -> Record? {
        guard let value = try versionRecords.get(key, from: engine) else { return nil }
        return opened(value, under: key)
    }

    private func opened<Record: CanonicalCodable>(_ value: Bytes, under key: Bytes) -> Record? {
        do throws(DatabaseError) {
            return try Record(canonicalBytes: try SealedRecord.open(value, under: key))
        } catch {
            countCorruptBlock()
            return nil
        }
    }
}
