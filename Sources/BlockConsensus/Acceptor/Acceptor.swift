import BlockModel
import BlockRuntime

/// The rules of one acceptor for one register (protocol: accept-raises-promise,
/// one-ballot-one-value), as pure functions of its record.
///
/// The caller writes the returned record and syncs it before it sends the reply. Never from memory:
/// a reply that is not durable is a promise that a restart breaks.
package enum Acceptor {
    /// What to keep and what to say.
    package struct Decision: Equatable {
        /// nil: nothing changed.
        package let record: RegisterRecord?
        package let reply: PeerReply
        /// Two values came at one ballot: some proposer breaks the protocol.
        package var isAlarming = false
    }

    /// Prepare(b): promise to ignore ballots below `ballot`, if none as high was seen.
    package static func prepare(_ record: RegisterRecord, _ ballot: Ballot) -> Decision {
        let seen = highest(in: record)
        guard ballot > seen else {
            mark("acceptor.prepare.rejected")
            return Decision(record: nil, reply: .rejected(promised: seen))
        }
        if let refusal = counterJump(from: seen, to: ballot) {
            return Decision(record: nil, reply: .refused(refusal))
        }
        var kept = record
        kept.promised = ballot
        invariant(kept.promised > record.promised, "a promise does not rise")
        invariant(
            kept.accepted == record.accepted && kept.value == record.value,
            "a promise changes what is accepted")
        let reply = PeerReply.promise(ballot, accepted: record.accepted, value: record.value)
        return Decision(record: kept, reply: reply)
    }

    /// Accept(b, v): keep `value`, unless a higher ballot was promised.
    ///
    /// The same value at the same ballot again is a true statement and answered as one.
    ///
    /// - Parameter wantsNext: Promise the proposer's next ballot with it, so that it needs no
    ///   prepare for that one (protocol: retained-ballot). The answer says what is promised, and
    ///   durable; to a repeated accept nothing is granted.
    package static func accept(
        _ record: RegisterRecord, _ ballot: Ballot, _ value: Bytes, wantsNext: Bool
    ) -> Decision {
        if ballot == record.accepted, value == record.value {
            let reply = PeerReply.accepted(ballot, promisesNext: record.promised == ballot.next)
            return Decision(record: nil, reply: reply)
        }
        let isAboveAccepted = ballot > record.accepted || planted(.acceptDoesNotPromise)
        guard ballot >= record.promised, isAboveAccepted else {
            mark("acceptor.accept.rejected")
            let seen = max(record.promised, record.accepted)
            let reply = PeerReply.rejected(promised: seen)
            return Decision(record: nil, reply: reply, isAlarming: ballot == record.accepted)
        }
        if let refusal = counterJump(from: max(record.promised, record.accepted), to: ballot) {
            return Decision(record: nil, reply: .refused(refusal))
        }
        let binding = wantsNext ? ballot.next ?? ballot : ballot
        let isForgetful = planted(.nextPromiseNotDurable)
        let promised =
            planted(.acceptDoesNotPromise) ? record.promised : isForgetful ? ballot : binding
        let kept = RegisterRecord(promised: promised, accepted: ballot, value: value)
        invariant(kept.promised >= record.promised, "an accept takes a promise back")
        invariant(
            kept.accepted > record.accepted && kept.promised >= kept.accepted
                || planted(.acceptDoesNotPromise), "an accept at \(ballot) does not bind")
        let reply = PeerReply.accepted(ballot, promisesNext: binding > ballot)
        return Decision(record: kept, reply: reply)
    }

    /// The highest ballot that binds the acceptor. An accept binds like a promise
    /// (protocol: accept-raises-promise).
    private static func highest(in record: RegisterRecord) -> Ballot {
        planted(.acceptDoesNotPromise) ? record.promised : max(record.promised, record.accepted)
    }

    /// A hostile counter near the end of its range would leave no ballot above it for any proposer.
    private static func counterJump(from seen: Ballot, to ballot: Ballot) -> DatabaseError? {
        let (sum, overflow) = seen.counter.addingReportingOverflow(Limits.ballotCounterJumpMax)
        invariant(
            ballot >= seen || planted(.acceptDoesNotPromise), "\(ballot) is not above \(seen)")
        guard !overflow, ballot.counter <= sum else {
            return DatabaseError(
                .invalidArgument,
                "ballot counter \(ballot.counter) jumps more than ballotCounterJumpMax = "
                    + "\(Limits.ballotCounterJumpMax) beyond \(seen.counter)")
        }
        return nil
    }
}
