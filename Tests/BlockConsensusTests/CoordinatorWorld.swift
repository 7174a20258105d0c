import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Coordinators and peers as bare machines, their messages delivered in random order, doubled and
/// lost, coordinators dying at any moment.
struct CoordinatorWorld {
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

    /// The payload of each chosen entry that some answer showed.
    var chosen: [Revision: PayloadID] = [:]
    /// Answers to reads of blocks, and tokens of finalised entries.
    var blocks: [UInt64: BlockCopy?] = [:]
    var finalised: Set<UInt64> = []
    /// What was in the way of attempts that were refused for it, and those that ended in doubt.
    var pending: [UInt64: [OutstandingPend]] = [:]
    var failed: [UInt64: DatabaseError] = [:]
    /// Answers to audits.
    var audits: [UInt64: (reports: [ReplicaReport], copy: Bytes?)] = [:]
    /// Pages of pends, and tokens of pends that were discarded.
    var pends: [UInt64: (pends: [KeptPend], next: PendKey?)] = [:]
    var discarded: Set<UInt64> = []
    /// Answers to scrubs.
    var scrubs: [UInt64: ScrubReport] = [:]
    /// Pages of lists of collections.
    var listed: [UInt64: (names: [String], next: CollectionID?)] = [:]
    /// Every answer, and when it came.
    var replies: [UInt64: (reply: RepositoryReply, step: Int)] = [:]
    var stepCount = 0
    /// Whether all clients work on one collection, so that a revision names an entry.
    private let hasOneLog: Bool
    private let policy: TailPolicy

    init(
        seed: UInt64, coordinatorCount: Int, shardCount: Int = 1, openEntryCountMax: Int = 2,
        hasOneLog: Bool = true
    ) throws {
        self.hasOneLog = hasOneLog
        policy = TailPolicy(openEntryCountMax: openEntryCountMax)
        map = try Sample.map(shardCount: shardCount)
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
            policy: policy)
    }

    /// Has every coordinator know a log with these entries, from revision 1.
    mutating func know(
        _ entries: [(payload: PayloadID, blocks: [WrittenBlock])], of name: String,
        _ incarnation: Incarnation
    ) {
        var tail = Tail(
            name: name, incarnation: incarnation,
            header: CollectionHeader(kind: .tree, encoding: .bytes), createdBy: Sample.action(1))
        for (payload, blocks) in entries {
            let touched = blocks.map {
                TouchedBlock(
                    block: $0.block, baseRevision: .zero, basePayload: nil, transformHash: .zero,
                    resultHash: $0.resultHash)
            }
            let body = EntryBody(actions: [], blocks: touched).canonicalBytes
            let entry = Entry(
                kind: .actions, revision: tail.revision.next, payload: payload,
                bodyHash: BlockID(content: body).digest, body: .inline(body), wallMilliseconds: 0,
                previousHash: tail.lastHash)
            tail.entries.append(entry)
            tail.revision = entry.revision
            tail.lastHash = entry.chainHash
        }
        for index in coordinators.indices { coordinators[index].learn(chosen: .live(tail)) }
    }

    /// The log of the collection whose block ``BlockScene`` writes.
    mutating func knowScene(through count: UInt64) {
        know(
            (1...count).map {
                (
                    Sample.payload($0),
                    [
                        WrittenBlock(
                            block: BlockScene.key.block, resultHash: BlockScene.hash(after: $0))
                    ]
                )
            }, of: "x", BlockScene.key.incarnation)
    }

    mutating func feed(_ event: Coordinator.Event, to index: Int) {
        for directive in coordinators[index].receive(event, now: now) {
            switch directive {
            case .send(let peer, let id, let request):
                messages.append(
                    Message(coordinator: index, peer: peer, id: id, request: request))
            case .respond(let token, let reply): note(token, reply)
            case .discarded(let token): discarded.insert(token.rawValue)
            }
        }
    }

    mutating func note(_ token: Coordinator.Token, _ reply: RepositoryReply) {
        replies[token.rawValue] = (reply, stepCount)
        guard hasOneLog else { return }
        switch reply {
        case .committed(let revision, let hash):
            acknowledged[token.rawValue] = revision
            check(hash, at: revision)
        case .tail(.live(let tail)), .refused(.moved(_, .live(let tail))):
            for entry in tail.entries {
                check(entry.chainHash, at: entry.revision)
                chosen[entry.revision] = entry.payload
            }
        case .refused(.pending(_, let pends)): pending[token.rawValue] = pends
        case .failed(let error): failed[token.rawValue] = error
        case .block(let copy): blocks[token.rawValue] = copy
        case .collections(let page, let next):
            listed[token.rawValue] = (page.compactMap(\.live?.name), next)
        case .finalised: finalised.insert(token.rawValue)
        case .pends(let page, let next): pends[token.rawValue] = (page, next)
        case .scrubbed(let report): scrubs[token.rawValue] = report
        case .replicas(let reports, let copy): audits[token.rawValue] = (reports, copy)
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
        stepCount += 1
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
            case .damage: break
            case .alarm(let what): Issue.record("alarm: \(what)")
            }
        }
        stores[message.peer] = store
    }

    /// Delivers everything that is under way, and lets time pass for what was lost.
    mutating func deliverAll() {
        for _ in 0..<8000 {
            if let message = messages.popLast() {
                deliver(message)
            } else if let answer = answers.popLast() {
                feed(
                    .reply(id: answer.id, peer: answer.peer, epoch: map.epoch, answer.reply),
                    to: answer.coordinator)
            } else if coordinators.contains(where: { $0.roundCount > 0 }) {
                now = now.advanced(by: .milliseconds(100))
                for index in coordinators.indices { feed(.tick, to: index) }
            } else {
                return
            }
        }
    }
}
