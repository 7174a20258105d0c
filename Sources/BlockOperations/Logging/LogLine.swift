import BlockRuntime
import Glibc
import Logging

/// One log event as the bytes of one line, its line feed included.
struct LogLine {
    /// Milliseconds since 1970-01-01 UTC.
    let milliseconds: UInt64
    let level: Logger.Level
    let label: String
    let message: String
    let metadata: Logger.Metadata

    /// The keys that every JSON line begins with; metadata of the same name gets a `_` behind it,
    /// since a JSON object must not name a key twice.
    static let reservedKeys: Set<String> = ["ts", "level", "label", "msg"]

    func rendered(as format: LogFormat) -> Bytes {
        switch format {
        case .json: renderedAsJSON()
        case .text: renderedAsText()
        }
    }

    private func renderedAsJSON() -> Bytes {
        var line = LineBuffer()
        line.append("{\"ts\":\"\(Self.timestamp(milliseconds))\",\"level\":\"\(level)\",\"label\":")
        line.appendQuoted(label)
        line.append(",\"msg\":")
        line.appendQuoted(message)
        for (key, value) in sortedMetadata() {
            line.append(",")
            line.appendQuoted(Self.reservedKeys.contains(key) ? key + "_" : key)
            line.append(":")
            Self.appendJSON(value, to: &line)
        }
        line.append("}\n")
        return line.bytes
    }

    private func renderedAsText() -> Bytes {
        var line = LineBuffer()
        let padding = String(repeating: " ", count: max(0, 8 - "\(level)".count))
        line.append("\(Self.timestamp(milliseconds)) \(level)\(padding) ")
        line.appendEscaped(label)
        line.append(": ")
        line.appendEscaped(message)
        for (key, value) in sortedMetadata() {
            line.append(" ")
            line.appendEscaped(key)
            line.append("=")
            if case .string(let text) = value, !text.isEmpty, !text.utf8.contains(0x20) {
                line.appendEscaped(text)
            } else {
                Self.appendJSON(value, to: &line)
            }
        }
        line.append("\n")
        return line.bytes
    }

    private func sortedMetadata() -> [(key: String, value: Logger.MetadataValue)] {
        metadata.sorted { $0.key < $1.key }
    }

    private static func appendJSON(_ value: Logger.MetadataValue, to line: inout LineBuffer) {
        switch value {
        case .string(let text):
            line.appendQuoted(text)
        // Counts and flags stay what they are, so that a query can compare them.
        case .stringConvertible(let number as any FixedWidthInteger & Sendable):
            line.append("\(number)")
        case .stringConvertible(let flag as Bool):
            line.append(flag ? "true" : "false")
        case .stringConvertible(let other):
            line.appendQuoted(other.description)
        case .array(let values):
            line.append("[")
            for (position, value) in values.enumerated() {
                if position > 0 { line.append(",") }
                appendJSON(value, to: &line)
            }
            line.append("]")
        case .dictionary(let values):
            line.append("{")
            for (position, pair) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                if position > 0 { line.append(",") }
                line.appendQuoted(pair.key)
                line.append(":")
                appendJSON(pair.value, to: &line)
            }
            line.append("}")
        }
    }

    /// RFC 3339 in UTC with milliseconds: `2026-01-31T23:59:59.007Z`.
    static func timestamp(_ milliseconds: UInt64) -> String {
        // A thousandth of any UInt64 is a time_t, and its year an Int32.
        var seconds = time_t(clamping: milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let year = padded(parts.tm_year + 1900, 4)
        let date = "\(year)-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        let minute = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2))"
        let second = "\(padded(parts.tm_sec, 2)).\(padded(Int32(clamping: milliseconds % 1000), 3))"
        return "\(date)T\(minute):\(second)Z"
    }

    private static func padded(_ number: Int32, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
