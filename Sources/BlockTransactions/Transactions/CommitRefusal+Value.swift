import BlockModel

extension CommitRefusal {
    /// The chosen value that shows it; nil when it shows none.
    package var value: TailValue? {
        switch self {
        case .moved(_, let value), .gone(let value), .blocked(let value), .fenced(let value): value
        case .pending: nil
        }
    }
}
