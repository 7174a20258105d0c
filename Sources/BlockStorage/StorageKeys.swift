import BlockModel
import BlockRuntime

/// The key layout of a peer's store, format version 4. Integers are big-endian, so that the order
/// of bytes is the order of what they mean.
///
/// | first byte | rest of the key | value |
/// |---|---|---|
/// | `c` | block id (32) | the content, as it is: the key is its hash |
/// | `m` | a name, ASCII | a ``SealedRecord`` about the directory itself |
/// | `p` | block id (32), generation (8), nonce (16), action (16), execution (4) | a sealed pend |
/// | `r` | collection id (32) | a ``SealedRecord`` of a register |
/// | `s` | collection id (32), generation (8), nonce (16), index (8), hash (32) | the segment |
/// | `v` | block id (32), generation (8), nonce (16), ~revision (8) | a sealed version |
///
/// The revision of a version is stored inverted: a scan upwards from one meets the newest first.
package enum StorageKeys {
    /// Raised by any change that an older release would misread.
    package static let formatVersion: UInt32 = 4

    private static let contentKind = UInt8(ascii: "c")
    private static let metadataKind = UInt8(ascii: "m")
    private static let pendKind = UInt8(ascii: "p")
    private static let registerKind = UInt8(ascii: "r")
    private static let segmentKind = UInt8(ascii: "s")
    private static let versionKind = UInt8(ascii: "v")

    /// Cycles synced so far, and how many records of each kind there are.
    package static let progress = metadata("progress")
    /// The storage UUID, to match a store with its directory.
    package static let storageUUID = metadata("storage-uuid")
    /// The cluster that the peer was bound to.
    package static let cluster = metadata("cluster")

    private static func metadata(_ name: StaticString) -> Bytes {
        [metadataKind] + Bytes("\(name)".utf8)
    }

    package static func content(_ block: BlockID) -> Bytes {
        var key: Bytes = [contentKind]
        block.digest.append(to: &key)
        return key
    }

    package static func register(_ collection: CollectionID) -> Bytes {
        var key: Bytes = [registerKind]
        collection.digest.append(to: &key)
        return key
    }

    /// Above every register.
    package static let registersEnd: Bytes = [registerKind + 1]

    /// - Returns: nil when `key` is not that of a register.
    package static func collection(ofRegister key: Bytes) -> CollectionID? {
        guard key.first == registerKind else { return nil }
        return Digest(key.dropFirst()).map(CollectionID.init)
    }

    package static func segment(_ segment: SegmentKey) -> Bytes {
        var key = segmentPosition(segment)
        if !planted(.segmentKeyWithoutHash) { segment.hash.append(to: &key) }
        return key
    }

    /// The beginning that all segments with one collection, incarnation and index share.
    package static func segmentPosition(_ segment: SegmentKey) -> Bytes {
        var encoder = CanonicalEncoder()
        encoder.append(segmentKind)
        encoder.append(segment.collection)
        encoder.append(segment.incarnation)
        encoder.append(segment.index)
        return encoder.bytes
    }

    package static func pend(_ pend: PendKey) -> Bytes {
        var encoder = CanonicalEncoder()
        encoder.append(pendKind)
        encoder.append(pend.key)
        encoder.append(pend.payload)
        return encoder.bytes
    }

    /// The beginning that all pends of one block share.
    package static func pends(of key: BlockKey) -> Bytes {
        [pendKind] + key.canonicalBytes
    }

    /// The lowest key that a pend may have.
    package static let pendsStart: Bytes = [pendKind]
    /// Above every pend.
    package static let pendsEnd: Bytes = [pendKind + 1]

    /// - Returns: nil when `storageKey` is not that of a pend.
    package static func block(ofPend storageKey: Bytes) -> BlockKey? {
        var decoder = CanonicalDecoder(storageKey)
        do throws(DatabaseError) {
            guard try decoder.uint8() == pendKind else { return nil }
            let key = try BlockKey(from: &decoder)
            _ = try PayloadID(from: &decoder)
            try decoder.finish()
            return key
        } catch {
            return nil
        }
    }

    /// - Returns: nil when `storageKey` is not that of a pend of `key`.
    package static func payload(ofPend storageKey: Bytes, of key: BlockKey) -> PayloadID? {
        let prefix = pends(of: key)
        guard storageKey.starts(with: prefix) else { return nil }
        return try? PayloadID(canonicalBytes: Bytes(storageKey[prefix.count...]))
    }

    /// The lowest key that a pend of a block not below `lowest` can have.
    package static func pends(from lowest: BlockID) -> Bytes {
        var key: Bytes = [pendKind]
        lowest.digest.append(to: &key)
        return key
    }

    /// - Returns: nil when `storageKey` is not that of a pend.
    package static func key(ofPend storageKey: Bytes) -> PendKey? {
        guard storageKey.first == pendKind else { return nil }
        return try? StoredPendKey(canonicalBytes: Bytes(storageKey.dropFirst())).key
    }

    package static func version(_ key: BlockKey, at revision: Revision) -> Bytes {
        var encoder = CanonicalEncoder()
        encoder.append(versionKind)
        encoder.append(key)
        encoder.append(~revision.rawValue)
        return encoder.bytes
    }

    /// The lowest key that a version of a block not below `lowest` can have.
    package static func versions(from lowest: BlockID) -> Bytes {
        var key: Bytes = [versionKind]
        lowest.digest.append(to: &key)
        return key
    }

    /// The beginning that all versions share.
    package static let versions: Bytes = [versionKind]
    /// The beginnings that all contents and all segments share.
    package static let contents: Bytes = [contentKind]
    package static let segments: Bytes = [segmentKind]
    /// The beginning that all registers share.
    package static let registers: Bytes = [registerKind]
    /// Above every version.
    package static let versionsEnd: Bytes = [versionKind + 1]

    /// - Returns: nil when `key` is not that of a version.
    package static func position(ofVersion key: Bytes) -> VersionPosition? {
        guard key.first == versionKind else { return nil }
        return try? StoredPosition(canonicalBytes: Bytes(key.dropFirst())).position
    }

    /// The beginning that all versions of one block share.
    package static func versions(of key: BlockKey) -> Bytes {
        [versionKind] + key.canonicalBytes
    }

    /// The lowest key that is above every key that begins with `prefix`.
    /// - Precondition: Not all bytes of `prefix` are 255.
    package static func end(ofPrefix prefix: Bytes) -> Bytes {
        var end = prefix
        while let last = end.popLast() {
            if last < 255 { return end + [last + 1] }
        }
        fatalError("invariant: no key is above every key that begins with 255 only")
    }
}

/// The key of a version without its kind.
private struct StoredPosition: CanonicalCodable {
    let position: VersionPosition

    func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(position.key)
        encoder.append(~position.revision.rawValue)
    }

    init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let key = try BlockKey(from: &decoder)
        let revision = ~(try decoder.uint64())
        guard revision <= Limits.counterMax else { throw decoder.malformed("an unknown revision") }
        position = VersionPosition(key: key, revision: Revision(revision))
    }
}

/// The key of a pend without its kind.
private struct StoredPendKey: CanonicalCodable {
    let key: PendKey

    func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(key.key)
        encoder.append(key.payload)
    }

    init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let block = try BlockKey(from: &decoder)
        key = PendKey(block, payload: try PayloadID(from: &decoder))
    }
}
