import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Coordinators and peers as bare machines, their messages delivered in random order, doubled and
/// lost, coordinators dying at any moment: whatever is chosen must form one history.
@Suite struct CoordinatorInterleavingTests {
    // protocol: registers-stay, write-back-before-answer, identical-quorum-is-chosen
    // protocol: act-on-chosen
    @Test("Chosen tails form one history under any order, loss and death", arguments: 0..<60)
    func oneHistory(seed: Int) throws {
        var world = try CoordinatorWorld(seed: UInt64(seed), coordinatorCount: 1 + seed % 3)
        let name = "events"
        let creation = CreateCollection(
            name: name, header: CollectionHeader(kind: .diary, encoding: .bytes),
            creation: Sample.creation(1), nonce: Sample.identifier(5))
        let incarnation = Incarnation(generation: 1, nonce: Sample.identifier(5))
        var token: UInt64 = 0
        func deadline(_ world: CoordinatorWorld) -> Instant { world.now.advanced(by: .seconds(3)) }
        for round in 0..<2000 {
            if round % 100 == 0 {
                // Again and again: the coordinator that was asked may have died.
                let request = RepositoryRequest.create(creation)
                world.feed(
                    .request(
                        Coordinator.Token(rawValue: 0), request, deadline: deadline(world)),
                    to: 0)
            }
            if round % 25 == 0 {
                token += 1
                // Several coordinators aim different payloads at the revisions around the end.
                let end = world.seen.keys.max()?.rawValue ?? 0
                let target = Revision(end + UInt64(world.generator.below(2)))
                let attempt = CommitAttempt(
                    participant: Participant(
                        collection: CollectionID(name: name), incarnation: incarnation,
                        target: target),
                    payload: Sample.payload(100 + token),
                    body: Sample.body([100 + token], size: token % 3 == 0 ? 2000 : 8)
                        .canonicalBytes, wallMilliseconds: 0)
                let request: RepositoryRequest =
                    world.generator.chance(1, in: 4)
                    ? .readTail(CollectionID(name: name)) : .commit(attempt)
                let index = world.generator.below(world.coordinators.count)
                world.feed(
                    .request(
                        Coordinator.Token(rawValue: token), request, deadline: deadline(world)),
                    to: index)
            }
            world.step()
        }
        // Quiet end: the final tail holds what was acknowledged.
        world.deliverAll()
        let landed = Set(world.acknowledged.values)
        #expect(
            landed.count == world.acknowledged.count, "two attempts acknowledged at one revision")
        #expect(world.acknowledged.values.allSatisfy { world.seen[$0] != nil })
        #expect(world.acknowledged.count >= 2, "the world stood still: it proves nothing")
    }
}
