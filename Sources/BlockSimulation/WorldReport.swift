import BlockRuntime

/// The text of a run, for people: the last events, and the last lines that each process would have
/// logged.
package struct WorldReport: Sendable {
    private static let eventCountMax = 40_000
    private static let lineCountMax = 400

    package private(set) var events: [String] = []
    private var logs: [NodeID: [String]] = [:]

    mutating func note(_ now: Instant, _ line: String) {
        events.append("\(now.nanoseconds / 1000) µs  \(line)")
        if events.count > Self.eventCountMax { events.removeFirst(Self.eventCountMax / 2) }
    }

    mutating func log(_ now: Instant, _ node: NodeID, _ line: String) {
        var lines = logs[node, default: []]
        lines.append("\(now.nanoseconds / 1000) µs  \(line)")
        if lines.count > Self.lineCountMax { lines.removeFirst(Self.lineCountMax / 2) }
        logs[node] = lines
    }

    /// The log of each process that wrote one, peers first.
    package var logsByNode: [(node: String, lines: [String])] {
        logs.sorted { $0.key < $1.key }.map { ($0.key.description, $0.value) }
    }
}
