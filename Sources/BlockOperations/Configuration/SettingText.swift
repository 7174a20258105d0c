/// A text that is not a value of its setting.
package struct InvalidSettingText: Error, Hashable, Sendable {
    /// What would have been right, to go behind "expected": "an integer from 1 to 65535".
    package let expected: String
    package init(expected: String) { self.expected = expected }
}

/// The text forms of settings. Strict: one number and one unit, without spaces, signs or fractions,
/// so that no two people read the same text differently.
package enum SettingText {
    private static let durationUnits: [(name: String, nanoseconds: Int64)] = [
        ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ]
    private static let sizeUnits: [(name: String, bytes: Int)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// `250us`, `250ms`, `5s`, `2m` or `1h`.
    /// - Returns: nil when `text` is none of these or beyond 292 years (2⁶³ ns).
    package static func duration(_ text: String) -> Duration? {
        guard let (count, unit) = numberAndUnit(text),
            let nanoseconds = durationUnits.first(where: { $0.name == unit })?.nanoseconds,
            let count = Int64(exactly: count)
        else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: nanoseconds)
        return overflow ? nil : .nanoseconds(product)
    }

    /// `512B`, `64KiB`, `64MiB`, `2GiB` or `1TiB`, in bytes.
    /// - Returns: nil when `text` is none of these or beyond 2⁶³ − 1 bytes.
    package static func byteSize(_ text: String) -> Int? {
        guard let (count, unit) = numberAndUnit(text),
            let bytes = sizeUnits.first(where: { $0.name == unit })?.bytes
        else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: bytes)
        return overflow ? nil : product
    }

    /// A decimal integer with an optional minus sign and nothing else.
    package static func integer(_ text: String) -> Int? {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit) else { return nil }
        return Int(text)
    }

    /// The shortest exact form that ``duration(_:)`` reads back; a part of a microsecond is lost.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        if microseconds == 0 { return "0s" }
        let unit = durationUnits.last { microseconds.isMultiple(of: $0.nanoseconds / 1_000) }
        guard let unit else { return "\(microseconds)us" }
        return "\(microseconds / (unit.nanoseconds / 1_000))\(unit.name)"
    }

    /// The shortest exact form that ``byteSize(_:)`` reads back.
    package static func text(byteSize: Int) -> String {
        guard byteSize != 0, let unit = sizeUnits.last(where: { byteSize.isMultiple(of: $0.bytes) })
        else { return "\(byteSize)B" }
        return "\(byteSize / unit.bytes)\(unit.name)"
    }

    private static func numberAndUnit(_ text: String) -> (Int, Substring)? {
        let digits = text.prefix { $0.utf8.count == 1 && $0.utf8.allSatisfy(isDigit) }
        guard let number = Int(digits) else { return nil }
        return (number, text[digits.endIndex...])
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
