import BlockModel
import BlockRuntime

/// A stored value with a checksum of its own: format byte (1), payload, SHA-256 (32) over the key
/// and both.
///
/// The engine's block checksums do not see a record that a bug or a bad page put under another
/// key; this one does.
package enum SealedRecord {
    private static let format: UInt8 = 1

    /// - Complexity: O(`payload.count`), one hash.
    package static func seal(_ payload: Bytes, under key: Bytes) -> Bytes {
        var bytes = Bytes()
        bytes.reserveCapacity(1 + payload.count + Digest.byteCount)
        bytes.append(format)
        bytes.append(contentsOf: payload)
        digest(of: bytes[...], under: key).append(to: &bytes)
        return bytes
    }

    /// - Throws: `.corrupted` when `bytes` are not what was sealed under `key`;
    ///   `.formatUnsupported` when a release with another format sealed them.
    package static func open(_ bytes: Bytes, under key: Bytes) throws(DatabaseError) -> Bytes {
        guard bytes.count > Digest.byteCount else {
            throw damaged(key, "\(bytes.count) bytes are too few")
        }
        let bodyCount = bytes.count - Digest.byteCount
        let isIntact = Digest(bytes[bodyCount...]) == digest(of: bytes[..<bodyCount], under: key)
        guard isIntact || planted(.blockHashUnchecked) && key.starts(with: StorageKeys.versions)
        else {
            throw damaged(key, "the checksum is wrong")
        }
        guard bytes[0] == format else {
            throw DatabaseError(
                .formatUnsupported,
                "stored record \(ByteText.hex(key)) has format \(bytes[0]), this release knows "
                    + "\(format); run the release that wrote it, or a later one")
        }
        return Bytes(bytes[1..<bodyCount])
    }

    /// The error of a record that cannot be trusted.
    package static func damaged(_ key: Bytes, _ what: String) -> DatabaseError {
        DatabaseError(
            .corrupted,
            "stored record \(ByteText.hex(key)): \(what); keep the directory for "
                + "analysis and check the disk")
    }

    private static func digest(of body: ArraySlice<UInt8>, under key: Bytes) -> Digest {
        var builder = DigestBuilder(domain: "optimystic/stored-record/1")
        builder.update(key)
        body.withUnsafeBytes { builder.update($0) }
        return builder.finalize()
    }
}

extension SealedRecord {
    /// A register as it is stored: promised, accepted, value.
    package static func seal(_ record: RegisterRecord, under key: Bytes) -> Bytes {
        var encoder = CanonicalEncoder()
        encoder.append(record.promised)
        encoder.append(record.accepted)
        encoder.append(record.value)
        return seal(encoder.bytes, under: key)
    }

    /// - Throws: `.corrupted`.
    package static func openRegister(
        _ bytes: Bytes, under key: Bytes
    ) throws(DatabaseError) -> RegisterRecord {
        let payload = try open(bytes, under: key)
        do {
            var decoder = CanonicalDecoder(payload)
            let record = RegisterRecord(
                promised: try Ballot(from: &decoder), accepted: try Ballot(from: &decoder),
                value: try decoder.byteString(countMax: payload.count))
            try decoder.finish()
            return record
        } catch {
            throw damaged(key, error.message)
        }
    }

    /// - Throws: `.corrupted`.
    package static func openIdentifier(
        _ bytes: Bytes, under key: Bytes
    ) throws(DatabaseError) -> Identifier128 {
        guard let identifier = Identifier128(try open(bytes, under: key)) else {
            throw damaged(key, "not 16 bytes")
        }
        return identifier
    }
}

/// How far a store has come: written with every cycle, in the cycle's own batch.
struct StoreProgress: Hashable {
    var writeSequence: UInt64 = 0
    var registerCount: UInt64 = 0
    var contentCount: UInt64 = 0
    var segmentCount: UInt64 = 0
    var pendCount: UInt64 = 0
    var versionCount: UInt64 = 0
    var pendBytes: UInt64 = 0

    func sealed() -> Bytes {
        var encoder = CanonicalEncoder()
        encoder.append(writeSequence)
        encoder.append(registerCount)
        encoder.append(contentCount)
        encoder.append(segmentCount)
        encoder.append(pendCount)
        encoder.append(versionCount)
        encoder.append(pendBytes)
        return SealedRecord.seal(encoder.bytes, under: StorageKeys.progress)
    }

    init() {}

    /// - Throws: `.corrupted`.
    init(sealed bytes: Bytes) throws(DatabaseError) {
        let payload = try SealedRecord.open(bytes, under: StorageKeys.progress)
        do {
            var decoder = CanonicalDecoder(payload)
            writeSequence = try decoder.uint64()
            registerCount = try decoder.uint64()
            contentCount = try decoder.uint64()
            segmentCount = try decoder.uint64()
            pendCount = try decoder.uint64()
            versionCount = try decoder.uint64()
            pendBytes = try decoder.uint64()
            try decoder.finish()
        } catch {
            throw SealedRecord.damaged(StorageKeys.progress, error.message)
        }
    }
}
