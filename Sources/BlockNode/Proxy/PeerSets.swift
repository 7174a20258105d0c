import BlockModel
import BlockRuntime

/// The sets of peers that shards have as members, numbered: a coordinator that cannot reach enough
/// of one set may well reach enough of another.
struct PeerSets: Sendable {
    /// Of each shard, by its number.
    private let numbers: [ServiceRanking.Subject]
    /// For requests about no shard in particular.
    static let all = ServiceRanking.Subject.max

    private let map: ClusterMap

    init(_ map: ClusterMap) {
        self.map = map
        var known: [Set<PeerID>: ServiceRanking.Subject] = [:]
        numbers = map.shards.map { members in
            let next = ServiceRanking.Subject(known.count)
            let number = known[Set(members)] ?? next
            known[Set(members)] = number
            return number
        }
        invariant(!known.keys.contains([]), "a shard without members")
        invariant(numbers.count == map.shards.count, "not every shard has its number")
    }

    /// The peers that a request needs most: the register's, or else the block's.
    func subject(of request: RepositoryRequest) -> ServiceRanking.Subject {
        let shard: ShardID? =
            switch request {
            case .getContent(let block): map.shard(of: block)
            case .getSegment(let key): map.shard(of: key.blockID)
            case .readBlock(let read): map.shard(of: read.key.block)
            case .finalise(let entry):
                map.shard(of: entry.blocks.first?.block ?? BlockID(entry.collection.digest))
            case .audit(.register(let collection)): map.shard(of: collection)
            case .audit(.content(let block)): map.shard(of: block)
            case .audit(.segment(let key)): map.shard(of: key.blockID)
            case .audit(.block(let key, _)): map.shard(of: key.block)
            case .scrub(let shard, _, _), .listPends(let shard, _, _): shard
            case .readTail, .create, .commit, .transact, .drop, .truncate, .retain:
                request.affinity.map { map.shard(of: $0) }
            case .listCollections, .status, .sweep: nil
            }
        guard let shard, shard.rawValue < UInt32(clamping: numbers.count) else { return Self.all }
        return numbers[Int(shard.rawValue)]
    }
}
