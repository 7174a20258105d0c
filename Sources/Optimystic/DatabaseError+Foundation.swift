import BlockModel
import BlockRuntime
import Foundation

/// What an application shows with `localizedDescription`, which else names a type and a number.
extension DatabaseError: LocalizedError {
    /// What went wrong, with the name of the code.
    public var errorDescription: String? {
        "\(message) [\(code)\(outcome == .unknown ? ", outcome unknown" : "")]"
    }

    /// What the code means.
    public var failureReason: String? { code.explanation?.meaning }

    /// What the person who meets it can do.
    public var recoverySuggestion: String? { code.explanation?.remedy }
}
