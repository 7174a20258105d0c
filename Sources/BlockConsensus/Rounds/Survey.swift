import BlockModel
import BlockRuntime

/// Asks several peers the same and waits for all of them, within bounds. For reports, not votes.
package struct Survey {
    package let peers: [PeerID]
    private let operation: PeerRequest.Operation
    private var replies: [PeerID: PeerReply] = [:]

    package init(_ operation: PeerRequest.Operation, peers: [PeerID]) {
        self.operation = operation
        self.peers = peers
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
        if replies.count == peers.count { effects.finish(.surveyed(replies)) }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        effects.finish(.surveyed(replies))
    }
}
