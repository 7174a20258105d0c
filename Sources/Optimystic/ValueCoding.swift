import Foundation

/// How the values of a collection become bytes. The encoding's name is kept in the collection's
/// header, so that nobody opens it as something else.
public struct ValueCoding<Value: Sendable>: Sendable {
    public let encoding: ValueEncoding
    let encode: @Sendable (Value) throws -> Bytes
    let decode: @Sendable (Bytes) throws -> Value
}

extension ValueCoding where Value == Bytes {
    /// Bytes as they are.
    public static let bytes = ValueCoding(encoding: .bytes, encode: { $0 }, decode: { $0 })

    /// Bytes as they are, which others read as JSON.
    public static let rawJSON = ValueCoding(encoding: .json, encode: { $0 }, decode: { $0 })
}

extension ValueCoding where Value: Codable {
    /// JSON with sorted keys, so that equal values are equal bytes. Dates are milliseconds since
    /// 1970, which any language reads; `Data` is base64.
    public static var json: ValueCoding {
        ValueCoding(
            encoding: .json,
            encode: { value in
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                encoder.dateEncodingStrategy = .millisecondsSince1970
                return Bytes(try encoder.encode(value))
            },
            decode: { bytes in
                let decoder = JSONDecoder()
                decoder.dateDecodingStrategy = .millisecondsSince1970
                return try decoder.decode(Value.self, from: Data(bytes))
            })
    }
}

extension ValueCoding {
    /// - Throws: `.invalidArgument` when the value cannot be encoded, `.valueTooLarge` when it has
    ///   more than ``Limits/valueBytesMax`` bytes. Nothing was sent.
    func bytes(of value: Value) throws(DatabaseError) -> Bytes {
        let bytes: Bytes
        do {
            bytes = try encode(value)
        } catch {
            throw DatabaseError(
                .invalidArgument, "the value cannot be encoded as \(encoding)", cause: error)
        }
        guard bytes.count <= Limits.valueBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "a value of \(bytes.count) bytes, valueBytesMax = \(Limits.valueBytesMax)")
        }
        return bytes
    }

    /// - Throws: `.valueUndecodable` naming the position.
    func value(of entry: DiaryEntry) throws(DatabaseError) -> Value {
        do {
            return try decode(entry.bytes)
        } catch {
            throw DatabaseError(
                .valueUndecodable,
                "entry \(entry.position) does not decode as \(Value.self)", cause: error)
        }
    }
}
