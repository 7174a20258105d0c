import BlockRuntime

// MARK: - Integers

extension OrderedKey where Self: FixedWidthInteger {
    /// What the tree says its keys are, so that it opens as no other type.
    public static var keyType: KeyType {
        let scalar: KeyType.Scalar =
            switch bitWidth {
            case 8: isSigned ? .int8 : .uint8
            case 16: isSigned ? .int16 : .uint16
            case 32: isSigned ? .int32 : .uint32
            default: isSigned ? .int64 : .uint64
            }
        return KeyType(.scalar(scalar))
    }
}

extension OrderedKey where Self: FixedWidthInteger & UnsignedInteger {
    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) { encoder.append(fixed: self) }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self = try decoder.fixed(Self.self)
    }
}

/// The sign bit is turned over, so that negative numbers come first.
extension OrderedKey where Self: FixedWidthInteger & SignedInteger, Magnitude: FixedWidthInteger {
    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) {
        encoder.append(fixed: Magnitude(truncatingIfNeeded: self ^ .min))
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self = Self(truncatingIfNeeded: try decoder.fixed(Magnitude.self)) ^ .min
    }
}

extension UInt8: OrderedKey {}
extension UInt16: OrderedKey {}
extension UInt32: OrderedKey {}
extension UInt64: OrderedKey {}
/// As ``UInt64``.
extension UInt: OrderedKey {}
extension Int8: OrderedKey {}
extension Int16: OrderedKey {}
extension Int32: OrderedKey {}
extension Int64: OrderedKey {}
/// As ``Int64``.
extension Int: OrderedKey {}

// MARK: - Other values of fixed width

extension Bool: OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static let keyType = KeyType(.scalar(.bool))

    /// False comes first.
    public func appendKey(to encoder: inout KeyEncoder) {
        encoder.append(fixed: self ? 1 as UInt8 : 0)
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        switch try decoder.fixed(UInt8.self) {
        case 0: self = false
        case 1: self = true
        case let other: throw decoder.undecodable("\(other) where 0 or 1 belongs")
        }
    }
}

extension Identifier128: OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static let keyType = KeyType(.scalar(.uuid))

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) { encoder.append(fixed: value) }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self.init(try decoder.fixed(UInt128.self))
    }
}

// MARK: - Floating point

/// From negative to positive infinity. A number that is none (NaN) is refused, since it is neither
/// below nor above another; −0.0 is 0.0, since the two are equal, and comes back as 0.0.
extension Double: OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static let keyType = KeyType(.scalar(.double))

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        if isNaN { throw FloatOrder.notANumber }
        encoder.append(fixed: FloatOrder.ordered(self == 0 ? 0 : bitPattern))
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self.init(bitPattern: FloatOrder.pattern(try decoder.fixed(UInt64.self)))
        try FloatOrder.check(self, decoder)
    }
}

/// As ``Double``, in four bytes.
extension Float: OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static let keyType = KeyType(.scalar(.float))

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        if isNaN { throw FloatOrder.notANumber }
        encoder.append(fixed: FloatOrder.ordered(self == 0 ? 0 : bitPattern))
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self.init(bitPattern: FloatOrder.pattern(try decoder.fixed(UInt32.self)))
        try FloatOrder.check(self, decoder)
    }
}

/// IEEE 754 patterns order as numbers once the sign bit of positive ones is set and negative ones,
/// whose magnitude grows downwards, are turned over altogether.
private enum FloatOrder {
    static var notANumber: DatabaseError {
        DatabaseError(.invalidArgument, "a key is no number (NaN), which has no place in an order")
    }

    static func ordered<Pattern: FixedWidthInteger>(_ pattern: Pattern) -> Pattern {
        let sign = Pattern(1) << (Pattern.bitWidth - 1)
        return pattern & sign == 0 ? pattern | sign : ~pattern
    }

    static func pattern<Pattern: FixedWidthInteger>(_ ordered: Pattern) -> Pattern {
        let sign = Pattern(1) << (Pattern.bitWidth - 1)
        return ordered & sign == 0 ? ~ordered : ordered ^ sign
    }

    /// Refuses what is never written.
    static func check(
        _ value: some BinaryFloatingPoint, _ decoder: KeyDecoder
    ) throws(DatabaseError) {
        if value.isNaN { throw decoder.undecodable("a number that is none before this") }
        if value == 0, value.sign == .minus { throw decoder.undecodable("−0.0 before this") }
    }
}
