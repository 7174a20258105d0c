/// A JSON value to be written on one line. Names come out in the order of their bytes, so that
/// the same result is the same text.
package indirect enum JSONText {
    case null
    case boolean(Bool)
    case number(UInt64)
    case string(String)
    case array([JSONText])
    case object([ExactText: JSONText])
    /// JSON text already, on one line.
    case raw(String)

    package static func count(_ value: Int) -> JSONText { .number(UInt64(clamping: value)) }

    package static func optional(_ text: String?) -> JSONText { text.map { .string($0) } ?? .null }

    package var text: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let value): "\(value)"
        case .string(let value): JSONText.quoted(value)
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let pairs):
            "{"
                + pairs.sorted { $0.key < $1.key }
                .map { "\(JSONText.quoted($0.key.text)):\($0.value.text)" }
                .joined(separator: ",") + "}"
        case .raw(let text): text
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// JSON bytes as JSON text on one line; nil when they are not JSON.
    package init?(json bytes: Bytes) {
        guard let value = try? JSONParser.parse(bytes) else { return nil }
        guard bytes.contains(UInt8(ascii: "\n")) || bytes.contains(UInt8(ascii: "\r")) else {
            // As it was written.
            self = .raw(String(decoding: bytes, as: UTF8.self))
            return
        }
        self = value
    }
}
