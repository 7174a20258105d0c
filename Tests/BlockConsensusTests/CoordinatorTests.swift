import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("A coordinator") struct CoordinatorTests {
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

    /// Lets time pass until everything is answered, one peer answering nothing.
    /// - Returns: How long it took.
    private func run(_ world: inout CoordinatorWorld, without silent: PeerID) -> Duration {
        let before = world.now
        while world.coordinators[0].requestCount > 0 {
            world.messages.removeAll { $0.peer == silent }
            if let message = world.messages.popLast() {
                world.deliver(message)
            } else if let answer = world.answers.popLast() {
                world.feed(
                    .reply(
                        id: answer.id, peer: answer.peer, epoch: world.map.epoch, answer.reply),
                    to: answer.coordinator)
            } else {
                world.now = world.now.advanced(by: .milliseconds(10))
                world.feed(.tick, to: 0)
            }
        }
        return world.now.since(before)
    }

    @Test(
        "A peer that was silent once is not waited for so long again, and counts when it is back"
    )
    func audits() throws {
        var world = try CoordinatorWorld(seed: 6, coordinatorCount: 1)
        let silent = world.map.peers[2].id
        func audit(_ token: UInt64) {
            world.feed(
                .request(
                    Coordinator.Token(rawValue: token), .audit(.content(BlockID(content: [7]))),
                    deadline: world.now.advanced(by: .seconds(5))), to: 0)
        }
        audit(1)
        #expect(run(&world, without: silent) >= .milliseconds(1000))
        for token in 2...20 as ClosedRange<UInt64> {
            audit(token)
            #expect(run(&world, without: silent) <= .milliseconds(80))
            let report = try #require(world.audits[token]?.reports.last)
            #expect(report == ReplicaReport(peer: silent, state: .unreachable))
        }
        // It is back: the first answer of it counts.
        audit(21)
        world.deliverAll()
        #expect(world.audits[21]?.reports.last == ReplicaReport(peer: silent, state: .lacks))
    }
}
