import BlockModel
import BlockRuntime
import Foundation

/// The 16 bytes as they are written, which is the order of `<`.
extension UUID: OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static let keyType = Identifier128.keyType

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) {
        encoder.append(
            fixed: withUnsafeBytes(of: uuid) {
                UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self))
            })
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        let number = try decoder.fixed(UInt128.self)
        self.init(
            uuid: withUnsafeBytes(of: number.bigEndian) { $0.loadUnaligned(as: uuid_t.self) })
    }
}

/// The seconds since the start of 2001 in UTC as a `Double`, which is what a `Date` is: nothing is
/// lost, and the order is exact.
extension Date: OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static let keyType: KeyType = "date"

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        try timeIntervalSinceReferenceDate.appendKey(to: &encoder)
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self.init(timeIntervalSinceReferenceDate: try Double(from: &decoder))
    }
}
