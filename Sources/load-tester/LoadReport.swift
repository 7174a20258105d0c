import BlockMeasurement
import BlockOperations
import BlockRuntime
import BlockWorkloads
import Foundation

/// What a run says at its end.
struct LoadReport {
    let setting: LoadSetting
    let collection: String
    let loadSeconds: Double?
    let elapsedSeconds: Double
    let tally: LoadState.Tally
    let writesPerEntry: Double?
    let check: CheckResult
    /// Why nothing could be checked; nil when it was.
    let obstacle: DatabaseError?

    private var summaries: [LatencySummary] {
        LoadWorkload.Kind.allCases.compactMap { kind in
            tally.latencies[kind].map {
                LatencySummary(kind.rawValue, $0, seconds: elapsedSeconds)
            }
        }
    }

    private var operationCount: Int { summaries.reduce(0) { $0 + $1.count } }

    /// Kinds of operations of which some failed and none was acknowledged.
    private var hopeless: [LoadWorkload.Kind] {
        LoadWorkload.Kind.allCases.filter { kind in
            tally.errors[kind] != nil && tally.latencies[kind] == nil
        }
    }

    /// How the process must end when the run did not pass; nil when it did.
    var failure: BlockOperations.ExitCode? {
        if !check.violations.isEmpty { return .internalError }
        if let obstacle { return BlockOperations.ExitCode(for: obstacle) }
        return operationCount == 0 || !hopeless.isEmpty ? .unavailable : nil
    }

    // MARK: For people

    var textLines: [String] {
        let workload = setting.workload
        var lines = [
            "workload \(workload.rawValue): \(workload.title)",
            "\(counted(setting.clients, "client")) over "
                + "\(counted(setting.connections, "connection")), values of "
                + "\(setting.valueBytes) bytes, seed \(setting.seed)",
        ]
        if let loadSeconds {
            let rate = FigureTable.number(Double(setting.records) / loadSeconds)
            lines.append("\(counted(setting.records, "record")) loaded, \(rate) a second")
        }
        lines.append(
            String(
                format: "%d s measured after %d s of warm-up; the last answer came after %.1f s",
                setting.seconds, setting.warmUpSeconds, elapsedSeconds))
        lines.append("")
        lines += LatencySummary.lines(summaries)
        lines.append("")
        if let writesPerEntry {
            lines.append(
                String(format: "%.1f writes in one entry of the log on average", writesPerEntry))
        }
        lines += errorLines
        lines += verdictLines
        return lines
    }

    private func counted(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    private var errorLines: [String] {
        let all = errorCounts
        guard !all.isEmpty else { return ["no errors"] }
        let total = all.reduce(0) { $0 + $1.count }
        let share = Double(total) / Double(total + tally.acknowledgedCount) * 100
        // A share that is not nothing is never written as nothing.
        let percent = share < 0.01 ? "less than 0.01" : String(format: "%.2f", share)
        return [
            "\(counted(total, "error")), \(percent) % of all operations, warm-up included; "
                + "\(tally.unknownCount) with an unknown outcome"
        ] + all.map { "  \($0.name)  \($0.count)" }
    }

    private var errorCounts: [(name: String, count: Int)] {
        tally.errors.flatMap { kind, codes in
            codes.map { ("\(kind.rawValue).\($0.key)", $0.value) }
        }.sorted { $0.0 < $1.0 }
    }

    private var verdictLines: [String] {
        guard check.violations.isEmpty else {
            return [
                "NOT everything that was acknowledged is there (collection \(collection) is kept):"
            ] + check.violations.map { "  \($0)" }
        }
        if let obstacle {
            return ["NOT checked, for it could not be read (collection \(collection)): \(obstacle)"]
        }
        if operationCount == 0 { return ["NOTHING was acknowledged."] }
        guard hopeless.isEmpty else {
            let kinds = hopeless.map(\.rawValue).joined(separator: ", ")
            return ["NOTHING was acknowledged of: \(kinds)"]
        }
        return ["everything that was acknowledged is there (\(check.checkedCount) checks)"]
    }

    // MARK: For programs

    /// An object for each kind of operation, and one for the whole.
    var jsonLines: [String] {
        let workload = setting.workload.rawValue
        var objects = summaries.map { summary in
            summary.jsonObject.merging(["workload": workload]) { $1 }
        }
        var whole: [String: Any] = [
            "checks": check.checkedCount, "clients": setting.clients,
            "collection": collection, "connections": setting.connections,
            "elapsedSeconds": elapsedSeconds,
            "errors": Dictionary(errorCounts) { $1 }, "name": "run",
            "operations": operationCount, "passed": failure == nil,
            "rate": Double(operationCount) / elapsedSeconds, "seconds": setting.seconds,
            "seed": setting.seed, "unknown": tally.unknownCount,
            "valueBytes": setting.valueBytes, "violations": check.violations,
            "warmUpSeconds": setting.warmUpSeconds, "workload": workload,
        ]
        if let writesPerEntry { whole["writesPerEntry"] = writesPerEntry }
        if let obstacle { whole["obstacle"] = "\(obstacle)" }
        if let loadSeconds {
            whole["records"] = setting.records
            whole["loadSeconds"] = loadSeconds
        }
        objects.append(whole)
        return objects.map(LoadReport.text)
    }

    private static func text(_ object: [String: Any]) -> String {
        guard
            let data = try? JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        else { fatalError("invariant: a report has a number that JSON does not know") }
        return String(decoding: data, as: UTF8.self)
    }
}
