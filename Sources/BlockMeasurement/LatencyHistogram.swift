import Foundation
import Histogram

/// How long operations took, in an HDR histogram: microseconds in three significant digits, up to
/// the longest time a request may take.
package struct LatencyHistogram: Sendable {
    /// Microseconds that are still told apart. A longer time counts as this long.
    package static let microsecondsMax: UInt64 = 600_000_000

    private var histogram = Histogram<UInt64>(
        highestTrackableValue: microsecondsMax, numberOfSignificantValueDigits: .three)

    package init() {}

    package mutating func record(microseconds: UInt64) {
        histogram.record(min(microseconds, LatencyHistogram.microsecondsMax))
    }

    package var count: Int { Int(histogram.totalCount) }

    /// nil when nothing was recorded.
    package var max: UInt64? { count > 0 ? histogram.maxRecorded : nil }

    /// Microseconds that `percent` % of all do not exceed.
    /// - Returns: nil when there are too few to say so: with fewer than 1000, for example, 99.9 %
    ///   of them is all of them, and the figure would be the maximum under another name.
    package func percentile(_ percent: Double) -> UInt64? {
        let above = Double(count) * (100 - percent) / 100
        // What is exact in decimals is not in binary: 0.1 % of 1000 is one.
        return above > 0.999_999 ? histogram.valueAtPercentile(percent) : nil
    }

    package mutating func reset() { histogram.reset() }
}

/// What a load test says of one kind of operation.
package struct LatencySummary: Sendable {
    /// Names it in JSON; stable.
    package let name: String
    package let count: Int
    /// Operations a second.
    package let rate: Double
    /// Microseconds that so many percent do not exceed; nil where there were too few to say.
    package let percentiles: [(percent: Double, microseconds: UInt64?)]
    package let max: UInt64?

    private static let percents = [50.0, 95, 99, 99.9]

    /// - Parameter seconds: In which all that is in `histogram` was done.
    package init(_ name: String, _ histogram: LatencyHistogram, seconds: Double) {
        self.name = name
        count = histogram.count
        rate = Double(histogram.count) / seconds
        percentiles = LatencySummary.percents.map { ($0, histogram.percentile($0)) }
        max = histogram.max
    }

    private static func text(_ percent: Double) -> String {
        percent == percent.rounded() ? "p\(Int(percent))" : "p\(percent)"
    }

    /// A heading and a line for each. `-` stands where too few operations were done to say.
    package static func lines(_ summaries: [LatencySummary]) -> [String] {
        let heads = ["", "operations", "per s"] + percents.map { text($0) + " ms" } + ["max ms"]
        let rows = summaries.map { summary in
            [summary.name, "\(summary.count)", FigureTable.number(summary.rate)]
                + summary.percentiles.map { milliseconds($0.microseconds) }
                + [milliseconds(summary.max)]
        }
        return TextTable.lines(heads: heads, rows: rows, texts: [0])
    }

    private static func milliseconds(_ microseconds: UInt64?) -> String {
        guard let microseconds else { return "-" }
        // Three significant digits are what the histogram keeps.
        let value = Double(microseconds) / 1000
        let digits = value < 0.9995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return String(format: "%.\(digits)f", value)
    }

    /// For `JSONSerialization`; microseconds under names such as `p99`, null for what is unknown.
    package var jsonObject: [String: Any] {
        var object: [String: Any] = [
            "count": count, "max": LatencySummary.json(max), "name": name, "rate": rate,
            "unit": "us",
        ]
        for (percent, microseconds) in percentiles {
            object[LatencySummary.text(percent)] = LatencySummary.json(microseconds)
        }
        return object
    }

    private static func json(_ microseconds: UInt64?) -> Any {
        microseconds.map { $0 as Any } ?? NSNull()
    }
}
