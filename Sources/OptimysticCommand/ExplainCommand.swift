import ArgumentParser
import BlockModel
import BlockOperations
import BlockRuntime
import Optimystic

package struct ExplainCommand: AnswerCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tells what an error code means and what to do about it.")

    @OptionGroup package var options: CommandOptions
    @Argument(help: "A number or a name; none for all.") package var code: ArgumentBytes?

    package func validate() throws {
        if let code = code?.description, ExplainCommand.find(code) == nil {
            throw ValidationError(
                "there is no error code \"\(code)\"; `optimystic explain` lists all")
        }
    }

    package func run() throws {
        let rows = (code?.description).flatMap(ExplainCommand.find).map { [$0] } ?? ErrorCode.table
        var stream = StandardOutput()
        for row in rows {
            for line in ExplainCommand.lines(row, options.output) { stream.line(line) }
        }
    }

    package static func find(_ text: String) -> ErrorCode.Explanation? {
        ErrorCode.table.first { $0.name == text || "\($0.code.rawValue)" == text }
    }

    package static func lines(_ row: ErrorCode.Explanation, _ form: OutputForm) -> [String] {
        let exit = BlockOperations.ExitCode(row.code).rawValue
        switch form {
        case .text:
            return [
                "\(row.name) (\(row.code.rawValue), exit code \(exit))", "  \(row.meaning)",
                "  \(row.remedy)",
            ] + row.cases.map { "  - \($0)" }
        case .json:
            return [
                JSONText.object([
                    "cases": .array(row.cases.map { .string($0) }),
                    "code": .number(UInt64(row.code.rawValue)), "exitCode": .number(UInt64(exit)),
                    "meaning": .string(row.meaning), "name": .string(row.name),
                    "remedy": .string(row.remedy),
                ]).text
            ]
        }
    }
}
