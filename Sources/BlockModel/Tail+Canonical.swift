import BlockRuntime

extension Tail: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(name)
        encoder.append(incarnation)
        encoder.append(header)
        encoder.append(headerRevision)
        encoder.append(headerAtOpen)
        encoder.append(createdBy)
        encoder.append(revision)
        encoder.append(lastHash)
        encoder.append(entries)
        encoder.append(segments)
        encoder.append(exclusiveIntent)
        encoder.append(sharedIntents)
        encoder.append(aborted)
        encoder.append(openDecisions)
        encoder.append(checkpoint)
        encoder.append(truncatedThrough)
        encoder.append(retention)
        encoder.append(settled)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let name = try decoder.string(bytesMax: Limits.nameBytesMax)
        let incarnation = try Incarnation(from: &decoder)
        let header = try CollectionHeader(from: &decoder)
        let headerRevision = try Revision(from: &decoder)
        let headerAtOpen = try CollectionHeader(from: &decoder)
        self.init(
            name: name, incarnation: incarnation, header: header,
            createdBy: try ActionID(from: &decoder))
        self.headerRevision = headerRevision
        self.headerAtOpen = headerAtOpen
        revision = try Revision(from: &decoder)
        lastHash = try decoder.digest()
        entries = try decoder.list(of: Entry.self, countMax: Limits.segmentEntryCountMax)
        segments = try decoder.list(of: SegmentLink.self, countMax: Limits.segmentLinkCountMax + 1)
        exclusiveIntent = try decoder.optional(Intent.self)
        sharedIntents = try decoder.ascendingList(
            of: AttemptAnchor.self, countMax: Limits.sharedIntentCountMax)
        aborted = try decoder.ascendingList(
            of: Digest.self, countMax: Limits.abortedAttemptCountMax)
        openDecisions = try decoder.ascendingList(
            of: OpenDecision.self, countMax: Limits.openDecisionCountMax)
        checkpoint = try Checkpoint(from: &decoder)
        truncatedThrough = try Revision(from: &decoder)
        retention = try Retention(from: &decoder)
        settled = try Revision(from: &decoder)
        if let inconsistency { throw decoder.malformed(inconsistency) }
    }
}

extension EndedLife: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(incarnation)
        encoder.append(createdBy)
        encoder.append(droppedBy)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let incarnation = try Incarnation(from: &decoder)
        guard incarnation.generation > 0 else {
            throw decoder.malformed("generation 0 is that of absence")
        }
        self.init(
            incarnation: incarnation, createdBy: try ActionID(from: &decoder),
            droppedBy: try ActionID(from: &decoder))
    }
}

extension TailValue: CanonicalCodable {
    package static let version = FormVersion(1)

    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(Self.version)
        switch self {
        case .absent(let generation):
            encoder.append(UInt8(1))
            encoder.append(generation)
        case .dropped(let life):
            encoder.append(UInt8(2))
            encoder.append(life)
        case .live(let tail):
            encoder.append(UInt8(3))
            encoder.append(tail)
        }
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        try decoder.version(Self.version, of: "the value of a register")
        switch try decoder.uint8() {
        case 1: self = .absent(generation: try decoder.counter())
        case 2: self = .dropped(try EndedLife(from: &decoder))
        case 3: self = .live(try Tail(from: &decoder))
        default: throw decoder.malformed("an unknown state of a register")
        }
    }

    /// The bytes of a register that was never written are no bytes at all.
    package var registerBytes: Bytes {
        if case .absent(generation: 0) = self { return [] }
        return canonicalBytes
    }

    /// The inverse of ``registerBytes``.
    /// - Throws: `.malformedMessage`, also for the longer encoding of a register never written.
    package init(registerBytes bytes: Bytes) throws(DatabaseError) {
        if bytes.isEmpty {
            self = .absent(generation: 0)
        } else {
            try self.init(canonicalBytes: bytes)
            if self == .absent(generation: 0) {
                throw DatabaseError(
                    .malformedMessage,
                    "a register never written takes no bytes, not \(bytes.count)")
            }
        }
    }

    /// The tail, when the collection lives.
    package var live: Tail? {
        if case .live(let tail) = self { tail } else { nil }
    }
}
