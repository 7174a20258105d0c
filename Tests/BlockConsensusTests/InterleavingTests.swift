import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Coordinators and peers as bare machines, their messages delivered in random order, doubled and
/// lost, coordinators dying at any moment: whatever is chosen must form one history.
@Suite struct InterleavingTests {
    struct Message {
        let coordinator: Int
        let peer: PeerID
        let id: UInt64
        let request: PeerRequest
    }

    struct Answer {
        let coordinator: Int
        let peer: PeerID
        let id: UInt64
        let reply: PeerReply
    }

    struct World {
        let map: ClusterMap
        var generator: SeededGenerator
        var now = Instant.origin
        var peers: [PeerID: StoragePeer] = [:]
        var stores: [PeerID: MemoryPeerStore] = [:]
        var coordinators: [Coordinator] = []
        /// Counts restarts, so that every life has its own proposer id.
        var lives: UInt64 = 0
        var messages: [Message] = []
        var answers: [Answer] = []
        var acknowledged: [UInt64: Revision] = [:]
        var seen: [Revision: Digest] = [:]

        init(seed: UInt64, coordinatorCount: Int) throws {
            map = try Sample.map()
            generator = SeededGenerator(seed: seed)
            for peer in map.peers {
                peers[peer.id] = StoragePeer(identity: peer.id, map: map, refusal: nil)
                stores[peer.id] = MemoryPeerStore()
            }
            for _ in 0..<coordinatorCount { coordinators.append(newCoordinator()) }
        }

        mutating func newCoordinator() -> Coordinator {
            lives += 1
            return Coordinator(
                map: map, proposer: Sample.proposer(lives), generator: generator.fork(),
                policy: TailPolicy(openEntryCountMax: 2))
        }

        mutating func feed(_ event: Coordinator.Event, to index: Int) {
            for directive in coordinators[index].receive(event, now: now) {
                switch directive {
                case .send(let peer, let id, let request):
                    messages.append(
                        Message(coordinator: index, peer: peer, id: id, request: request))
                case .respond(let token, let reply): note(token, reply)
                }
            }
        }

        mutating func note(_ token: Coordinator.Token, _ reply: RepositoryReply) {
            switch reply {
            case .committed(let revision, let hash):
                acknowledged[token.rawValue] = revision
                check(hash, at: revision)
            case .tail(.live(let tail)):
                for entry in tail.entries { check(entry.chainHash, at: entry.revision) }
            default: break
            }
        }

        mutating func check(_ hash: Digest, at revision: Revision) {
            if let earlier = seen[revision] {
                #expect(earlier == hash, "two chosen entries at revision \(revision)")
            }
            seen[revision] = hash
        }

        /// One random step of the world.
        mutating func step() {
            switch generator.below(100) {
            case 0..<45 where !messages.isEmpty:
                let index = generator.below(messages.count)
                let message =
                    generator.chance(1, in: 8) ? messages[index] : messages.remove(at: index)
                deliver(message)
            case 45..<85 where !answers.isEmpty:
                let index = generator.below(answers.count)
                let answer = generator.chance(1, in: 8) ? answers[index] : answers.remove(at: index)
                feed(
                    .reply(id: answer.id, peer: answer.peer, epoch: map.epoch, answer.reply),
                    to: answer.coordinator)
            case 85..<88 where !messages.isEmpty:
                messages.remove(at: generator.below(messages.count))
            case 88..<91 where !answers.isEmpty:
                answers.remove(at: generator.below(answers.count))
            case 91:
                // A coordinator dies and another takes its place: it remembers nothing.
                let index = generator.below(coordinators.count)
                coordinators[index] = newCoordinator()
                answers.removeAll { $0.coordinator == index }
            default:
                now = now.advanced(by: .milliseconds(generator.below(120)))
                for index in coordinators.indices { feed(.tick, to: index) }
            }
        }

        mutating func deliver(_ message: Message) {
            guard var store = stores[message.peer] else { return }
            for directive in peers[message.peer]?.receive(message.request, view: store) ?? [] {
                switch directive {
                case .write(let write): store.apply(write)
                case .reply(let reply):
                    answers.append(
                        Answer(
                            coordinator: message.coordinator, peer: message.peer, id: message.id,
                            reply: reply))
                case .alarm(let what): Issue.record("alarm: \(what)")
                }
            }
            stores[message.peer] = store
        }
    }

    @Test("Chosen tails form one history under any order, loss and death", arguments: 0..<60)
    func oneHistory(seed: Int) throws {
        var world = try World(seed: UInt64(seed), coordinatorCount: 1 + seed % 3)
        let name = "events"
        let creation = CreateCollection(
            name: name, header: CollectionHeader(kind: .diary, encoding: .bytes),
            payload: Sample.payload(1), nonce: Sample.identifier(5))
        let incarnation = Incarnation(generation: 1, nonce: Sample.identifier(5))
        var token: UInt64 = 0
        func deadline(_ world: World) -> Instant { world.now.advanced(by: .seconds(3)) }
        for round in 0..<1500 {
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
        // Quiet end: everything is delivered, and the final tail holds what was acknowledged.
        for _ in 0..<4000 where !world.messages.isEmpty || !world.answers.isEmpty {
            if let message = world.messages.popLast() { world.deliver(message) }
            if let answer = world.answers.popLast() {
                world.feed(
                    .reply(id: answer.id, peer: answer.peer, epoch: world.map.epoch, answer.reply),
                    to: answer.coordinator)
            }
        }
        let landed = Set(world.acknowledged.values)
        #expect(
            landed.count == world.acknowledged.count, "two attempts acknowledged at one revision")
        #expect(world.acknowledged.values.allSatisfy { world.seen[$0] != nil })
        #expect(world.acknowledged.count >= 3, "the world stood still: it proves nothing")
    }
}
