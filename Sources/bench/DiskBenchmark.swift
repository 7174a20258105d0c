import BlockMeasurement
import BlockRuntime
import Glibc

/// What the disk itself can do, so that the other figures can be set beside it.
struct DiskBenchmark {
    static let title = "4 KiB appended to a file and synced (fdatasync), in the temporary directory"

    private static let recordBytes = 4096
    private static let syncCount = 500

    private static let rate = Figure("disk.sync", "write of 4 KiB and sync", unit: "syncs/s")
    private static let p50 = Figure("disk.sync.p50", "  p50 of one", unit: "us")
    private static let p99 = Figure("disk.sync.p99", "  p99 of one", unit: "us")

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() throws -> [MeasuredFigure] {
        var samples = SampleSet()
        for _ in 0..<setting.runs {
            let times = try setting.withDirectory { try syncTimes(in: $0) }
            samples.add(Double(times.count) * 1e6 / times.reduce(0, +), to: DiskBenchmark.rate)
            samples.add(Statistics.percentile(50, of: times) ?? 0, to: DiskBenchmark.p50)
            samples.add(Statistics.percentile(99, of: times) ?? 0, to: DiskBenchmark.p99)
        }
        return samples.measurements
    }

    /// Microseconds of each append with its sync.
    private func syncTimes(in directory: String) throws -> [Double] {
        let file = open(directory + "/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DiskBenchmark.failed("open") }
        defer { close(file) }
        let record = Bytes(repeating: 0x5A, count: DiskBenchmark.recordBytes)
        return try (0..<DiskBenchmark.syncCount).map { _ in
            1_000_000
                * (try setting.seconds {
                    guard write(file, record, record.count) == record.count else {
                        throw DiskBenchmark.failed("write")
                    }
                    guard fdatasync(file) == 0 else { throw DiskBenchmark.failed("fdatasync") }
                })
        }
    }

    private static func failed(_ call: String) -> DatabaseError {
        DatabaseError(.ioFailed, "\(call): \(String(cString: strerror(errno)))")
    }
}
