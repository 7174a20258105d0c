import BlockModel
import BlockRuntime

/// What the replicas of one object said, put into words.
extension Coordinator {
    func audit(
        _ target: AuditTarget, _ peers: [PeerID], _ replies: [PeerID: PeerReply]
    ) -> RepositoryReply {
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
}

extension AuditTarget {
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
