import BlockMeasurement
import Foundation
import Testing

@Suite("Latencies")
struct LatencyTests {
    private func histogram(_ microseconds: some Sequence<UInt64>) -> LatencyHistogram {
        var histogram = LatencyHistogram()
        for value in microseconds { histogram.record(microseconds: value) }
        return histogram
    }

    @Test("a percentile is that of the samples, to three significant digits")
    func percentiles() throws {
        let samples = (1...20_000).map { UInt64($0 * 7 % 20_011) * 13 }
        let histogram = histogram(samples)
        #expect(histogram.count == 20_000)
        #expect(histogram.max == samples.max())
        for percent in [50, 95, 99, 99.9] {
            let exact = try #require(
                Statistics.percentile(percent, of: samples.map { Double($0) }))
            let value = try #require(histogram.percentile(percent))
            #expect(abs(Double(value) - exact) <= exact / 1000 + 1, "p\(percent)")
        }
    }

    @Test("a percentile that as many samples cannot tell is not told")
    func tooFew() {
        for (percent, least) in [(50.0, 2), (95, 20), (99, 100), (99.9, 1000)] {
            #expect(histogram(1...UInt64(least)).percentile(percent) != nil, "\(percent)")
            #expect(histogram(1..<UInt64(least)).percentile(percent) == nil, "\(percent)")
        }
        #expect(LatencyHistogram().max == nil)
        #expect(histogram([0]).max == 0)
    }

    @Test("a time beyond all bounds counts as the longest that is told apart")
    func longest() {
        #expect(histogram([.max]).max == LatencyHistogram.microsecondsMax)
    }

    @Test("what was reset is empty")
    func reset() {
        var histogram = histogram([1, 2, 3])
        histogram.reset()
        #expect(histogram.count == 0)
        #expect(histogram.max == nil)
    }

    @Test("the table has milliseconds in three digits, and a dash for what is not known")
    func table() {
        let summaries = [
            LatencySummary(
                "read", histogram((1...1000).map { $0 * 100 }), seconds: 2),
            LatencySummary("update", histogram([250]), seconds: 2),
        ]
        #expect(
            LatencySummary.lines(summaries) == [
                "        operations  per s  p50 ms  p95 ms  p99 ms  p99.9 ms  max ms",
                "read          1000    500    50.0    95.0    99.0      99.9     100",
                "update           1   0.50       -       -       -         -   0.250",
            ])
    }

    @Test("JSON has microseconds under stable keys, and null for what is not known")
    func json() throws {
        let summary = LatencySummary("read", histogram(1...100), seconds: 4)
        let data = try JSONSerialization.data(
            withJSONObject: summary.jsonObject, options: [.sortedKeys])
        #expect(
            String(decoding: data, as: UTF8.self)
                == #"{"count":100,"max":100,"name":"read","p50":50,"p95":95,"p99":99,"#
                + #""p99.9":null,"rate":25,"unit":"us"}"#)
    }
}
