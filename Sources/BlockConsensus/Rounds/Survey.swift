import BlockModel
import BlockRuntime

/// Asks several peers the same and waits for all of them, within bounds. For reports, not votes.
///
/// A peer that is doubted, because it was silent last time, is asked like the others; when these
/// have answered, it has a moment more, and not the whole time that a peer has once.
package struct Survey {
    package let peers: [PeerID]
    private let operation: PeerRequest.Operation
    private let doubted: Set<PeerID>
    private var replies: [PeerID: PeerReply] = [:]

    package init(
        _ operation: PeerRequest.Operation, peers: [PeerID], doubted: Set<PeerID> = []
    ) {
        self.operation = operation
        self.peers = peers
        // Of nobody else is there anything to be had.
        self.doubted = doubted.isSuperset(of: peers) ? [] : doubted
    }

    package mutating func start(_ effects: inout RoundEffects) {
        for peer in peers { effects.send(operation, to: peer, stamp: 0) }
        effects.wake(after: effects.timing.survey)
        if peers.isEmpty { effects.finish(.surveyed([:])) }
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, _ effects: inout RoundEffects
    ) {
        replies[peer] = reply
        let missing = peers.filter { replies[$0] == nil }
        if missing.isEmpty { return effects.finish(.surveyed(replies)) }
        if doubted.isSuperset(of: missing) { effects.wake(after: effects.timing.hedge) }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        effects.finish(.surveyed(replies))
    }
}
