import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("What is in the way of an attempt")
struct PendingPolicyTests {
    private typealias Scene = BlockScene

    private func pend(
        _ payload: PayloadID, target: UInt64 = 2, policy: PendingPolicy, committed: [UInt64] = []
    ) -> PeerRequest.Operation {
        let request = Scene.pend(2, committed: committed)
        return .pend(
            PendRequest(
                key: Scene.key, payload: payload, target: Revision(target),
                record: request.record, committed: request.committed, policy: policy))
    }

    private func outstanding(target: UInt64 = 2, transform: Bytes? = nil) -> OutstandingPend {
        OutstandingPend(
            payload: Sample.payload(5), target: Revision(target),
            resultHash: Scene.hash(after: 2), transform: transform)
    }

    /// A replica with version 1 and somebody's pend of a second write.
    private func scene(target: UInt64 = 2) throws -> Scene {
        var scene = Scene()
        try scene.commit(1, through: 1)
        #expect(
            try scene.ask(pend(Sample.payload(5), target: target, policy: .proceed)) == .pended)
        return scene
    }

    @Test("The replica refuses, names the others, and keeps nothing")
    func refusal() throws {
        var scene = try scene()
        let before = scene.store.pends
        let mine = Sample.payload(6)
        #expect(try scene.ask(pend(mine, policy: .fail)) == .outstanding([outstanding()]))
        let full = outstanding(transform: Scene.pend(2).record.transform)
        #expect(
            try scene.ask(pend(mine, policy: .failReturningTransforms)) == .outstanding([full]))
        #expect(scene.store.pends == before)
        #expect(try scene.ask(pend(mine, policy: .proceed)) == .pended)
        // What is held is acknowledged again, whatever came since.
        #expect(try scene.ask(pend(mine, policy: .fail)) == .pended)
    }

    @Test("A pend bound above the target is in the way, one that is bound below only is not")
    func decided() throws {
        var above = try scene(target: 7)
        let mine = Sample.payload(6)
        #expect(
            try above.ask(pend(mine, policy: .fail)) == .outstanding([outstanding(target: 7)]))
        var below = try scene()
        #expect(try below.ask(pend(mine, target: 3, policy: .fail)) == .pended)
    }

    @Test("Another execution of the same action is not in the way")
    func sameAction() throws {
        var scene = try scene()
        let again = Sample.payload(5, execution: 1)
        #expect(try scene.ask(pend(again, policy: .fail)) == .pended)
    }

    @Test("A pend that the list shows committed becomes a version and is not in the way")
    func committedPend() throws {
        var scene = Scene()
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        _ = try scene.ask(.pend(Scene.pend(1, at: 4)))
        #expect(try scene.ask(pend(Sample.payload(6), policy: .fail, committed: [1])) == .pended)
        #expect(scene.versionRevisions == [1])
    }

    // MARK: Attempts

    private static let name = "x"
    private static let incarnation = Incarnation(generation: 1, nonce: .zero)

    private func attempt(_ number: UInt64, policy: PendingPolicy) -> CommitAttempt {
        let payload = Sample.payload(number)
        let write = BlockWrite(block: Scene.key.block, record: Scene.pend(1).record)
        let body = EntryBody(
            actions: [Action(id: payload.action, bytes: [1])], blocks: [write.touched])
        return CommitAttempt(
            participant: Participant(
                collection: CollectionID(name: Self.name), incarnation: Self.incarnation,
                target: Revision(1)),
            payload: payload, body: body.canonicalBytes, writes: [write], pendingPolicy: policy,
            wallMilliseconds: 0)
    }

    /// A collection whose block has a pend of action 5 on a quorum.
    private func world(seed: UInt64) throws -> CoordinatorWorld {
        var world = try CoordinatorWorld(seed: seed, coordinatorCount: 1)
        ask(
            &world,
            .create(
                CreateCollection(
                    name: Self.name, header: CollectionHeader(kind: .tree, encoding: .bytes),
                    creation: Sample.creation(1), nonce: .zero)), 1)
        world.deliverAll()
        var record = Scene.pend(1).record
        record.bind(Revision(1))
        for index in 0..<2 {
            let id = world.map.peers[(Int(seed) + index) % 3].id
            world.stores[id]?.apply(
                .pend(PendKey(Scene.key, payload: Sample.payload(5)), record))
        }
        return world
    }

    private func ask(
        _ world: inout CoordinatorWorld, _ request: RepositoryRequest, _ token: UInt64
    ) {
        let deadline = world.now.advanced(by: .seconds(3))
        world.feed(.request(Coordinator.Token(rawValue: token), request, deadline: deadline), to: 0)
    }

    @Test("An attempt that fails for a pend in the way proposes nothing, in any order of messages")
    func nothingIsProposed() throws {
        for seed in 0..<40 as Range<UInt64> {
            var world = try world(seed: seed)
            let accepted = world.stores.mapValues { $0.registers.mapValues(\.accepted) }
            ask(&world, .commit(attempt(6, policy: .fail)), 2)
            // Everything in random order, nothing lost: no accept may ever be among it.
            while !world.messages.isEmpty || !world.answers.isEmpty {
                let count = world.messages.count + world.answers.count
                let index = world.generator.below(count)
                if index < world.messages.count {
                    let message = world.messages.remove(at: index)
                    if case .accept = message.request.operation {
                        Issue.record("seed \(seed): an accept was sent")
                    }
                    world.deliver(message)
                } else {
                    let answer = world.answers.remove(at: index - world.messages.count)
                    world.feed(
                        .reply(
                            id: answer.id, peer: answer.peer, epoch: world.map.epoch,
                            answer.reply), to: 0)
                }
            }
            #expect(world.pending[2]?.map(\.payload) == [Sample.payload(5)])
            #expect(world.acknowledged[2] == nil && world.coordinators[0].roundCount == 0)
            #expect(world.stores.mapValues { $0.registers.mapValues(\.accepted) } == accepted)
        }
    }

    @Test("An attempt that proceeds lands beside the pend, and so does a failed one sent again")
    func proceeding() throws {
        var world = try world(seed: 3)
        ask(&world, .commit(attempt(6, policy: .failReturningTransforms)), 2)
        world.deliverAll()
        #expect(world.pending[2]?.first?.transform == Scene.pend(1).record.transform)
        ask(&world, .commit(attempt(6, policy: .proceed)), 3)
        world.deliverAll()
        #expect(world.acknowledged[3] == Revision(1))
        ask(&world, .readTail(CollectionID(name: Self.name)), 4)
        world.deliverAll()
        #expect(world.chosen == [Revision(1): Sample.payload(6)])
    }
}
