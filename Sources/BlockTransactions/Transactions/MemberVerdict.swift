import BlockModel
import BlockRuntime

/// Whether a transaction's part on one collection can be decided together with those of the
/// transactions before it in its group (protocol: group-shares-one-home).
///
/// Its conditions were checked behind what those write. When one does not hold, and one of them has
/// written the collection, that tells nothing: that one may not land. Only a condition that fails
/// on what is chosen alone is told as a conflict.
enum MemberVerdict: Equatable {
    case good
    /// It cannot be done, as the chosen log shows.
    case refused(DatabaseError)
    /// Another try would be refused as well.
    case failed(DatabaseError)
    /// Not behind the members before it.
    case notHere
    /// Something that it needs has to come first.
    case waits

    /// - Parameters:
    ///   - outcomes: Of its actions, in order; nil for one that was not run.
    ///   - isBehindAnother: A member before it writes the collection.
    ///   - isAlone: It is the only member.
    ///   - lacksBlocks: An action was not run for a block that cannot be read.
    init(
        on share: TransactionPart, _ outcomes: [ActionOutcome?], _ log: LogState,
        isBehindAnother: Bool, isAlone: Bool, lacksBlocks: Bool
    ) {
        self = .good
        guard log.incarnation == share.incarnation else {
            self = .refused(.gone)
            return
        }
        if let expected = share.expectedRevision {
            guard expected == log.revision else {
                let message =
                    "the collection is at revision \(log.revision), no longer at \(expected), "
                    + "where it was read"
                self = .refused(DatabaseError(.conflict, message))
                return
            }
            if isBehindAnother, !planted(.groupReadUnchecked) {
                self = .notHere
                return
            }
        }
        for outcome in outcomes where self == .good {
            switch outcome {
            case nil where !isAlone: self = .notHere
            case nil where lacksBlocks: self = .waits
            case nil:
                let message =
                    "\(share.actions.count) actions on one collection do not fit one entry"
                self = .failed(DatabaseError(.valueTooLarge, message))
            case .tree(.conflict)? where isBehindAnother:
                if !planted(.groupConditionUnchecked) { self = .notHere }
            case .tree(.conflict(let check))?:
                let message = "condition \(check) did not hold at revision \(log.revision)"
                self = .refused(DatabaseError(.conflict, message))
            default: break
            }
        }
    }

    var isRefusal: Bool {
        if case .refused = self { true } else { false }
    }
}

extension DatabaseError {
    /// A collection of a transaction lives no more.
    static let gone = DatabaseError(
        .collectionNotFound,
        "a collection of the transaction was dropped, and perhaps created again, since it was "
            + "opened")
}
