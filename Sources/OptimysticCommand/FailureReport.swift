import BlockModel
import BlockOperations
import BlockRuntime
import Optimystic

/// Results could not be written.
struct ResultsLost: Error {
    let message: String
    /// Whether what was asked for is done all the same.
    var isDone = true
}

/// What a person or a program is told of a failure, on standard error.
struct FailureReport {
    private let text: String
    private let object: JSONText

    init(_ error: DatabaseError, exitCode: Int32) {
        text = ErrorReport.sentence(program: "optimystic", error)
        object = FailureReport.object(
            error.code, error.message, exitCode,
            outcome: error.outcome == .unknown ? "unknown" : "notApplied")
    }

    init(_ error: ResultsLost, exitCode: Int32) {
        text = "optimystic: \(error.message) [\(ErrorCode.ioFailed)]"
        object = FailureReport.object(
            .ioFailed, error.message, exitCode,
            outcome: error.isDone ? "applied" : "notApplied")
    }

    /// Of a command that has sent nothing that changes anything, ended by Ctrl-C.
    init(interrupted exitCode: Int32) {
        let message = "interrupted; nothing was changed"
        text = "optimystic: \(message)"
        object = .object([
            "error": .object([
                "exitCode": .number(UInt64(exitCode)), "message": .string(message),
                "outcome": .string("notApplied"),
            ])
        ])
    }

    /// Of a command line that makes no sense: nothing was sent.
    init(usage message: String, text: String, exitCode: Int32) {
        self.text = text
        object = FailureReport.object(.invalidArgument, message, exitCode, outcome: "notApplied")
    }

    private static func object(
        _ code: ErrorCode, _ message: String, _ exitCode: Int32, outcome: String
    ) -> JSONText {
        .object([
            "error": .object([
                "code": .number(UInt64(code.rawValue)), "exitCode": .number(UInt64(exitCode)),
                "message": .string(message),
                "name": .string(code.explanation?.name ?? "\(code)"),
                "outcome": .string(outcome), "remedy": .optional(code.explanation?.remedy),
            ])
        ])
    }

    func write() { StandardError.write(text: text, object: object) }
}
