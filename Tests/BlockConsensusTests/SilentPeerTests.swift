import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("Silent peers") struct SilentPeerTests {
    @Test("Without a majority the error says of which shard, who is silent, and for how long")
    func named() throws {
        var world = try CoordinatorWorld(seed: 5, coordinatorCount: 1)
        let requests: [RepositoryRequest] = [
            .readTail(CollectionID(name: "x")), .getContent(BlockID(content: [1])),
            .listCollections(after: nil, countMax: 10),
            .readBlock(
                BlockReadRequest(
                    key: BlockKey(
                        block: BlockID(content: [2]),
                        incarnation: Incarnation(generation: 1, nonce: .zero)),
                    revision: Revision(1))),
        ]
        for (number, request) in requests.enumerated() {
            let token = Coordinator.Token(rawValue: UInt64(number))
            let deadline = world.now.advanced(by: .seconds(3))
            world.feed(.request(token, request, deadline: deadline), to: 0)
        }
        // One peer answers everything, the others nothing.
        let talker = world.map.peers[0]
        for _ in 0..<400 {
            world.messages.removeAll { $0.peer != talker.id }
            if let message = world.messages.popLast() {
                world.deliver(message)
            } else if let answer = world.answers.popLast() {
                world.feed(
                    .reply(
                        id: answer.id, peer: answer.peer, epoch: world.map.epoch, answer.reply),
                    to: answer.coordinator)
            } else {
                world.now = world.now.advanced(by: .milliseconds(100))
                world.feed(.tick, to: 0)
            }
        }
        for (number, request) in requests.enumerated() {
            let error = try #require(world.failed[UInt64(number)], "\(request)")
            #expect(error.code == .quorumUnavailable)
            #expect(error.message.contains("of the 3 storage peers of shard 0"), "\(error)")
            for peer in world.map.peers.dropFirst() {
                #expect(error.message.contains("\(peer.name) at \(peer.address) for "), "\(error)")
            }
            #expect(!error.message.contains(" \(talker.name) at "), "\(error)")
        }
    }
}
