import BlockModel
import BlockRuntime
import CProtocol

// The checks of what comes from outside. Every one of them names the field, the limit and the
// actual figure.

/// The error of a field that breaks a rule of `Protos/README.md`.
func malformed(_ field: StaticString, _ problem: String) -> DatabaseError {
    DatabaseError(.malformedMessage, "field \(field): \(problem)")
}

/// The error of a field that is over a limit: `field name: 5000 bytes, limit nameBytesMax = 512`.
func over(_ field: StaticString, _ figure: String, _ limit: WireLimit) -> DatabaseError {
    malformed(field, "\(figure), \(limit)")
}

/// A bound that an application meets by what it stores, which has a code of its own.
func tooLarge(
    _ figure: Int, _ unit: StaticString, _ field: StaticString, _ limit: WireLimit
) throws(DatabaseError) {
    guard figure > limit.value else { return }
    throw DatabaseError(.valueTooLarge, "field \(field): \(figure) \(unit), \(limit)")
}

/// The message behind a field that must be there.
func required<Message>(
    _ message: UnsafeMutablePointer<Message>?, _ field: StaticString
) throws(DatabaseError) -> Message {
    guard let message else { throw malformed(field, "is missing") }
    return message.pointee
}

/// A number with a lower and an upper bound.
func bounded<Value: FixedWidthInteger>(
    _ value: Value, _ field: StaticString, from least: Int, through limit: WireLimit
) throws(DatabaseError) -> Value {
    guard value >= least else { throw malformed(field, "\(value), at least \(least), \(limit)") }
    guard value <= limit.value else { throw over(field, "\(value)", limit) }
    return value
}

/// A number that counts up by one; see ``Limits/counterMax``.
func counted(_ value: UInt64, _ field: StaticString) throws(DatabaseError) -> UInt64 {
    guard value <= Limits.counterMax else {
        throw over(field, "\(value)", .counterMax)
    }
    return value
}

extension Revision {
    init(wire value: UInt64, _ field: StaticString) throws(DatabaseError) {
        self.init(try counted(value, field))
    }
}

/// The case of one of our enums behind an enum of the protocol, whose numbers are the same.
func known<Case: RawRepresentable<UInt8>>(
    _ value: some RawRepresentable<UInt32>, _ field: StaticString
) throws(DatabaseError) -> Case {
    guard let raw = UInt8(exactly: value.rawValue), let known = Case(rawValue: raw) else {
        throw malformed(field, "unknown value \(Int32(truncatingIfNeeded: value.rawValue))")
    }
    return known
}

/// The error of a oneof in which nothing known is set.
func unset(_ field: StaticString) -> DatabaseError {
    malformed(field, "none of the members that this release knows is set")
}

/// The messages of a repeated field, converted one after the other.
func list<Message, Value>(
    _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int,
    _ field: StaticString, countMax: WireLimit,
    _ convert: (UnsafeMutablePointer<Message>?) throws(DatabaseError) -> Value
) throws(DatabaseError) -> [Value] {
    try array(pointers, count, field, countMax: countMax, convert)
}

/// The scalars or byte strings of a repeated field, converted one after the other.
func array<Element, Value>(
    _ elements: UnsafeMutablePointer<Element>?, _ count: Int, _ field: StaticString,
    countMax: WireLimit, _ convert: (Element) throws(DatabaseError) -> Value
) throws(DatabaseError) -> [Value] {
    guard count <= countMax.value else { throw over(field, "\(count) items", countMax) }
    guard let elements else { return [] }
    var values: [Value] = []
    values.reserveCapacity(count)
    for position in 0..<count { values.append(try convert(elements[position])) }
    return values
}

/// - Throws: `.malformedMessage` unless each value is greater than the one before.
func ascending<Value: Comparable>(
    _ values: [Value], _ field: StaticString
) throws(DatabaseError) -> [Value] {
    for (left, right) in zip(values, values.dropFirst()) where left >= right {
        throw malformed(field, "does not ascend strictly")
    }
    return values
}

extension ProtobufCBinaryData {
    private var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: data, count: len) }

    /// A copy.
    func bytes(_ field: StaticString, bytesMax: WireLimit) throws(DatabaseError) -> Bytes {
        guard len <= bytesMax.value else { throw over(field, "\(len) bytes", bytesMax) }
        return Bytes(buffer)
    }

    /// UTF-8 text.
    func text(
        _ field: StaticString, bytesMin: Int = 0, bytesMax: WireLimit
    ) throws(DatabaseError) -> String {
        guard len >= bytesMin else {
            throw malformed(field, "\(len) bytes, at least \(bytesMin), \(bytesMax)")
        }
        guard len <= bytesMax.value else { throw over(field, "\(len) bytes", bytesMax) }
        guard let text = String(validating: buffer, as: UTF8.self) else {
            throw malformed(field, "is not UTF-8")
        }
        return text
    }

    /// The name of a collection or cluster.
    func name(_ field: StaticString) throws(DatabaseError) -> String {
        try text(field, bytesMin: 1, bytesMax: .nameBytesMax)
    }

    func digest(_ field: StaticString) throws(DatabaseError) -> Digest {
        guard let digest = Digest(buffer) else {
            throw malformed(field, "\(len) bytes, of exactly \(Digest.byteCount)")
        }
        return digest
    }

    /// No bytes stand for the digest of nothing.
    func digestOrZero(_ field: StaticString) throws(DatabaseError) -> Digest {
        guard len > 0 else { return .zero }
        let digest = try digest(field)
        guard digest != .zero else { throw malformed(field, "all zero where no bytes belong") }
        return digest
    }

    func identifier(_ field: StaticString) throws(DatabaseError) -> Identifier128 {
        guard let identifier = Identifier128(buffer) else {
            throw malformed(field, "\(len) bytes, of exactly \(Identifier128.byteCount)")
        }
        return identifier
    }

    /// No bytes stand for nil.
    func collectionIfAny(_ field: StaticString) throws(DatabaseError) -> CollectionID? {
        len == 0 ? nil : CollectionID(try digest(field))
    }

    func collection(_ field: StaticString) throws(DatabaseError) -> CollectionID {
        CollectionID(try digest(field))
    }

    func block(_ field: StaticString) throws(DatabaseError) -> BlockID {
        BlockID(try digest(field))
    }

    /// A tail value in its canonical encoding, consistent in itself.
    func tail(_ field: StaticString) throws(DatabaseError) -> TailValue {
        let bytes = try bytes(field, bytesMax: .tailBytesMax)
        do throws(DatabaseError) {
            return try TailValue(canonicalBytes: bytes)
        } catch {
            if error.code == .formatUnsupported { throw error }
            throw malformed(field, error.message)
        }
    }

    /// No bytes stand for nil.
    func keyType(_ field: StaticString) throws(DatabaseError) -> KeyType? {
        let text = try text(field, bytesMax: .keyTypeBytesMax)
        if text.isEmpty { return nil }
        guard let type = KeyType(text: text) else {
            throw malformed(field, "\"\(text)\" is no type of keys")
        }
        return type
    }
}
