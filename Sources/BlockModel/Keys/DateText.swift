import BlockRuntime

/// A moment as text that says exactly which one it is: `2026-11-29T12:30:00.25Z`, with as many
/// digits of a second as it needs.
///
/// A moment is the seconds since the start of 2001 in UTC. One that no calendar date says exactly,
/// or of before the year 1 or after 9999, is the number of these seconds.
package enum DateText {
    private static let secondsOfDay = 86_400
    private static let firstDay = days(year: 2001, month: 1, day: 1)
    /// More would not fit the arithmetic, and only moments within 2001 need more.
    private static let fractionDigitsMax = 15

    package static func text(of seconds: Double) -> String {
        let first = Double((days(year: 1, month: 1, day: 1) - firstDay) * secondsOfDay)
        let end = Double((days(year: 10_000, month: 1, day: 1) - firstDay) * secondsOfDay)
        guard seconds >= first, seconds < end, seconds != 0 || seconds.sign == .plus else {
            return "\(seconds)"
        }
        let whole = seconds.rounded(.down)
        guard let fraction = fraction(of: seconds, whole) else { return "\(seconds)" }
        let number = Int(whole)
        let time = modulo(number, secondsOfDay)
        let date = date(ofDay: (number - time) / secondsOfDay + firstDay)
        let clock = [time / 3600, time / 60 % 60, time % 60].map { padded($0, 2) }
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T"
            + clock.joined(separator: ":") + fraction + "Z"
    }

    /// - Returns: nil for what is neither a number nor `2026-11-29`, with or without a time of day
    ///   in UTC as ``text(of:)`` writes it.
    package static func seconds(of text: String) -> Double? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10])
        else {
            return Double(text).flatMap { !$0.isNaN && ExactNumber.says(text, $0) ? $0 : nil }
        }
        let days = days(year: year, month: month, day: day)
        // A day that there is not comes back as another one.
        guard date(ofDay: days) == (year, month, day), year >= 1 else { return nil }
        let midnight = Double((days - firstDay) * secondsOfDay)
        if bytes.count == 10 { return midnight }
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T"), bytes.last == UInt8(ascii: "Z"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]), hour < 24, minute < 60, second < 60
        else { return nil }
        let whole = midnight + Double((hour * 60 + minute) * 60 + second)
        let fraction = bytes[19..<(bytes.count - 1)]
        if fraction.isEmpty { return whole }
        guard fraction.first == UInt8(ascii: "."), fraction.count > 1,
            fraction.dropFirst().allSatisfy(isDigit),
            let part = Double("0" + String(decoding: fraction, as: UTF8.self))
        else { return nil }
        let seconds = whole + part
        let digits = fraction.dropFirst()
        // One that is rounded would be the same as another one.
        guard
            ExactNumber.says(fraction: digits, seconds - whole)
                || self.fraction(of: seconds, whole)?.utf8.elementsEqual(fraction) == true
        else { return nil }
        return seconds
    }

    /// The shortest digits behind the point that give `seconds` again; nil when none do.
    private static func fraction(of seconds: Double, _ whole: Double) -> String? {
        if seconds == whole { return "" }
        var scale = 1.0
        for digits in 1...fractionDigitsMax {
            scale *= 10
            let scaled = ((seconds - whole) * scale).rounded()
            guard scaled < scale else { continue }
            let text = "." + padded(Int(scaled), digits)
            if let part = Double("0" + text), whole + part == seconds { return text }
        }
        return nil
    }

    // MARK: The calendar

    /// Days from 0000-03-01 to a date of the Gregorian calendar.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        // The year begins in March, so that its odd day is its last one.
        let year = month <= 2 ? year - 1 : year
        let month = (month + 9) % 12
        return 365 * year + floor(year, 4) - floor(year, 100) + floor(year, 400)
            + (153 * month + 2) / 5 + day - 1
    }

    private static func date(ofDay days: Int) -> (year: Int, month: Int, day: Int) {
        let era = floor(days, 146_097)
        let dayOfEra = days - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = (shifted + 2) % 12 + 1
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func floor(_ number: Int, _ divisor: Int) -> Int {
        (number - modulo(number, divisor)) / divisor
    }

    private static func modulo(_ number: Int, _ divisor: Int) -> Int {
        let rest = number % divisor
        return rest < 0 ? rest + divisor : rest
    }

    // MARK: Digits

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard digits.allSatisfy(isDigit) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    private static func padded(_ number: Int, _ count: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
