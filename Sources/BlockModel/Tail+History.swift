import BlockRuntime

extension Tail {
    /// Every entry up to here is final on its replicas. What has no blocks is so when it is
    /// decided: its body was on a quorum before.
    package var finalThrough: Revision { header.kind.hasBlocks ? checkpoint.oldest : revision }

    /// How far its retention says that it should be truncated now; nil when that is not worth a
    /// change, or must wait.
    package var dueTruncation: Revision? {
        guard case .last(let count) = retention else { return nil }
        let due = min(retention.excess(at: revision), greatestTruncation)
        // A sixteenth of what is kept at a time, so that a hot collection is not truncated with
        // every entry.
        let step = max(1, count / 16)
        guard due.rawValue >= truncatedThrough.rawValue + step else { return nil }
        return due
    }

    /// How far it may be truncated: what is not final, and decisions that are still to be looked
    /// up, stay (protocol: truncate-then-delete, open-decisions-hold-the-log).
    package var greatestTruncation: Revision {
        guard let open = openDecisions.first, !planted(.openDecisionTruncated) else {
            return finalThrough
        }
        return min(finalThrough, open.target.previous)
    }
}
