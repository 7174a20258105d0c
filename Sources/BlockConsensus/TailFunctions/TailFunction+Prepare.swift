import BlockModel
import BlockRuntime

/// Prepares one collection for an attempt over several: from here until the home has decided,
/// nothing else is appended (protocol: home-decides).
package struct PrepareParticipant: Hashable, Sendable {
    package let attempt: Attempt
    package let participant: Participant
    /// What it writes; nil when the collection is only read.
    package let write: CommitAttempt?

    /// - Precondition: `participant` is one of `attempt` and not its home, which is never prepared:
    ///   it decides.
    package init(_ attempt: Attempt, _ participant: Participant, write: CommitAttempt?) {
        invariant(attempt.participants.contains(participant), "a part of another attempt")
        invariant(attempt.home != participant.collection, "a home is prepared")
        invariant((write != nil) == (participant.role == .writes), "a write of what is only read")
        self.attempt = attempt
        self.participant = participant
        self.write = write
    }
}

extension TailFunction {
    /// Leaves the attempt's intent, or says why not. A write excludes every other attempt, a read
    /// only those that write (protocol: reads-hold-shared-intents).
    ///
    /// It is answered with the tail that holds the intent. An attempt that was decided and applied
    /// here is told as committed: this message came late.
    static func prepare(_ request: PrepareParticipant, _ value: TailValue) -> TailDecision {
        let part = request.participant
        guard let tail = value.live, tail.incarnation == part.incarnation else {
            return .keep(.refused(.gone(value)))
        }
        let name = request.attempt.digest
        if tail.holdsIntent(of: name) { return .keep(.tail(value)) }
        guard tail.revision.next == part.target else {
            let open = tail.openEntry(at: part.target)
            if let open, open.payload == request.attempt.payload {
                return .keep(.committed(open.revision, chainHash: open.chainHash))
            }
            return .keep(.refused(.moved(landing: open == nil ? .notLookedFor : .absent, value)))
        }
        if tail.exclusiveIntent != nil { return .keep(.refused(.blocked(value))) }
        guard let write = request.write else {
            return planted(.readNotHeld) ? .keep(.tail(value)) : share(request.attempt, tail)
        }
        guard tail.sharedIntents.isEmpty || planted(.sharedIntentIgnored) else {
            return .keep(.refused(.blocked(value)))
        }
        if let problem = headerProblem(write, tail) { return .keep(.failed(problem)) }
        var prepared = tail
        prepared.sharedIntents = []
        prepared.exclusiveIntent = Intent(entry: makeEntry(write, after: tail))
        invariant(prepared.exclusiveIntent?.attempt == request.attempt, "another one's intent")
        return .replace(.live(prepared), .tail(.live(prepared)))
    }

    private static func share(_ attempt: Attempt, _ tail: Tail) -> TailDecision {
        guard tail.sharedIntents.count < Limits.sharedIntentCountMax else {
            let error = DatabaseError(
                .overloaded,
                "\(tail.sharedIntents.count) undecided attempts hold the reads of \"\(tail.name)\""
                    + ", sharedIntentCountMax = \(Limits.sharedIntentCountMax)",
                retryAfter: RetryTiming.afterFullTable)
            return .keep(.failed(error))
        }
        var prepared = tail
        prepared.sharedIntents = (tail.sharedIntents + [attempt.anchor]).sorted()
        return .replace(.live(prepared), .tail(.live(prepared)))
    }
}
