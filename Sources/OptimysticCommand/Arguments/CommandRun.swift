import ArgumentParser
import BlockOperations
import BlockRuntime
import Optimystic

/// A command that prints one text and does nothing else.
protocol AnswerCommand: ParsableCommand {}

/// One command, from its words to its exit code: of the process, or of a line of the shell.
package enum CommandRun {
    /// The command that the words are.
    /// - Throws: ``UsageError``, or what the argument parser throws.
    package static func command(
        _ words: [Bytes], defaults: [(name: String, value: String)] = []
    ) throws -> any ParsableCommand {
        try OptimysticCommand.parseAsRoot(CommandInput(words, defaults: defaults).arguments)
    }

    /// Runs a command and tells what went wrong, if anything did.
    static func perform(
        _ words: [Bytes], defaults: [(name: String, value: String)] = [],
        output form: OutputForm = .text
    ) async -> Int32 {
        StandardError.form = CommandInput.output(of: words, default: form)
        defer { WritesUnderWay.endCommand() }
        do {
            var command = try command(words, defaults: defaults)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try StandardOutput.endCommand(isAnswer: command is any AnswerCommand)
            return BlockOperations.ExitCode.success.rawValue
        } catch {
            // What was written before counts, and what could not be is said by the code already.
            try? StandardOutput.endCommand()
            let code = tell(error)
            guard code == BlockOperations.ExitCode.success.rawValue else { return code }
            // Help was asked for, and may be lost as any other result.
            do { try StandardOutput.endCommand(isAnswer: true) } catch { return tell(error) }
            return code
        }
    }

    /// The code that a process ends with because of an error.
    package static func exitCode(for error: any Error) -> Int32 {
        switch error {
        case is ResultsLost: BlockOperations.ExitCode.ioFailed.rawValue
        case is UsageError: BlockOperations.ExitCode.usage.rawValue
        case is CancellationError: BlockOperations.ExitCode.tryAgain.rawValue
        case let error as DatabaseError: BlockOperations.ExitCode(for: error).rawValue
        default: OptimysticCommand.exitCode(for: error).rawValue
        }
    }

    /// Says what went wrong.
    /// - Returns: The exit code.
    static func tell(_ error: any Error) -> Int32 {
        let code = exitCode(for: error)
        switch error {
        case let error as DatabaseError: FailureReport(error, exitCode: code).write()
        case let error as ResultsLost: FailureReport(error, exitCode: code).write()
        case let error as UsageError:
            FailureReport(usage: error.message, text: error.text, exitCode: code).write()
        case is CancellationError where !WritesUnderWay.hasSent:
            FailureReport(interrupted: code).write()
        case is CancellationError:
            FailureReport(
                DatabaseError(
                    .commitResultUnknown, "interrupted; what was sent may still be carried out",
                    outcome: .unknown), exitCode: code
            ).write()
        default:
            let text = ArgumentEscape.shown(OptimysticCommand.fullMessage(for: error))
            if code == BlockOperations.ExitCode.success.rawValue {
                // Help that was asked for.
                var output = StandardOutput()
                output.line(text)
            } else if !text.isEmpty {
                let message = ArgumentEscape.shown(OptimysticCommand.message(for: error))
                FailureReport(usage: message, text: text, exitCode: code).write()
            }
        }
        return code
    }
}
