import BlockRuntime

/// Which of several troubles is told: the service or session that gives up says the deepest reason
/// that it knows.
extension DatabaseError {
    /// How near to the root of a trouble the error is. That time ran out says nothing of why.
    private var depth: Int {
        switch code {
        case .deadlineExceeded: 0
        case .overloaded, .shuttingDown: 1
        case .endpointUnreachable: 2
        case .commitResultUnknown: (cause as? DatabaseError)?.depth ?? 3
        case .quorumUnavailable: 4
        default: 5
        }
    }

    /// The deeper of the two reasons; this one, the newer, when they are equally deep.
    ///
    /// The outcome is not looked at: what is known of the effects is kept elsewhere.
    package func orDeeper(_ earlier: DatabaseError?) -> DatabaseError {
        guard let earlier, earlier.depth > depth else { return self }
        return earlier
    }
}
