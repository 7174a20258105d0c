import BlockRuntime

/// How far long work has got: on a terminal only, in one line of stderr that is written over.
struct ProgressBar: Sendable {
    private static let width = 24

    /// What is counted, for people.
    let unit: String
    private let environment = Environment.live()
    private let start: Instant

    init(unit: String) {
        self.unit = unit
        start = environment.now()
    }

    /// Whether the user sees it: what only it needs need not be found out otherwise.
    static var isShown: Bool { StandardError.isTerminal }

    /// - Parameters:
    ///   - count: What is done.
    ///   - share: Of the whole, from 0 to 1; nil when the whole is not known.
    func show(_ count: Int, share: Double?) {
        guard ProgressBar.isShown else { return }
        let elapsed = environment.now().since(start)
        StandardError.progress(
            ProgressBar.text(count, unit: unit, share: share, elapsed: elapsed))
    }

    /// Takes the line away.
    func end() { StandardError.progress("") }

    static func text(_ count: Int, unit: String, share: Double?, elapsed: Duration) -> String {
        let milliseconds = max(1, elapsed.milliseconds)
        let rate = Int64(count) * 1000 / milliseconds
        let numbers = "\(count) \(unit), \(rate)/s"
        guard let share else { return numbers }
        let part = min(1, max(0, share))
        let filled = Int(part * Double(width))
        let bar =
            String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        let percent = String(Int(part * 100))
        let padding = String(repeating: " ", count: 3 - percent.count)
        return "[\(bar)] \(padding)\(percent) %  \(numbers)"
    }
}
