import BlockDeployment
import BlockOperations
import BlockRuntime
import Foundation

/// Tells the story on stdout: what happens, when, and what a person would type to see it.
struct Narrator: Sendable {
    private static let shownLineCount = 6

    let cluster: LocalCluster
    private let start: Instant

    init(cluster: LocalCluster) {
        self.cluster = cluster
        start = cluster.environment.now()
    }

    static func say(_ text: String) { LineWriter.standardOutput.writeLine(text) }

    func say(_ text: String) { Narrator.say(text) }

    /// The same with the time since the beginning.
    func tell(_ text: String) {
        let seconds = cluster.environment.now().since(start).inSeconds
        say(String(format: "%6.1f s  ", seconds) + text)
    }

    var elapsed: Duration { cluster.environment.now().since(start) }

    /// Runs the command line in a process of its own, without showing it.
    func run(_ words: String...) throws -> LocalCluster.CommandResult { try run(words) }

    func run(_ words: [String]) throws -> LocalCluster.CommandResult {
        try cluster.run("optimystic", ["--connect", cluster.url, "--timeout", "30s"] + words)
    }

    /// Runs the command line and shows what was typed and what came.
    /// - Returns: What it printed; nil when it failed.
    @discardableResult
    func show(_ words: String...) throws -> String? {
        let typed = words.map { word in
            word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:=".contains($0) }
                ? word : "'\(word)'"
        }
        say("          $ optimystic " + typed.joined(separator: " "))
        let result = try run(words)
        let lines = (result.output + result.errors).split(separator: "\n")
        for line in lines.prefix(Narrator.shownLineCount) { say("          \(line)") }
        if lines.count > Narrator.shownLineCount {
            say("          … and \(lines.count - Narrator.shownLineCount) more lines")
        }
        return result.ending == .exited(0) ? result.output : nil
    }
}

extension Duration {
    var inSeconds: Double { Double(nanoseconds) / 1_000_000_000 }
}
