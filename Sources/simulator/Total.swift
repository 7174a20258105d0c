import BlockModel
import BlockRuntime
import BlockSimulation

/// What was done over all seeds.
struct Total {
    private let start = ContinuousClock.now
    private var seedCount = 0
    private var eventCount = 0
    private var operationCount = 0
    private var acknowledgedCount = 0
    private var failures: [Int32: Int] = [:]
    private var marks: [String: Int] = [:]

    mutating func add(_ run: Run) {
        let verdict = run.verdict
        seedCount += 1
        eventCount += verdict.eventCount
        operationCount += verdict.operationCount
        acknowledgedCount += verdict.acknowledgedCount
        if verdict.exitStatus != 0 { failures[verdict.exitStatus, default: 0] += 1 }
        marks.merge(run.marks) { $0 + $1 }
    }

    /// A broken promise says more than a standstill, and that more than a run that says nothing.
    var status: Int32 { [1, 3, 2].first { failures[$0] != nil } ?? 0 }

    func report(_ command: Command) {
        for (mark, count) in marks.sorted(by: { $0.key < $1.key }) { print("\(mark) \(count)") }
        let name = command.bug.map { "\($0.rawValue): " } ?? ""
        let words =
            [(1, "broke a promise"), (3, "never ended"), (2, "said nothing")] as [(Int32, _)]
        let parts = words.compactMap { status, what in failures[status].map { "\($0) \(what)" } }
        let seconds = (ContinuousClock.now - start) / Duration.seconds(1)
        print(
            name + "\(seedCount) seeds, \(eventCount) events (\(Int(Double(eventCount) / seconds)) "
                + "a second), \(operationCount) operations, \(acknowledgedCount) acknowledged, "
                + (parts.isEmpty ? "all valid" : parts.joined(separator: ", ")))
    }
}
