import BlockModel
import BlockRuntime

/// One attempt over several collections under way in a coordinator (protocol: home-decides).
///
/// The change of the home's tail is proposed at once and held: besides the pends of all collections
/// it waits for the intent of every other participant. So the decision takes three round trips, the
/// first of which the home and the others share.
struct TransactionRun {
    let token: Coordinator.Token
    let request: TransactionAttempt
    let deadline: Instant
    /// The change of the home's tail, while it is held or decided.
    var decision: UInt64?
    /// Participants that are being prepared: an intent may still come to be there.
    var preparing: Set<CollectionID> = []
    /// Why it cannot land, as the first participant that refused it said.
    var refusal: (collection: CollectionID, CommitRefusal)?
    /// What is known of it once the home has decided, or the try was given up.
    var ending: Ending?

    enum Ending {
        case committed
        /// What its sender is told unless the home knows more.
        case givenUp(RepositoryReply)
    }

    /// Participants that the home is not.
    var secondaries: [Participant] {
        request.attempt.participants.filter { $0.collection != request.attempt.home }
    }

    /// What to prepare at a participant.
    func preparation(of part: Participant) -> PrepareParticipant {
        PrepareParticipant(
            request.attempt, part, write: request.write(of: part.collection))
    }
}

extension TransactionAttempt {
    /// What is wrong with the attempt as it stands; nil when nothing is.
    var problem: DatabaseError? { writes.lazy.compactMap(\.problem).first }
}
