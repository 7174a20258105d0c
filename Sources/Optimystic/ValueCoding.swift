import BlockModel
import BlockRuntime
import Foundation

/// How the values of a collection become bytes. The encoding's name is kept in the collection's
/// header, so that no client opens it as something else.
public struct ValueCoding<Value: Sendable>: Sendable {
    /// What the collection says of its values, so that it opens as nothing else.
    public let encoding: ValueEncoding
    package let encode: @Sendable (Value) throws -> Bytes
    package let decode: @Sendable (Bytes) throws -> Value
    /// Whether stored bytes that differ from those of a value stand for it all the same; nil when
    /// one value has one encoding.
    package var means: (@Sendable (_ stored: Bytes, _ value: Value) -> Bool)?
}

extension ValueCoding where Value == Bytes {
    /// Bytes as they are.
    public static let bytes = ValueCoding(encoding: .bytes, encode: { $0 }, decode: { $0 })

    /// Bytes as they are, which others read as JSON.
    public static let rawJSON = ValueCoding(encoding: .json, encode: { $0 }, decode: { $0 })
}

extension ValueCoding where Value: Codable {
    /// JSON with sorted keys. `Data` is base64, and a `Date` is the seconds since the start of 2001
    /// in UTC, which is what it holds.
    ///
    /// What comes back is equal to what was written, to the last bit, for every type whose
    /// `Codable` is exact: integers, `Double` and `Float` (−0 and subnormal numbers too),
    /// `Decimal`, `Date`, `Data`, text, and what is made of them. Two things JSON does not have:
    /// infinities and NaN are refused, `.invalidArgument`, and of an optional in an optional one
    /// level stays.
    ///
    /// A set, and a dictionary whose keys are neither texts nor integers, are written in no certain
    /// order; that, and JSON that another program spelled in its own way, is understood where
    /// values are compared (``Tree/Condition/isValue(_:_:)``).
    public static var json: ValueCoding {
        ValueCoding(
            encoding: .json, encode: encodeJSON, decode: decodeJSON,
            means: { stored, value in
                guard let read = try? decodeJSON(stored), let again = try? encodeJSON(read),
                    let wanted = try? encodeJSON(value)
                else { return false }
                // Sets differ in the order of their elements alone, and are equal.
                return again == wanted
                    || JSONOrder.sorted(again) == JSONOrder.sorted(wanted) && areEqual(read, value)
            })
    }

    @Sendable private static func encodeJSON(_ value: Value) throws -> Bytes {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .deferredToDate
        return Bytes(try encoder.encode(value))
    }

    @Sendable private static func decodeJSON(_ bytes: Bytes) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .deferredToDate
        return try decoder.decode(Value.self, from: Data(bytes))
    }

    /// Whether both are equal, as their type sees it; false for a type that does not say.
    private static func areEqual(_ left: Value, _ right: Value) -> Bool {
        func areEqual<Compared: Equatable>(_ left: Compared) -> Bool {
            (right as? Compared) == left
        }
        guard let left = left as? any Equatable else { return false }
        return areEqual(left)
    }
}

/// JSON without the order of its arrays.
package enum JSONOrder {
    /// The same text with the elements of each array sorted by their bytes.
    /// - Parameter json: As our encoder writes it: valid, without white space.
    package static func sorted(_ json: Bytes) -> Bytes {
        var rest = json[...]
        return value(&rest)
    }

    private static func value(_ rest: inout ArraySlice<UInt8>) -> Bytes {
        switch rest.first {
        case UInt8(ascii: "["): list(&rest, isSorted: true)
        case UInt8(ascii: "{"): list(&rest, isSorted: false)
        case UInt8(ascii: "\""): text(&rest)
        default: word(&rest)
        }
    }

    /// An array or an object; a member of an object is taken for two elements, its colon for a
    /// comma.
    private static func list(_ rest: inout ArraySlice<UInt8>, isSorted: Bool) -> Bytes {
        var elements: [Bytes] = []
        let opening = rest.removeFirst()
        while let byte = rest.first, byte != UInt8(ascii: "]"), byte != UInt8(ascii: "}") {
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: ":") {
                rest.removeFirst()
            } else {
                elements.append(value(&rest))
            }
        }
        rest = rest.dropFirst()
        if isSorted { elements.sort { $0.lexicographicallyPrecedes($1) } }
        return [opening] + elements.joined(separator: [UInt8(ascii: ",")])
    }

    private static func text(_ rest: inout ArraySlice<UInt8>) -> Bytes {
        var text = [rest.removeFirst()]
        while let byte = rest.popFirst() {
            text.append(byte)
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() { text.append(escaped) }
        }
        return text
    }

    private static func word(_ rest: inout ArraySlice<UInt8>) -> Bytes {
        let word = rest.prefix { !",:]}".utf8.contains($0) }
        rest = rest[word.endIndex...]
        return Bytes(word)
    }
}

extension ValueCoding {
    /// - Throws: `.invalidArgument` when the value cannot be encoded, `.valueTooLarge` when it has
    ///   more than ``Limits/valueBytesMax`` bytes. Nothing was sent.
    package func bytes(of value: Value) throws(DatabaseError) -> Bytes {
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
