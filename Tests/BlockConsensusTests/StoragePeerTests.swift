import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("A storage peer")
struct StoragePeerTests {
    /// A name whose register is in the shard.
    private func name(in shard: UInt32, of map: ClusterMap) throws -> String {
        try #require(
            (0..<1000).map { "collection-\($0)" }
                .first { map.shard(of: CollectionID(name: $0)).rawValue == shard })
    }

    // protocol: damaged-register-stops-voting
    @Test("It answers its status, names the shard, and votes on the others")
    func onlyItsShard() throws {
        let map = try Sample.map(shardCount: 4)
        var peer = StoragePeer(identity: Sample.peer(1), map: map, refusal: nil)
        var store = MemoryPeerStore()
        let damaged = CollectionID(name: try name(in: 2, of: map))
        let sound = CollectionID(name: try name(in: 0, of: map))
        store.apply(
            .register(damaged, RegisterRecord(promised: .zero, accepted: .zero, value: [])))
        store.damaged = [damaged]
        func ask(_ shard: UInt32, _ operation: PeerRequest.Operation) -> PeerReply? {
            let request = PeerRequest(
                shard: ShardID(rawValue: shard), epoch: .first, operation: operation)
            for case .reply(let reply) in peer.receive(request, view: store) { return reply }
            return nil
        }
        // A list or a status that comes across the record blames nobody else's shard.
        _ = ask(0, .listRegisters(after: nil, countMax: 10))
        guard case .status(let before)? = ask(0, .status) else {
            Issue.record("no status")
            return
        }
        #expect(before.refusedShards.isEmpty)
        guard case .refused? = ask(2, .prepare(damaged, Sample.ballot(1))) else {
            Issue.record("a vote on a damaged register")
            return
        }
        guard case .promise? = ask(0, .prepare(sound, Sample.ballot(1))),
            case .status(let after)? = ask(0, .status)
        else {
            Issue.record("no vote on a shard that is sound, or no status")
            return
        }
        #expect(after.refusedShards == [ShardID(rawValue: 2)])
    }

    @Test("What it has no vote on is refused, and changes nothing")
    func refused() throws {
        let map = try Sample.map(shardCount: 4)
        let collection = CollectionID(name: try name(in: 2, of: map))
        let later = Epoch(rawValue: Epoch.first.rawValue + 1)
        let cases: [(peer: UInt64, shard: UInt32, epoch: Epoch, code: ErrorCode)] = [
            (1, 2, later, .wrongEpoch), (1, 0, .first, .wrongShard), (9, 2, .first, .wrongShard),
        ]
        for (number, shard, epoch, code) in cases {
            var peer = StoragePeer(identity: Sample.peer(number), map: map, refusal: nil)
            let directives = peer.receive(
                PeerRequest(
                    shard: ShardID(rawValue: shard), epoch: epoch,
                    operation: .prepare(collection, Sample.ballot(1))),
                view: MemoryPeerStore())
            guard case .reply(.refused(let error))? = directives.first else {
                Issue.record("\(directives)")
                continue
            }
            #expect(error.code == code && directives.count == 1)
        }
    }

    @Test("One that takes no part answers for its status and for nothing else")
    func takesNoPart() throws {
        let map = try Sample.map()
        let refusal = DatabaseError(.amnesia, "its writes are missing")
        var peer = StoragePeer(identity: Sample.peer(1), map: map, refusal: refusal)
        func ask(_ operation: PeerRequest.Operation) -> PeerReply? {
            let request = PeerRequest(
                shard: ShardID(rawValue: 0), epoch: .first, operation: operation)
            for case .reply(let reply) in peer.receive(request, view: MemoryPeerStore()) {
                return reply
            }
            return nil
        }
        guard case .status? = ask(.status) else {
            Issue.record("no status")
            return
        }
        guard case .refused(let error)? = ask(.query(Sample.tail().collection, wantsValue: true))
        else {
            Issue.record("a vote of a peer that forgot")
            return
        }
        #expect(error.code == .notParticipating && error.cause as? DatabaseError == refusal)
    }
}
