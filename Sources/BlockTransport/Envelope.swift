import BlockRuntime

/// One message between two processes: the fixed header frame, and the payload frame.
///
/// The header is 44 bytes, every number big-endian:
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic, "OPTY" |
/// | 4 | 2 | version, 1 |
/// | 6 | 2 | kind of the payload; its meaning belongs to the wire layer |
/// | 8 | 8 | correlation id: a reply carries that of its request |
/// | 16 | 4 | remaining time of the request in milliseconds |
/// | 20 | 16 | cluster id |
/// | 36 | 8 | trace id |
package struct Envelope: Hashable, Sendable {
    /// Length of the header frame in bytes.
    package static let headerByteCount = 44
    /// "OPTY".
    package static let magic: UInt32 = 0x4F50_5459
    /// The only version this release speaks.
    package static let version: UInt16 = 1

    /// What the payload is.
    package var kind: UInt16
    /// Chosen by who asks, echoed by who answers. Zero belongs to no request.
    package var correlation: UInt64
    /// How long the sender will still wait, in milliseconds: a duration, because the clocks of two
    /// processes do not compare.
    package var remainingMilliseconds: UInt32
    /// The cluster both sides must belong to.
    package var cluster: Identifier128
    /// Ties together what one request caused, for people.
    package var trace: UInt64
    /// At most `Limits.frameBytesMax` bytes; empty is allowed.
    package var payload: Bytes

    package init(
        kind: UInt16, correlation: UInt64, remainingMilliseconds: UInt32,
        cluster: Identifier128, trace: UInt64, payload: Bytes
    ) {
        self.kind = kind
        self.correlation = correlation
        self.remainingMilliseconds = remainingMilliseconds
        self.cluster = cluster
        self.trace = trace
        self.payload = payload
    }

    /// Bytes of both frames.
    package var byteCount: Int { Self.headerByteCount + payload.count }

    /// Whether the payload fits a frame.
    package var isWithinLimits: Bool { payload.count <= Limits.frameBytesMax }
}

extension Envelope {
    /// Reads a header frame; the payload is left empty.
    ///
    /// - Throws: `.malformedMessage` for a wrong size or magic, `.versionUnsupported` for another
    ///   version, whatever the size of its header.
    package init(header: UnsafeRawBufferPointer) throws(DatabaseError) {
        guard header.count >= 6 else {
            throw DatabaseError(
                .malformedMessage,
                "header frame of \(header.count) bytes, expected \(Self.headerByteCount)")
        }
        let magic: UInt32 = Self.load(header, 0)
        guard magic == Self.magic else {
            throw DatabaseError(
                .malformedMessage,
                "header frame begins with \(ByteText.hex(header.prefix(4))), expected \"OPTY\"")
        }
        let version: UInt16 = Self.load(header, 4)
        guard version == Self.version else {
            throw DatabaseError(
                .versionUnsupported,
                "message of version \(version), this process speaks version \(Self.version)")
        }
        guard header.count == Self.headerByteCount else {
            throw DatabaseError(
                .malformedMessage,
                "header frame of \(header.count) bytes, expected \(Self.headerByteCount)")
        }
        self.init(
            kind: Self.load(header, 6),
            correlation: Self.load(header, 8),
            remainingMilliseconds: Self.load(header, 16),
            cluster: Identifier128(Self.load(header, 20)),
            trace: Self.load(header, 36),
            payload: [])
    }

    /// Reads the frames that follow the routing frames.
    ///
    /// - Throws: `.malformedMessage`, `.versionUnsupported`; see ``init(header:)``.
    /// - Complexity: O(1); the payload is not copied.
    package init(frames: [Bytes]) throws(DatabaseError) {
        guard frames.count == 2 else { throw Self.frameCountError(actual: frames.count) }
        guard frames[1].count <= Limits.frameBytesMax else {
            throw Self.payloadSizeError(actual: frames[1].count)
        }
        let decoded = frames[0].withUnsafeBytes { header in
            Result { () throws(DatabaseError) in try Envelope(header: header) }
        }
        self = try decoded.get()
        payload = frames[1]
    }

    /// Writes the header frame into `buffer`, which must be exactly 44 bytes.
    package func encodeHeader(into buffer: UnsafeMutableRawBufferPointer) {
        invariant(buffer.count == Self.headerByteCount, "header buffer of \(buffer.count) bytes")
        Self.store(Self.magic, buffer, 0)
        Self.store(Self.version, buffer, 4)
        Self.store(kind, buffer, 6)
        Self.store(correlation, buffer, 8)
        Self.store(remainingMilliseconds, buffer, 16)
        Self.store(cluster.value, buffer, 20)
        Self.store(trace, buffer, 36)
    }

    /// The two frames: header and payload.
    package var frames: [Bytes] {
        var header = Bytes(repeating: 0, count: Self.headerByteCount)
        header.withUnsafeMutableBytes { encodeHeader(into: $0) }
        return [header, payload]
    }

    /// Why a message of `actual` frames, routing frames not counted, is refused.
    package static func frameCountError(actual: Int) -> DatabaseError {
        DatabaseError(
            .malformedMessage,
            "message of \(actual) frames, expected 2: header and payload"
                + " (the limit is \(Limits.frameCountMax) with routing frames)")
    }

    /// Why a payload of `actual` bytes is refused.
    package static func payloadSizeError(actual: Int) -> DatabaseError {
        DatabaseError(
            .malformedMessage,
            "payload of \(actual) bytes, over the limit of \(Limits.frameBytesMax)")
    }

    private static func load<Number: FixedWidthInteger>(
        _ buffer: UnsafeRawBufferPointer, _ offset: Int
    ) -> Number {
        Number(bigEndian: buffer.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    private static func store<Number: FixedWidthInteger>(
        _ number: Number, _ buffer: UnsafeMutableRawBufferPointer, _ offset: Int
    ) {
        buffer.storeBytes(of: number.bigEndian, toByteOffset: offset, as: Number.self)
    }
}
