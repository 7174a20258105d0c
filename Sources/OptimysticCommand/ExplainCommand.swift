import ArgumentParser
import BlockOperations
import Optimystic

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tells what an error code means and what to do about it.")

    @OptionGroup var options: CommandOptions
    @Argument(help: "A number or a name; none for all.") var code: String?

    func validate() throws {
        if let code, ExplainCommand.find(code) == nil {
            throw ValidationError("there is no error code \"\(code)\"; `optimystic explain` lists all")
        }
    }

    func run() throws {
        let rows = code.flatMap(ExplainCommand.find).map { [$0] } ?? ErrorCode.table
        var stream = StandardOutput()
        for row in rows {
            for line in ExplainCommand.lines(row, options.output) { stream.line(line) }
        }
    }

    static func find(_ text: String) -> ErrorCode.Explanation? {
        ErrorCode.table.first { $0.name == text || "\($0.code.rawValue)" == text }
    }

    static func lines(_ row: ErrorCode.Explanation, _ form: OutputForm) -> [String] {
        let exit = BlockOperations.ExitCode(row.code).rawValue
        switch form {
        case .text:
            return [
                "\(row.name) (\(row.code.rawValue), exit code \(exit))", "  \(row.meaning)",
                "  \(row.remedy)",
            ]
        case .json:
            return [
                JSONText.object([
                    "code": .number(UInt64(row.code.rawValue)), "exitCode": .number(UInt64(exit)),
                    "meaning": .string(row.meaning), "name": .string(row.name),
                    "remedy": .string(row.remedy),
                ]).text
            ]
        }
    }
}
