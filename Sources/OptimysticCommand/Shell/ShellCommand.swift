import ArgumentParser
import BlockOperations
import Foundation
import Optimystic

/// The commands of the command line, one a line, over one connection.
package struct ShellCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "shell", abstract: "Reads commands, one a line, and runs them.",
        discussion: """
            A line is what would stand behind `optimystic`; quotes and backslashes work as in a \
            shell, # begins a comment. `help` lists the commands, `exit` ends. On a terminal lines \
            can be edited, tab completes commands, and a history is kept in the file that \
            OPTIMYSTIC_HISTORY names (~/.optimystic_history unless it is set; empty: none); Ctrl-C \
            ends the command that runs, and not the shell. From a file or a pipe, the first \
            command that fails ends the shell with its exit code.
            """)

    @OptionGroup package var options: CommandOptions

    package func run() async throws {
        try await options.withDatabase { database in
            try await ShellSession.$database.withValue(database) {
                try await isatty(STDIN_FILENO) == 1 ? converse(with: database) : runLines()
            }
        }
    }

    private func converse(with database: Database) async throws {
        let cluster = database.cluster
        StandardError.line(
            "\(cluster.clusterName), release \(cluster.version). "
                + "`help` lists the commands, `exit` ends.")
        let editor = LineEditor(historyFile: ShellCommand.historyFile())
        let interrupts = InterruptedCommand()
        while let line = editor.next(prompt: "\(cluster.clusterName)> ") {
            switch await interrupts.run({ await perform(line) }) {
            case .ends: return
            case .done, .failed: break
            }
        }
        StandardError.line("")
    }

    private func runLines() async throws {
        while let line = readLine() {
            switch await perform(line) {
            case .ends: return
            case .done: break
            case .failed(let code): throw ArgumentParser.ExitCode(code)
            }
        }
    }

    private static func historyFile() -> String? {
        let variables = ProcessInfo.processInfo.environment
        if let named = variables["OPTIMYSTIC_HISTORY"] { return named.isEmpty ? nil : named }
        return variables["HOME"].map { "\($0)/.optimystic_history" }
    }

    // MARK: A line

    private enum Result: Sendable {
        case done
        case failed(Int32)
        case ends
    }

    private func perform(_ line: String) async -> Result {
        do {
            var words = try ShellWords.split(line)
            switch words.first {
            case nil: return .done
            case "exit", "quit": return .ends
            case "help": words = Array(words.dropFirst()) + ["--help"]
            case "shell": throw ValidationError("this is the shell already")
            default: break
            }
            try await run(words)
            return .done
        } catch {
            return tell(error)
        }
    }

    private func run(_ words: [String]) async throws {
        let arguments = LeadingOptions.moved(defaults + words, in: OptimysticCommand.self)
        var command = try OptimysticCommand.parseAsRoot(arguments)
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }

    /// The options of the shell hold for its commands, unless these have their own.
    private var defaults: [String] {
        var words = ["--output", options.output.rawValue]
        if let timeout = options.timeout {
            words += ["--timeout", "\(timeout.duration.milliseconds)ms"]
        }
        return words
    }

    private func tell(_ error: any Error) -> Result {
        if error is CancellationError {
            StandardError.line("optimystic: interrupted; what was sent may still be carried out")
            return .failed(BlockOperations.ExitCode.tryAgain.rawValue)
        }
        if let error = error as? DatabaseError {
            StandardError.line(ErrorReport.sentence(program: "optimystic", error))
            return .failed(BlockOperations.ExitCode(for: error).rawValue)
        }
        let code = OptimysticCommand.exitCode(for: error)
        let message = OptimysticCommand.fullMessage(for: error)
        guard code != .success else {
            var output = StandardOutput()
            output.line(message)
            return .done
        }
        if !message.isEmpty { StandardError.line(message) }
        // Nothing there is an answer, not a failure.
        return code == Nothing.exit ? .done : .failed(code.rawValue)
    }
}

/// What the commands of a shell share.
enum ShellSession {
    @TaskLocal static var database: Database?
}
