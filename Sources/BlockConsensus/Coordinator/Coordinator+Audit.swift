import BlockModel
import BlockRuntime

/// What the replicas of one object said, put into words.
extension Coordinator {
    func audit(
        _ target: AuditTarget, _ peers: [PeerID], _ replies: [PeerID: PeerReply]
    ) -> RepositoryReply {
        invariant(replies.count <= peers.count, "replies of others than were asked")
        var copy: Bytes?
        var copiedRevision = Revision.zero
        let reports = peers.map { peer in
            let state = replies[peer].map { target.state(of: $0) } ?? .unreachable
            switch (replies[peer], state) {
            case (.content(let bytes?), _): copy = copy ?? bytes
            case (.holding(let block?, _), .holdsBlock) where block.write.revision > copiedRevision:
                copiedRevision = block.write.revision
                copy = block.bytes
            default: break
            }
            return ReplicaReport(peer: peer, state: state)
        }
        return .replicas(reports, copy)
    }

    /// Brings what an audit found to the replicas that lack it. One that lacks a content or a
    /// segment may have it from any other: its name is its hash. A version is only ever made of a
    /// write that the log lists, so one that any replica holds is one that all should. The audit's
    /// caller does not wait for it: the next audit tells.
    mutating func heal(_ target: AuditTarget, _ peers: [PeerID], _ replies: [PeerID: PeerReply]) {
        let shard = target.shard(in: map)
        invariant(peers == map.members(of: shard), "an audit of others than the members")
        let answers = peers.compactMap { replies[$0] }
        if case .register(let collection) = target {
            return heal(collection, accepted: answers.compactMap(\.acceptedBallot))
        }
        guard let remedy = target.remedy(in: answers) else { return }
        for peer in peers {
            guard let reply = replies[peer],
                target.state(of: reply) == .lacks || remedy.isNews(after: reply)
            else { continue }
            mark("coordinator.audit.heals")
            let request = PeerRequest(
                shard: shard, epoch: map.epoch, operation: remedy)
            tell(peer, request)
        }
    }

    /// Has the value of a register said again, at a new ballot, when a replica missed it: at the
    /// old one that replica may no longer take it, because of a promise made since.
    private mutating func heal(_ collection: CollectionID, accepted: [Ballot]) {
        guard let highest = accepted.max(), accepted.contains(where: { $0 < highest }) else {
            return
        }
        mark("coordinator.audit.renews")
        change(
            collection, .renew, owner: .nobody,
            deadline: now.advanced(by: timing.broadcast))
    }
}

extension PeerReply {
    fileprivate var acceptedBallot: Ballot? {
        guard case .register(let accepted, _, _) = self else { return nil }
        return accepted
    }
}

extension AuditTarget {
    /// What a replica that has nothing is to be sent, from the answers of those that have it.
    fileprivate func remedy(in replies: [PeerReply]) -> PeerRequest.Operation? {
        for reply in replies {
            switch (self, reply) {
            case (.content(let block), .content(let bytes?)) where BlockID(content: bytes) == block:
                return .putContent(block, bytes, for: .unknown)
            case (.segment(let key), .content(let bytes?))
            where Segment.hash(of: bytes) == key.hash:
                return .putSegment(key, bytes)
            case (.block(let key, let revision), .holding(let copy?, _))
            where copy.write.revision == revision && copy.isIntact(as: key):
                return .install(key, copy)
            default: break
            }
        }
        return nil
    }

    /// What a replica says with this answer.
    fileprivate func state(of reply: PeerReply) -> ReplicaReport.State {
        switch (self, reply) {
        case (.register, .register(.zero, _, _)): .lacks
        case (.register, .register(let accepted, _, let value)):
            .holds(RegisterRecord.hash(of: value ?? []), accepted: accepted)
        case (.content, .content(let bytes?)):
            .holds(BlockID(content: bytes).digest, accepted: nil)
        case (.segment, .content(let bytes?)): .holds(Segment.hash(of: bytes), accepted: nil)
        case (_, .content(nil)), (.block, .holding(nil, pends: [])): .lacks
        case (.block(let key, _), .holding(let copy, let pends)):
            if let copy, !copy.isIntact(as: key) {
                .refuses(DatabaseError(.corrupted, "it hands out a damaged copy"))
            } else {
                .holdsBlock(BlockHolding(version: copy?.write, pends: pends))
            }
        case (_, .refused(let error)): .refuses(error)
        default: .unreachable
        }
    }
}

extension PeerRequest.Operation {
    /// Whether a replica that answered so is behind what this brings.
    fileprivate func isNews(after reply: PeerReply) -> Bool {
        switch (self, reply) {
        case (.install(_, let copy), .holding(let held, _)):
            (held?.write.revision ?? .zero) < copy.write.revision
        default: false
        }
    }
}
