import BlockModel
import BlockRuntime

/// What clients were told of attempts that they sent as they are, each try for itself.
package struct AttemptHistory: Sendable {
    package typealias TryID = Int

    package struct Try: Sendable {
        package let client: Int
        package let collection: String
        package let participant: Participant
        package let payload: PayloadID
        package let sent: Instant
        package var answer = Answer.none

        package init(
            client: Int, collection: String, participant: Participant, payload: PayloadID,
            sent: Instant
        ) {
            self.client = client
            self.collection = collection
            self.participant = participant
            self.payload = payload
            self.sent = sent
        }
    }

    package enum Answer: Equatable, Sendable {
        /// The client was told nothing, or that it is not known.
        case none
        case committed(Revision)
        /// It did not land and never will: a chosen value shows it.
        case never
        /// This try did nothing; an earlier one may have.
        case notBegun
        /// It is not at its target now, or may be: the log tells.
        case askTheLog
    }

    package private(set) var tries: [Try] = []

    package init() {}

    package mutating func add(_ item: Try) -> TryID {
        tries.append(item)
        return tries.count - 1
    }

    package mutating func tell(_ id: TryID, _ answer: Answer) { tries[id].answer = answer }
}

extension AttemptHistory.Answer {
    /// What the reply to a commit says.
    package init(_ reply: ClientReply) {
        self =
            switch reply {
            case .committed(let revision, _): .committed(revision)
            case .refused(let refusal): AttemptHistory.Answer(refusal)
            case .failed(let error) where error.outcome == .notApplied: .notBegun
            default: .none
            }
    }

    private init(_ refusal: CommitRefusal) {
        self =
            switch refusal {
            case .fenced, .moved(.absent, _): .never
            // An earlier try may be the entry at the target, in this life or in one that is over.
            case .moved(.notLookedFor, _), .gone: .askTheLog
            // Nothing was proposed by this try.
            case .blocked, .pending: .notBegun
            }
    }
}
