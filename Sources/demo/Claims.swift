/// What the demonstration claims, and whether it was so: the table at its end.
struct Claims {
    private struct Row {
        let subject: String
        let claim: String
        let problem: String?
    }

    private var rows: [Row] = []

    var allHold: Bool { rows.allSatisfy { $0.problem == nil } }

    mutating func add(_ subject: String, _ claim: String, problem: String?) {
        rows.append(Row(subject: subject, claim: claim, problem: problem))
    }

    /// Columns as wide as they must be.
    var lines: [String] {
        let width = rows.map(\.subject.count).max() ?? 0
        let claimWidth = rows.map(\.claim.count).max() ?? 0
        func line(_ subject: String, _ claim: String, _ verdict: String) -> String {
            "  " + subject.padded(to: width) + "  " + claim.padded(to: claimWidth) + "  " + verdict
        }
        let rule = "  " + String(repeating: "-", count: width + claimWidth + 10)
        return [rule]
            + rows.map { line($0.subject, $0.claim, $0.problem == nil ? "holds" : "FAILED") }
            + [rule] + rows.compactMap { row in row.problem.map { "  \(row.subject): \($0)" } }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
