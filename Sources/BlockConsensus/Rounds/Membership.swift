import BlockModel
import BlockRuntime

/// The members of one shard in one epoch, and how many of them decide.
package struct Membership: Equatable, Sendable {
    package let shard: ShardID
    package let epoch: Epoch
    package let peers: [PeerID]

    package init(shard: ShardID, in map: ClusterMap) {
        invariant(shard.rawValue < UInt32(map.shards.count), "there is no shard \(shard)")
        self.shard = shard
        epoch = map.epoch
        peers = map.members(of: shard)
        invariant(!peers.isEmpty, "shard \(shard) has no members")
    }

    /// More than half of the members.
    package var quorum: Int { peers.count / 2 + (planted(.quorumOffByOne) ? 0 : 1) }

    /// What the members said, in their order: the same answers make the same decision in every
    /// process, also where a rule is broken.
    func inOrder<Answer>(_ answers: [PeerID: Answer]) -> [Answer] {
        invariant(answers.count <= peers.count, "answers of others than members")
        return peers.compactMap { answers[$0] }
    }

    /// Whether a quorum can still be had when `lost` members are out of it.
    package func canReachQuorum(without lost: Int) -> Bool {
        invariant((0...peers.count).contains(lost), "\(lost) of \(peers.count) members are lost")
        return peers.count - lost >= quorum
    }

    /// Whether so many members have not decided anything yet.
    func isBelowQuorum(_ count: Int) -> Bool { count < max(1, quorum) }

    /// Stops the process unless all of these are members.
    func checkMembers(_ named: some Sequence<PeerID>) {
        for peer in named { invariant(peers.contains(peer), "\(peer) is not a member of \(shard)") }
    }
}

/// The members that said no, and why: for the message when it comes to that.
struct Refusals {
    private(set) var errors: [PeerID: DatabaseError] = [:]
    var count: Int { errors.count }

    mutating func add(_ error: DatabaseError, from peer: PeerID) { errors[peer] = error }
    mutating func removeAll() { errors = [:] }

    /// The error of an operation for which no quorum was found.
    func quorumUnavailable(_ members: Membership, answered: Int) -> DatabaseError {
        invariant(answered <= members.peers.count, "\(answered) members answered")
        let reasons = errors.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.message)" }
        let detail = reasons.isEmpty ? "" : "; refused by \(reasons.joined(separator: "; "))"
        return DatabaseError(
            .quorumUnavailable,
            "\(answered) of the \(members.peers.count) storage peers of shard \(members.shard) "
                + "took part, \(members.quorum) must" + detail,
            cause: errors.min { $0.key < $1.key }?.value)
    }
}
