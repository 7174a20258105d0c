import BlockModel
import BlockRuntime

/// One request inside a batch to a storage peer.
package struct PeerBatchItem: Hashable, Sendable {
    /// Names the item in the reply. Unique within what the sender has under way at that peer.
    package let id: UInt64
    package let request: PeerRequest

    package init(id: UInt64, request: PeerRequest) {
        self.id = id
        self.request = request
    }
}

/// One reply inside a batch from a storage peer.
package struct PeerReplyItem: Hashable, Sendable {
    /// ``PeerBatchItem/id`` of the request.
    package let id: UInt64
    package let reply: PeerReply

    package init(id: UInt64, reply: PeerReply) {
        self.id = id
        self.reply = reply
    }
}

/// What one storage peer answers in one cycle.
package struct PeerBatchReply: Hashable, Sendable {
    /// The storage UUID of who answers: only it makes the votes distinct.
    package let peer: PeerID
    /// The epoch of the peer's cluster file.
    package let epoch: Epoch
    package let items: [PeerReplyItem]

    package init(peer: PeerID, epoch: Epoch, items: [PeerReplyItem]) {
        self.peer = peer
        self.epoch = epoch
        self.items = items
    }
}
