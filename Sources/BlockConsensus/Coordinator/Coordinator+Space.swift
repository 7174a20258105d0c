import BlockModel
import BlockRuntime

/// What a coordinator does about space that is not needed any more.
extension Coordinator {
    /// Has a peer walk one page of its records.
    mutating func sweep(
        _ peer: PeerID, _ after: Bytes?, for token: Token, deadline: Instant
    ) {
        guard let shard = map.shards.firstIndex(where: { $0.contains(peer) }) else {
            let error = DatabaseError(.invalidArgument, "\(peer) is a member of no shard")
            return respond(token, .failed(error))
        }
        let sweep = SpaceSweep(
            peer: peer, shard: ShardID(rawValue: UInt32(shard)), after: after,
            countMax: Limits.sweepPageCountMax, deadline: deadline)
        add(sweep, owner: .client(token))
    }

    /// Begins what the retention of collections makes due. No request waits for it: what fails now
    /// is due again when the walk comes back.
    mutating func truncate(_ requests: [TruncateCollection]) {
        for request in requests {
            change(
                request.collection, .truncate(request), owner: .nobody,
                deadline: now.advanced(by: Limits.scrubTime))
        }
    }
}

extension CommitAttempt {
    /// For what its body is kept.
    var owner: ContentOwner {
        ContentOwner(
            life: CollectionLife(
                collection: participant.collection, incarnation: participant.incarnation),
            target: participant.target)
    }
}
