import BlockRuntime
import Glibc

/// Whether a decimal number that the user wrote is the one that was made of it. Two that differ
/// only behind the digits that are kept would be one key.
enum ExactNumber {
    /// Whether `value` is what `text` says: what it is when it is rounded to as many digits as the
    /// text has before its last zeros. `0.1`, `0.10` and `0.10000000000000001` say the same;
    /// `9007199254740993` is none.
    static func says(_ text: String, _ value: Double) -> Bool {
        // What is not decimal, as `inf` and `0x1p3`, says exactly what it is.
        guard let (digits, exponent) = decimal(text) else { return true }
        guard !digits.isEmpty else { return value == 0 }
        guard value.isFinite, let exponent else { return false }
        let rounded = written("%.*e", Int32(clamping: digits.count - 1), abs(value))
        guard let (kept, place) = decimal(rounded), let place else { return false }
        return kept == digits && place == exponent
    }

    /// Whether `fraction`, digits behind a point, is `value` rounded to as many digits.
    static func says(fraction: ArraySlice<UInt8>, _ value: Double) -> Bool {
        let rounded = written("%.*f", Int32(clamping: fraction.count), value)
        return rounded.utf8.elementsEqual("0.".utf8 + Array(fraction))
    }

    /// The digits from the first to the last one that is not 0, and the power of ten of the first;
    /// nil for what is no decimal number. The power is nil when it is beyond all.
    private static func decimal(_ text: String) -> (digits: Bytes, exponent: Int?)? {
        var rest = Array(text.utf8)[...]
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            rest = rest.dropFirst()
        }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction = Bytes()[...]
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest.dropFirst(fraction.count + 1)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        var power: Int? = 0
        if let mark = rest.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            power = Int(String(decoding: rest.dropFirst(), as: UTF8.self))
            rest = []
        }
        guard rest.isEmpty else { return nil }
        let all = whole + fraction
        var digits = all.drop { $0 == UInt8(ascii: "0") }
        let leading = whole.count - 1 - (all.count - digits.count)
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (Array(digits), power.map { $0.addingReportingOverflow(leading).partialValue })
    }

    /// A number as the C library writes it.
    private static func written(_ format: String, _ digits: Int32, _ value: Double) -> String {
        // A sign, 309 digits, the point, an exponent, and the end.
        var buffer = [CChar](repeating: 0, count: Int(digits) + 330)
        let count = withVaList([digits, value]) {
            vsnprintf(&buffer, buffer.count, format, $0)
        }
        return String(
            decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
