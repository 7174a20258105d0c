import BlockModel
import BlockNode
import BlockRuntime
import Testing

/// A proxy whose coordinators answer at once, and what it holds when all is answered.
@Suite("What a proxy holds is bounded") struct ProxyMemoryTests {
    private struct Scene {
        var proxy: ClientProxy
        var now = Instant.origin
        var answered: [UInt64: ClientReply] = [:]
        private var waiting: [(id: UInt64, request: RepositoryRequest)] = []

        init() throws {
            let world = try OnePeerWorld()
            proxy = ClientProxy(
                map: world.map, release: "test", generator: SeededGenerator(seed: 1),
                makeIdentifier: SeededIdentifiers(seed: 1).next, wallMilliseconds: { 0 })
        }

        mutating func feed(_ event: ClientProxy.Event) {
            defer { proxy.checkInvariants() }
            for directive in proxy.receive(event, now: now) {
                switch directive {
                case .send(_, let id, let request, _): waiting.append((id, request))
                case .respond(let token, let reply): answered[token] = reply
                }
            }
        }

        /// Answers everything: no collection exists.
        mutating func settle() {
            for _ in 0..<20 {
                feed(.tick)
                guard !waiting.isEmpty else { return }
                let all = waiting
                waiting = []
                for (id, request) in all {
                    let reply: RepositoryReply =
                        switch request {
                        case .readTail: .tail(.absent(generation: 0))
                        default: .failed(DatabaseError(.invalidArgument, "no"))
                        }
                    feed(.reply(id: id, reply))
                }
            }
        }
    }

    private static func read(_ number: Int, _ kind: CollectionKind) -> ClientRequest {
        let collection = CollectionID(name: "absent-\(number)")
        let life = Incarnation(generation: 1, nonce: .zero)
        return switch kind {
        case .diary, .custom:
            .readDiary(DiaryReadRequest(collection: collection, incarnation: life))
        case .tree:
            .readTree(
                TreeReadRequest(collection: collection, incarnation: life, query: .values([[1]])))
        case .queue:
            .readQueue(
                QueueReadRequest(collection: collection, incarnation: life, query: .count))
        }
    }

    @Test(
        "Reads of five thousand names that do not exist leave next to nothing",
        arguments: [CollectionKind.diary, .tree, .queue])
    func absentNames(kind: CollectionKind) throws {
        var scene = try Scene()
        let deadline = scene.now.advanced(by: .seconds(600))
        for number in 0..<5000 {
            let token = UInt64(number)
            scene.feed(.request(token, Self.read(number, kind), deadline: deadline))
            scene.settle()
            guard case .failed(let error)? = scene.answered.removeValue(forKey: token) else {
                Issue.record("read \(number) is not answered")
                return
            }
            #expect(error.code == .collectionNotFound)
        }
        let memory = scene.proxy.memory
        #expect(memory.collectionCount <= 8 * Limits.knownTailCountMax)
        #expect(memory.alarmCount <= 200, "\(memory.alarmCount) alarms of answered requests")
        #expect(memory.taskBytes == 0 && memory.tailCount == 0)
        #expect(scene.proxy.requestCount == 0)
    }

    @Test("So do actions on them, and openings") func actions() throws {
        var scene = try Scene()
        let deadline = scene.now.advanced(by: .seconds(600))
        for number in 0..<3000 {
            let name = "absent-\(number)"
            let action = ActionRequest(
                collection: CollectionID(name: name),
                incarnation: Incarnation(generation: 1, nonce: .zero),
                action: ActionID(rawValue: Identifier128(UInt128(number))),
                firstRevision: .zero, content: .append([1]))
            let open = OpenCollection(
                name: name, kind: .diary, encoding: nil, creation: nil)
            let token = UInt64(2 * number)
            scene.feed(.request(token, .act(action), deadline: deadline))
            scene.feed(.request(token + 1, .openCollection(open), deadline: deadline))
            scene.settle()
            #expect(scene.answered.removeValue(forKey: token) != nil)
            #expect(scene.answered.removeValue(forKey: token + 1) != nil)
        }
        let memory = scene.proxy.memory
        #expect(memory.writerCount <= Limits.writerCountMax)
        #expect(memory.collectionCount <= 8 * Limits.knownTailCountMax)
        #expect(memory.alarmCount <= 3 * Limits.writerCountMax + 200, "\(memory.alarmCount) alarms")
    }
}
