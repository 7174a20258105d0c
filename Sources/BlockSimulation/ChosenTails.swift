import BlockModel
import BlockRuntime

/// What acceptors have accepted, seen from outside: the newest chosen tail of every life of a
/// collection. The log of a life that was dropped is nowhere else.
struct ChosenTails {
    private struct Votes {
        var peers: Set<Int> = []
        let value: Bytes
    }

    private var votes: [CollectionID: [Ballot: Votes]] = [:]
    private var tails: [CollectionID: [Incarnation: Tail]] = [:]

    /// A peer has said, and made durable, that it accepted a value.
    mutating func accepted(
        _ value: Bytes, at ballot: Ballot, of collection: CollectionID, by peer: Int, quorum: Int
    ) {
        var current = votes[collection, default: [:]]
        current[ballot, default: Votes(value: value)].peers.insert(peer)
        if let vote = current[ballot], vote.peers.count >= quorum {
            // Whatever is chosen later has a higher ballot.
            current = current.filter { $0.key >= ballot }
            if let tail = try? TailValue(registerBytes: vote.value).live {
                let known = tails[collection]?[tail.incarnation]
                if known.map({ $0.revision <= tail.revision }) ?? true {
                    tails[collection, default: [:]][tail.incarnation] = tail
                }
            }
        }
        votes[collection] = current
    }

    /// Of each life, oldest first.
    func lives(of collection: CollectionID) -> [Tail] {
        (tails[collection] ?? [:]).values.sorted {
            $0.incarnation.generation < $1.incarnation.generation
        }
    }
}
