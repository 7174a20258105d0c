import BlockModel
import BlockRuntime

/// Which actions landed where, for a contiguous range of revisions of one life of a collection.
///
/// It is a memory of log entries that were read from chosen tails and never change, not a cache
/// that may be wrong: a lookup inside the range is as good as a scan of the log
/// (protocol: dedupe-scan).
package struct ActionIndex: Sendable {
    /// Where an action landed.
    package struct Landing: Hashable, Sendable {
        package let position: LogPosition
        /// Of the action's bytes, and of what is recorded of its transaction: the same id with
        /// others is a mistake of the client.
        package let fingerprint: UInt64
        /// What came of it, as the log keeps it.
        package let outcome: Bytes

        /// - Parameter record: Of the transaction that the action is the first of, at its home.
        package init(position: LogPosition, action: Action, record: Digest? = nil) {
            self.position = position
            fingerprint = ActionIndex.fingerprint(of: action.bytes, record)
            outcome = action.outcome
        }
    }

    package let incarnation: Incarnation
    /// Revisions above this one …
    package private(set) var after: Revision
    /// … up to this one are covered.
    package private(set) var through: Revision
    private var landings: [ActionID: Landing] = [:]
    /// The ids of each covered revision, oldest first, to forget them in order.
    private var history: [(revision: Revision, ids: [ActionID])] = []
    private var forgottenPrefix = 0
    private var outcomeBytes = 0

    /// An index that covers nothing yet, to be grown upwards from `revision`.
    package init(incarnation: Incarnation, after revision: Revision) {
        self.incarnation = incarnation
        after = revision
        through = revision
    }

    package static func fingerprint(of bytes: Bytes, _ record: Digest? = nil) -> UInt64 {
        Digest(domain: "optimystic/action/1", bytes).prefix64 ^ (record?.prefix64 ?? 0)
    }

    /// Bytes that it takes, about.
    /// - Complexity: O(1).
    package var weight: Int { outcomeBytes + landings.count * 160 + history.count * 64 }

    /// Whether every revision in (`first`, `last`] is covered.
    package func covers(after first: Revision, through last: Revision) -> Bool {
        invariant(first <= last, "(\(first), \(last)] is no range")
        return after <= first && through >= last
    }

    package func landing(of action: ActionID) -> Landing? { landings[action] }

    /// Adds the next revision.
    /// - Precondition: `revision` is the one after ``through``.
    package mutating func append(
        _ revision: Revision, actions: [Action], records: [ActionID: Digest] = [:]
    ) {
        invariant(revision == through.next, "revision \(revision) after \(through)")
        through = revision
        for (index, action) in actions.enumerated() {
            let position = LogPosition(revision: revision, index: UInt32(index))
            landings[action.id] = Landing(
                position: position, action: action, record: records[action.id])
            outcomeBytes += action.outcome.count
        }
        history.append((revision, actions.map(\.id)))
        while history.count - forgottenPrefix > Limits.actionIndexRevisionCountMax
            || (history.count - forgottenPrefix > 1
                && (landings.count > Limits.actionIndexActionCountMax
                    || outcomeBytes > Limits.actionIndexOutcomeBytesMax))
        {
            let oldest = history[forgottenPrefix]
            for id in oldest.ids {
                outcomeBytes -= landings.removeValue(forKey: id)?.outcome.count ?? 0
            }
            after = oldest.revision
            forgottenPrefix += 1
        }
        if forgottenPrefix > Limits.actionIndexRevisionCountMax {
            history.removeFirst(forgottenPrefix)
            forgottenPrefix = 0
        }
        invariant(
            through.rawValue - after.rawValue == UInt64(history.count - forgottenPrefix),
            "\(history.count - forgottenPrefix) entries in (\(after), \(through)]")
        invariant(outcomeBytes >= 0, "\(outcomeBytes) bytes of outcomes")
    }
}
