import BlockRuntime

/// A value with one and only one encoding, over which digests are taken.
package protocol CanonicalCodable {
    func encode(into encoder: inout CanonicalEncoder)
    init(from decoder: inout CanonicalDecoder) throws(DatabaseError)
}

extension CanonicalCodable {
    /// The one encoding of this value.
    package var canonicalBytes: Bytes {
        var encoder = CanonicalEncoder()
        encode(into: &encoder)
        return encoder.bytes
    }

    /// Decodes a whole buffer.
    /// - Throws: `.malformedMessage` when `bytes` is not exactly one canonical encoding.
    package init(canonicalBytes bytes: Bytes) throws(DatabaseError) {
        var decoder = CanonicalDecoder(bytes)
        try self.init(from: &decoder)
        try decoder.finish()
    }
}

/// Writes canonical bytes: integers big-endian at full width, byte strings and lists behind a
/// 32-bit count, optionals behind a byte 0 or 1.
package struct CanonicalEncoder {
    package private(set) var bytes = Bytes()

    package init() {}

    package mutating func append(_ value: UInt8) { bytes.append(value) }
    package mutating func append(_ value: Bool) { bytes.append(value ? 1 : 0) }

    package mutating func append(_ value: UInt32) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ value: UInt64) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ value: Identifier128) {
        withUnsafeBytes(of: value.value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ value: Digest) { value.append(to: &bytes) }

    package mutating func append(_ value: Bytes) {
        append(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func append(_ value: String) { append(Array(value.utf8)) }

    package mutating func append(_ value: some CanonicalCodable) { value.encode(into: &self) }

    package mutating func append<Value: CanonicalCodable>(_ value: Value?) {
        append(value != nil)
        if let value { append(value) }
    }

    package mutating func append(_ values: [some CanonicalCodable]) {
        append(UInt32(values.count))
        for value in values { append(value) }
    }
}

/// Reads canonical bytes. Every length is checked against what is left before it is used, so that
/// no input makes it read past the end or allocate more than a small multiple of what is left.
package struct CanonicalDecoder {
    private let bytes: Bytes
    private var position = 0

    package init(_ bytes: Bytes) { self.bytes = bytes }

    /// Bytes not read yet.
    package var remaining: Int { bytes.count - position }

    /// The error of an encoding that is not canonical.
    package func malformed(_ what: String) -> DatabaseError {
        DatabaseError(.malformedMessage, "canonical bytes: \(what) at byte \(position)")
    }

    private mutating func advance(_ count: Int) throws(DatabaseError) -> Int {
        guard count <= remaining else {
            throw malformed("\(count) bytes wanted, \(remaining) left")
        }
        defer { position += count }
        return position
    }

    package mutating func uint8() throws(DatabaseError) -> UInt8 { bytes[try advance(1)] }

    package mutating func bool() throws(DatabaseError) -> Bool {
        switch try uint8() {
        case 0: false
        case 1: true
        case let other: throw malformed("\(other) where 0 or 1 belongs")
        }
    }

    package mutating func uint32() throws(DatabaseError) -> UInt32 {
        let start = try advance(4)
        return bytes.withUnsafeBytes {
            UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt32.self))
        }
    }

    package mutating func uint64() throws(DatabaseError) -> UInt64 {
        let start = try advance(8)
        return bytes.withUnsafeBytes {
            UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
    }

    /// A number that counts up by one: at most ``Limits/counterMax``.
    package mutating func counter() throws(DatabaseError) -> UInt64 {
        let value = try uint64()
        guard value <= Limits.counterMax else {
            throw malformed("a counter of \(value) where \(Limits.counterMax) is the greatest")
        }
        return value
    }

    package mutating func identifier() throws(DatabaseError) -> Identifier128 {
        let high = try uint64()
        let low = try uint64()
        return Identifier128(UInt128(high) << 64 | UInt128(low))
    }

    package mutating func digest() throws(DatabaseError) -> Digest {
        let start = try advance(Digest.byteCount)
        let digest = bytes.withUnsafeBytes {
            Digest(UnsafeRawBufferPointer(rebasing: $0[start..<start + Digest.byteCount]))
        }
        guard let digest else { throw malformed("no digest") }
        return digest
    }

    /// - Parameter countMax: The most bytes the field may have.
    package mutating func byteString(countMax: Int) throws(DatabaseError) -> Bytes {
        let count = Int(try uint32())
        guard count <= countMax else {
            throw malformed("a field of \(count) bytes where \(countMax) are allowed")
        }
        let start = try advance(count)
        return Bytes(bytes[start..<start + count])
    }

    package mutating func string(bytesMax: Int) throws(DatabaseError) -> String {
        let raw = try byteString(countMax: bytesMax)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw malformed("text that is not UTF-8")
        }
        return text
    }

    package mutating func optional<Value: CanonicalCodable>(
        _: Value.Type
    ) throws(DatabaseError) -> Value? {
        try bool() ? try Value(from: &self) : nil
    }

    /// A list. A count that what is left cannot hold is a lie, and is refused before anything is
    /// allocated for it.
    /// - Parameter elementBytesMin: Bytes of the smallest element; most begin with an id.
    package mutating func list<Value: CanonicalCodable>(
        of _: Value.Type, countMax: Int, elementBytesMin: Int = Identifier128.byteCount
    ) throws(DatabaseError) -> [Value] {
        let count = Int(try uint32())
        guard count <= countMax else {
            throw malformed("a list of \(count) where \(countMax) are allowed")
        }
        guard count <= remaining / elementBytesMin else {
            throw malformed("a list of \(count) where \(remaining) bytes are left")
        }
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try Value(from: &self)) }
        return values
    }

    /// - Throws: `.malformedMessage` when bytes are left over.
    package func finish() throws(DatabaseError) {
        guard remaining == 0 else { throw malformed("\(remaining) bytes left over") }
    }
}

extension CanonicalDecoder {
    /// A list that must ascend strictly: sets have one encoding only.
    package mutating func ascendingList<Value: CanonicalCodable & Comparable>(
        of type: Value.Type, countMax: Int
    ) throws(DatabaseError) -> [Value] {
        let values = try list(of: type, countMax: countMax)
        for (left, right) in zip(values, values.dropFirst()) where left >= right {
            throw malformed("a list that does not ascend")
        }
        return values
    }
}
