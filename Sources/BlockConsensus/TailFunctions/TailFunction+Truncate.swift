import BlockModel
import BlockRuntime

extension TailFunction {
    /// Says that history up to a revision is gone. Nothing of it is deleted before this is chosen
    /// (protocol: truncate-then-delete): a reader that misses something reads the tail again and
    /// knows why.
    ///
    /// As far as asked for, but never what is not final yet, nor a decision that may still have to
    /// be looked up (protocol: open-decisions-hold-the-log).
    static func truncate(_ request: TruncateCollection, _ value: TailValue) -> TailDecision {
        guard var tail = value.live, tail.incarnation == request.incarnation else {
            return .keep(.refused(.gone(value)))
        }
        guard request.through <= tail.revision else {
            let error = DatabaseError(
                .positionNotFound,
                "revision \(request.through) does not exist yet: \"\(tail.name)\" is at "
                    + "\(tail.revision)")
            return .keep(.failed(error))
        }
        let through = min(request.through, tail.greatestTruncation)
        guard through > tail.truncatedThrough else { return .keep(.tail(value)) }
        mark("tail.truncated")
        tail.truncatedThrough = through
        if !tail.header.kind.hasBlocks {
            tail.checkpoint = tail.checkpoint.merged(with: Checkpoint(through))
        }
        return .replace(.live(tail), .tail(.live(tail)))
    }

    /// Sets how much history is kept.
    static func retain(_ request: RetainHistory, _ value: TailValue) -> TailDecision {
        guard var tail = value.live, tail.incarnation == request.incarnation else {
            return .keep(.refused(.gone(value)))
        }
        guard tail.retention != request.retention else { return .keep(.tail(value)) }
        tail.retention = request.retention
        return .replace(.live(tail), .tail(.live(tail)))
    }
}
