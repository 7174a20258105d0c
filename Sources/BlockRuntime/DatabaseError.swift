/// An operation that could not be completed.
///
/// Catch by ``code`` when the program can do something specific; otherwise decide by ``outcome``,
/// which says what is known about the effects of the operation.
public struct DatabaseError: Error, Sendable {
    /// What went wrong.
    public var code: ErrorCode
    /// What is known about the effects of the failed operation.
    public var outcome: Outcome
    /// What went wrong and, where known, how to remedy it. Never contains stored values.
    public var message: String
    /// How long to wait before a retry has a chance; nil when waiting does not help.
    public var retryAfter: Duration?
    /// The error below this one, if any.
    public var cause: (any Error)?
    /// Where the error was made, as `fileID:line`.
    public var location: String

    /// What is known about the effects of a failed operation.
    public enum Outcome: UInt8, Sendable {
        /// Nothing was applied and nothing will be: the operation may be run again.
        case notApplied = 1
        /// The operation may have been applied, or may be applied later.
        case unknown = 2
    }

    /// An error that was not received but happened here.
    public init(
        _ code: ErrorCode, _ message: String, outcome: Outcome = .notApplied,
        retryAfter: Duration? = nil, cause: (any Error)? = nil,
        file: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.outcome = outcome
        self.message = message
        self.retryAfter = retryAfter
        self.cause = cause
        self.location = "\(file):\(line)"
    }
}

extension DatabaseError: CustomStringConvertible {
    /// One line for people: code, message, outcome and cause.
    public var description: String {
        let effect = outcome == .unknown ? ", outcome unknown" : ""
        let below = cause.map { " <- \($0)" } ?? ""
        return "\(code)\(effect): \(message)\(below)"
    }
}

extension DatabaseError: Hashable {
    /// By code, outcome and message.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(outcome)
        hasher.combine(message)
    }

    /// Equal in what a caller can act on; the cause and the place do not count.
    public static func == (left: DatabaseError, right: DatabaseError) -> Bool {
        left.code == right.code && left.outcome == right.outcome && left.message == right.message
            && left.retryAfter == right.retryAfter
    }
}

extension DatabaseError {
    /// The same trouble, said of an action that may have been applied. Unknown beats notApplied.
    public var asUnknown: DatabaseError {
        if outcome == .unknown { return self }
        return DatabaseError(
            .commitResultUnknown, "the action may have been applied: \(message)",
            outcome: .unknown, cause: self)
    }
}
