import ArgumentParser
import BlockOperations
import BlockRuntime
import Foundation
import Optimystic

/// The commands of the command line, one a line, over one connection.
package struct ShellCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "shell", abstract: "Reads commands, one a line, and runs them.",
        discussion: """
            A line is what would stand behind `optimystic`; quotes and backslashes work as in a \
            shell, # begins a comment. `help` lists the commands, `exit` ends, `exit 3` with that \
            exit code, and without one, as at the end of the input, with that of the last line; \
            that nothing was there (1) counts as 0. \
            Between `begin` and `commit` or `rollback` the lines are one transaction: tree put, \
            get and delete, diary append, queue enqueue, dequeue and peek take part in it. A \
            collection that such a line creates is there at once, and stays after a rollback. \
            On a terminal lines can be edited, tab completes commands, options and the names of \
            collections, and a history is kept in the file that OPTIMYSTIC_HISTORY names \
            (~/.optimystic_history unless it is set; empty: none); Ctrl-C drops the line, or ends \
            the command that runs, and not the shell. From a file or a pipe lines are bytes, and \
            the first command that fails ends the shell with its exit code.
            """)

    @OptionGroup package var options: CommandOptions

    package func run() async throws {
        try await options.withDatabase { database in
            try await ShellSession.$database.withValue(database) {
                try await isatty(STDIN_FILENO) == 1
                    ? converse(with: database) : runLines(in: database)
            }
        }
    }

    private func converse(with database: Database) async throws {
        let cluster = database.cluster
        StandardError.line(
            "\(cluster.clusterName), release \(cluster.version). "
                + "`help` lists the commands, `exit` ends.")
        let names = CollectionNames(of: database)
        let interrupts = InterruptedCommand()
        let editor = LineEditor(
            historyFile: ShellCommand.historyFile(), names: names, interrupts: interrupts)
        defer { editor.close() }
        // As in a shell of the system: its code is that of what ran last.
        var lastCode: Int32 = 0
        while true {
            let place = ShellTransaction.current == nil ? "" : " (transaction)"
            switch await editor.next(prompt: "\(cluster.clusterName)\(place)> ") {
            case .end:
                StandardError.line("")
                try ShellTransaction.end()
                return try ShellCommand.end(lastCode)
            case .dropped: continue
            case .unreadable(let byte):
                lastCode = BlockOperations.ExitCode.badInput.rawValue
                StandardError.line(
                    "optimystic: \(OutsideText.shown([byte])) is no UTF-8, which a terminal must "
                        + "send; the line was not run. Bytes are written with --hex")
            case .line(let line):
                switch await interrupts.run({ await perform(line, in: database) }) {
                case .ends(let code):
                    try ShellTransaction.end()
                    return try ShellCommand.end(code ?? lastCode)
                case .done: lastCode = 0
                case .failed(let code): lastCode = code
                case .nothing: break
                }
            }
        }
    }

    private func runLines(in database: Database) async throws {
        var reader = LineReader(lineBytesMax: Limits.shellLineBytesMax)
        var count = 0
        while let line = try reader.next() {
            count += 1
            WritesUnderWay.atPlace("at line \(count)")
            switch await perform(line, in: database) {
            case .ends(let code):
                try ShellTransaction.end()
                return try ShellCommand.end(code ?? 0)
            case .done, .nothing: break
            case .failed(let code):
                if ShellTransaction.current != nil {
                    StandardError.line("optimystic: the transaction was rolled back")
                }
                throw ArgumentParser.ExitCode(code)
            }
        }
        try ShellTransaction.end()
    }

    private static func end(_ code: Int32) throws {
        if code != 0 { throw ArgumentParser.ExitCode(code) }
    }

    private static func historyFile() -> ArgumentBytes? {
        if let named = ProcessArguments.variable("OPTIMYSTIC_HISTORY") {
            return named.isEmpty ? nil : ArgumentBytes(named)
        }
        return ProcessArguments.variable("HOME").map {
            ArgumentBytes($0 + Array("/.optimystic_history".utf8))
        }
    }

    // MARK: A line

    private enum Result: Sendable {
        case done
        case failed(Int32)
        /// A line without a command.
        case nothing
        /// With the code given; nil for that of the last line.
        case ends(Int32?)
    }

    private func perform(_ line: Bytes, in database: Database) async -> Result {
        StandardError.form = options.output
        do {
            var words = try ShellWords.split(line)
            guard let first = words.first else { return .nothing }
            if ["exit", "quit"].contains(where: { first.elementsEqual($0.utf8) }) {
                return .ends(try ShellCommand.exitCode(words.dropFirst()))
            }
            if first.elementsEqual("shell".utf8) { throw UsageError("this is the shell already") }
            if try await ShellTransaction.perform(
                words, in: database, options.output, timeout: options.timeout?.duration)
            {
                try StandardOutput.endCommand()
                return .done
            }
            if try ShellTransaction.help(words) {
                try StandardOutput.endCommand(isAnswer: true)
                return .done
            }
            if first.elementsEqual("help".utf8) {
                words = Array(words.dropFirst()) + [Array("--help".utf8)]
            }
            try ShellTransaction.check(words)
            let code = await CommandRun.perform(words, defaults: defaults, output: options.output)
            // Nothing there is an answer, not a failure.
            return code == 0 || code == Nothing.exit.rawValue ? .done : .failed(code)
        } catch {
            return .failed(CommandRun.tell(error))
        }
    }

    /// What stands behind `exit`.
    private static func exitCode(_ words: ArraySlice<Bytes>) throws -> Int32? {
        guard let word = words.first else { return nil }
        guard words.count == 1, let text = String(validating: word, as: UTF8.self),
            let code = UInt8(text)
        else { throw UsageError("exit takes one number from 0 to 255, or nothing") }
        return Int32(code)
    }

    /// The options of the shell hold for its commands, unless these have their own.
    private var defaults: [(name: String, value: String)] {
        var defaults = [(name: "--output", value: options.output.rawValue)]
        if let timeout = options.timeout {
            defaults.append((name: "--timeout", value: "\(timeout.duration.milliseconds)ms"))
        }
        return defaults
    }
}

/// What the commands of a shell share.
enum ShellSession {
    @TaskLocal static var database: Database?

    /// A command is about to read standard input to its end.
    /// - Throws: `.invalidArgument` in a shell, whose lines come from there: they would be taken
    ///   for data, and nothing that is typed could end it.
    static func checkStandardInput() throws(DatabaseError) {
        guard database != nil else { return }
        throw DatabaseError(
            .invalidArgument,
            "- would take the lines of this shell as data: name a file, or run the command by "
                + "itself")
    }
}
