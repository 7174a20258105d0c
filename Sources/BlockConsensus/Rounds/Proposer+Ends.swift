import BlockModel
import BlockRuntime

/// The ends of the rounds that a proposal waits for, and its own.
extension Proposer {
    mutating func segmentWasStored(
        _ hash: Digest, _ result: RoundResult, _ effects: inout RoundEffects
    ) {
        if case .failed(let error) = result {
            give(up: error, &effects)
        } else {
            segmentIsDurable(hash, &effects)
        }
    }

    mutating func prerequisiteEnded(_ result: RoundResult, _ effects: inout RoundEffects) {
        switch result {
        case .failed(let error): give(up: error, &effects)
        case .reply(let refusal): give(up: refusal, &effects)
        default: prerequisiteIsDurable(&effects)
        }
    }

    func end(
        _ result: RoundResult, as running: RunningRound, in coordinator: inout Coordinator
    ) {
        coordinator.proposalEnded(running.id, self, result)
        coordinator.discardDead(change, result)
        if case .reply(.refused(.blocked(let value))) = result {
            let blocked = Coordinator.BlockedChange(
                collection: collection, change: change, owner: running.owner, deadline: deadline,
                value: value)
            if coordinator.waitForIntents(blocked) { return }
        }
        coordinator.report(result, of: running)
    }
}
