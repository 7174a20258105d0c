import BlockModel
import BlockRuntime
import Logging

/// The two forms in which a process says why it ends: a log line and a plain sentence.
package enum ErrorReport {
    /// What a person at a terminal reads: who, what, the code, and the remedy on a line of its own.
    ///
    /// - Parameter program: The name the sentence begins with.
    /// - Returns: One or two lines without a final line feed.
    package static func sentence(program: String, _ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(program): \(error)" }
        let effect = error.outcome == .unknown ? ", outcome unknown" : ""
        let headline = "\(program): \(error.message) [\(error.code)\(effect)]"
        guard let remedy = error.code.explanation?.remedy else { return headline }
        return "\(headline)\n  \(remedy)"
    }

    /// Writes the last log line of a process that ends because of `error`, at level critical.
    ///
    /// - Returns: The code to exit with.
    package static func logLast(_ error: any Error, to logger: Logger) -> ExitCode {
        let exit = ExitCode(for: error)
        var metadata: Logger.Metadata = ["exit.code": .stringConvertible(exit.rawValue)]
        guard let error = error as? DatabaseError else {
            logger.critical("stopped by an error", error: error, metadata: metadata)
            return exit
        }
        metadata["error.code"] = .string(error.code.description)
        metadata["error.message"] = .string(error.message)
        metadata["error.location"] = .string(error.location)
        metadata["error.outcome"] = .string(error.outcome == .unknown ? "unknown" : "notApplied")
        if let cause = error.cause { metadata["error.cause"] = .string("\(cause)") }
        if let explanation = error.code.explanation {
            metadata["error.remedy"] = .string(explanation.remedy)
        }
        logger.critical("stopped by an error", metadata: metadata)
        return exit
    }
}
