import Testing

/// One place where a rule of the house is broken.
struct Violation: CustomStringConvertible {
    let path: String
    /// Counted from 1; 0 when the whole file is meant.
    let line: Int
    /// What is wrong and what to do instead.
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// Fails the running test with one issue for each violation.
func expectNone(_ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation) {
    for violation in violations {
        Issue.record("\(violation)", sourceLocation: sourceLocation)
    }
}

/// A file that exists only for the self-test of a rule.
func planted(_ text: String, at path: String = "Sources/BlockModel/Planted.swift") -> TextFile {
    TextFile(path: path, text: text)
}
