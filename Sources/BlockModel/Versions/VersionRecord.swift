import BlockRuntime

/// A finalised write of one block: the history of a block is the list of these, sparse in the
/// revisions of its collection.
package struct VersionRecord: Hashable, Sendable {
    /// What is kept of the block as it was after the write.
    package enum Content: Hashable, Sendable {
        /// The block's canonical bytes.
        case image(Bytes)
        /// The transform alone: the block is made from the version at the base revision. So many
        /// transforms, this one included, lie above an image, fewer than
        /// ``Limits/versionImageInterval``: each replica counts what it keeps itself.
        case transform(depth: UInt32)
        /// The write removed the block.
        case removed
    }

    package let revision: Revision
    package let payload: PayloadID
    /// The write before this one; zero for the first.
    package let baseRevision: Revision
    /// Canonical bytes of the transform from the version before.
    package let transform: Bytes
    /// The hash of the block after the write; ``Digest/zero`` when it is gone.
    package let resultHash: Digest
    package var content: Content

    package init(
        revision: Revision, payload: PayloadID, baseRevision: Revision,
        transform: Bytes, resultHash: Digest, content: Content
    ) {
        self.revision = revision
        self.payload = payload
        self.baseRevision = baseRevision
        self.transform = transform
        self.resultHash = resultHash
        self.content = content
    }

    /// What is kept of a block that was made by changing it as it was after this version: its bytes
    /// when they are due, so that no read applies more transforms than
    /// ``Limits/versionImageInterval``.
    package func content(above image: @autoclosure () -> Bytes) -> Content {
        let depth = if case .transform(let depth) = content { depth + 1 } else { UInt32(1) }
        return depth < UInt32(Limits.versionImageInterval)
            ? .transform(depth: depth) : .image(image())
    }

    /// The write, as a log entry lists it.
    package var write: CommittedWrite {
        CommittedWrite(revision: revision, payload: payload, resultHash: resultHash)
    }
}

extension VersionRecord: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(revision)
        encoder.append(payload)
        encoder.append(baseRevision)
        encoder.append(transform)
        encoder.append(resultHash)
        switch content {
        case .image(let bytes):
            encoder.append(UInt8(1))
            encoder.append(bytes)
        case .transform(let depth):
            encoder.append(UInt8(2))
            encoder.append(depth)
        case .removed: encoder.append(UInt8(3))
        }
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let revision = try Revision(from: &decoder)
        let payload = try PayloadID(from: &decoder)
        let baseRevision = try Revision(from: &decoder)
        guard baseRevision < revision else { throw decoder.malformed("a base above the version") }
        let transform = try decoder.byteString(countMax: Limits.transformBytesMax)
        let resultHash = try decoder.digest()
        let content: Content
        switch try decoder.uint8() {
        case 1: content = .image(try decoder.byteString(countMax: Limits.blockBytesMax))
        case 2:
            let depth = try decoder.uint32()
            guard (1..<UInt32(Limits.versionImageInterval)).contains(depth) else {
                throw decoder.malformed("a version \(depth) transforms above an image")
            }
            content = .transform(depth: depth)
        case 3: content = .removed
        default: throw decoder.malformed("an unknown content of a version")
        }
        self.init(
            revision: revision, payload: payload, baseRevision: baseRevision,
            transform: transform, resultHash: resultHash, content: content)
    }
}
