import BlockMeasurement
import BlockOperations
import BlockRuntime
import Foundation
import Glibc

/// Says on standard error how far a run is: a line a second at a terminal, fewer elsewhere.
struct ProgressTeller: Sendable {
    let interval: Duration
    private let environment: BlockRuntime.Environment
    private let start: Instant

    init(_ environment: BlockRuntime.Environment) {
        self.environment = environment
        start = environment.now()
        interval = .seconds(isatty(STDERR_FILENO) == 1 ? 1 : 5)
    }

    func tell(_ text: String) {
        let seconds = environment.now().since(start).seconds
        LineWriter.standardError.writeLine(String(format: "%6.1f s  ", seconds) + text)
    }

    static func text(
        _ latencies: LatencyHistogram, _ errorCount: Int, in seconds: Double
    ) -> String {
        let rate = FigureTable.number(Double(latencies.count) / seconds)
        func milliseconds(_ microseconds: UInt64?) -> String {
            microseconds.map { String(format: "%.2f", Double($0) / 1000) } ?? "-"
        }
        return "\(rate) operations/s, p50 \(milliseconds(latencies.percentile(50))) ms, "
            + "p99 \(milliseconds(latencies.percentile(99))) ms, "
            + "max \(milliseconds(latencies.max)) ms, \(errorCount) errors"
    }
}
