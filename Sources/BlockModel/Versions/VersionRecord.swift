import BlockRuntime

/// A finalised write of one block: the history of a block is the list of these, sparse in the
/// revisions of its collection.
public struct VersionRecord: Hashable, Sendable {
    /// What is kept of the block as it was after the write.
    public enum Content: Hashable, Sendable {
        /// The block's canonical bytes.
        case image(Bytes)
        /// The transform alone: the block is made from the version at the base revision.
        case transform
        /// The write removed the block.
        case removed
    }

    public let revision: Revision
    public let payload: PayloadID
    /// The write before this one; zero for the first.
    public let baseRevision: Revision
    /// Which write of the block this is, from 1: every 32nd holds an image.
    public let writeNumber: UInt64
    /// Canonical bytes of the transform from the version before.
    public let transform: Bytes
    /// The hash of the block after the write; ``Digest/zero`` when it is gone.
    public let resultHash: Digest
    public var content: Content

    public init(
        revision: Revision, payload: PayloadID, baseRevision: Revision, writeNumber: UInt64,
        transform: Bytes, resultHash: Digest, content: Content
    ) {
        self.revision = revision
        self.payload = payload
        self.baseRevision = baseRevision
        self.writeNumber = writeNumber
        self.transform = transform
        self.resultHash = resultHash
        self.content = content
    }

    /// Whether it holds an image although the version below could make it, so that no read has to
    /// apply more transforms than ``Limits/versionImageInterval``.
    public var isImageDue: Bool {
        writeNumber % UInt64(Limits.versionImageInterval) == 0 || baseRevision == .zero
    }

    /// The write, as a log entry lists it.
    public var write: CommittedWrite {
        CommittedWrite(revision: revision, payload: payload, resultHash: resultHash)
    }
}

extension VersionRecord: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(revision)
        encoder.append(payload)
        encoder.append(baseRevision)
        encoder.append(writeNumber)
        encoder.append(transform)
        encoder.append(resultHash)
        switch content {
        case .image(let bytes):
            encoder.append(UInt8(1))
            encoder.append(bytes)
        case .transform: encoder.append(UInt8(2))
        case .removed: encoder.append(UInt8(3))
        }
    }

    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let revision = try Revision(from: &decoder)
        let payload = try PayloadID(from: &decoder)
        let baseRevision = try Revision(from: &decoder)
        guard baseRevision < revision else { throw decoder.malformed("a base above the version") }
        let writeNumber = try decoder.counter()
        let transform = try decoder.byteString(countMax: Limits.transformBytesMax)
        let resultHash = try decoder.digest()
        let content: Content
        switch try decoder.uint8() {
        case 1: content = .image(try decoder.byteString(countMax: Limits.blockBytesMax))
        case 2: content = .transform
        case 3: content = .removed
        default: throw decoder.malformed("an unknown content of a version")
        }
        self.init(
            revision: revision, payload: payload, baseRevision: baseRevision,
            writeNumber: writeNumber, transform: transform, resultHash: resultHash,
            content: content)
    }
}
