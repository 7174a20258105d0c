import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// Clients, two writers of one diary and their coordinators in any order: what fails, is late
/// or is repeated is drawn from a seed.
@Suite struct DiaryInterleavingTests {
    /// One log with two writers, each with at most one attempt on its way.
    private struct World {
        var generator: SeededGenerator
        let identifiers: SeededIdentifiers
        var log = SampleLog()
        var now = Instant.origin
        var proxies: [Proxy]
        /// Attempts whose tries are lost on the way, and may still land.
        var stray: [CommitAttempt] = []
        /// The first revision of each action: fixed over all tries.
        var sent: [UInt64: Revision] = [:]
        var answers: [UInt64: [ClientReply]] = [:]
        var requestCount: UInt64 = 0

        struct Proxy {
            var writer: CollectionWriter
            var attempt: CommitAttempt?
            var isReadingTail = false
            var wants: [FetchItem] = []
        }

        init(seed: UInt64) {
            generator = SeededGenerator(seed: seed)
            identifiers = SeededIdentifiers(seed: seed)
            let writer = CollectionWriter(collection: log.tail.collection, shardCount: 16)
            proxies = [Proxy(writer: writer), Proxy(writer: writer)]
        }

        mutating func handle(
            _ proxy: Int, _ event: (inout CollectionWriter, inout WriterEffects) -> Void
        ) throws {
            var effects = WriterEffects(
                now: now, wallMilliseconds: 0, makeIdentifier: identifiers.next,
                cache: FetchedObjects(),
                blocks: SharedBlockCache(), history: nil)
            event(&proxies[proxy].writer, &effects)
            proxies[proxy].writer.checkInvariants()
            // A token has the action's number, and which request for it this is.
            for (token, reply) in effects.responses {
                answers[token & 0xFFFF_FFFF, default: []].append(reply)
            }
            if effects.wantsTail {
                try #require(!proxies[proxy].isReadingTail)
                proxies[proxy].isReadingTail = true
            }
            if !effects.wants.isEmpty { proxies[proxy].wants = effects.wants }
            if let attempt = effects.attempt {
                try #require(proxies[proxy].attempt == nil)
                proxies[proxy].attempt = attempt.commit
            }
        }

        /// Whether `attempt` is an entry now.
        mutating func land(_ attempt: CommitAttempt) throws -> Bool {
            if log.entries.contains(where: { $0.payload == attempt.payload }) { return true }
            guard attempt.participant.target == log.tail.revision.next else { return false }
            if generator.chance(1, in: 2), !log.tail.entries.isEmpty { log.seal() }
            log.append(try EntryBody(canonicalBytes: attempt.body), payload: attempt.payload)
            return true
        }
    }

    // protocol: coordinator-never-retargets, first-revision-is-fixed, scan-again-after-moved
    @Test(
        "Every action lands at most once, and where and as its clients are told",
        arguments: UInt64(1)...200)
    func exactlyOnce(seed: UInt64) throws {
        var world = World(seed: seed)
        for _ in 0..<400 { try step(&world) }
        try settle(&world)
        var places: [ActionID: LogPosition] = [:]
        for (entry, body) in zip(world.log.entries, world.log.bodies) {
            for (index, action) in body.actions.enumerated() {
                #expect(places[action.id] == nil, "\(action.id) landed twice")
                places[action.id] = LogPosition(revision: entry.revision, index: UInt32(index))
            }
        }
        var landedCount = 0
        for (number, replies) in world.answers {
            let place = places[Sample.action(number)]
            for reply in replies {
                switch reply {
                case .acted(let landing):
                    #expect(place == landing.position)
                    landedCount += 1
                case .failed(let error):
                    #expect(DiaryInterleavingTests.failures.contains(error.code))
                default: Issue.record("\(number): \(reply)")
                }
            }
            // What every try of an action was refused for good did not happen.
            let isDefinite = replies.allSatisfy {
                if case .failed(let error) = $0 { error.outcome == .notApplied } else { false }
            }
            if isDefinite { #expect(place == nil, "\(number) was told to be not applied") }
        }
        #expect(landedCount > 20)
    }

    #if SIMULATION_HOOKS
    // protocol: unknown-holds-the-next
    @Test("To make again what may have landed, before its revision was read, is found")
    func planted() throws {
        try SimulationHooks.$plantedBug.withValue(.nextRevisionInDoubt) {
            var twiceCount = 0
            for seed in UInt64(1)...40 {
                var world = World(seed: seed)
                for _ in 0..<400 { try step(&world) }
                let actions = world.log.bodies.flatMap(\.actions).map(\.id)
                twiceCount += actions.count - Set(actions).count
            }
            #expect(twiceCount > 0)
        }
    }
    #endif

    /// What a client may be told when its time is up: nothing else goes wrong here.
    private static let failures: [ErrorCode] = [
        .commitResultUnknown, .quorumUnavailable, .deadlineExceeded,
    ]

    private func step(_ world: inout World) throws {
        let proxy = world.generator.below(2)
        switch world.generator.below(8) {
        case 0, 1: try append(&world, to: proxy)
        case 2: try readTail(&world, of: proxy)
        case 3: try fetch(&world, for: proxy)
        case 4, 5: try answer(&world, proxy)
        case 6:
            guard !world.stray.isEmpty else { return }
            let late = world.stray.remove(at: world.generator.below(world.stray.count))
            _ = try world.land(late)
        default:
            world.now = world.now.advanced(by: .milliseconds(200))
            try world.handle(proxy) { $0.tick(&$1) }
        }
    }

    /// A new action, or an old one again, through either writer.
    private func append(_ world: inout World, to proxy: Int) throws {
        var number = UInt64(world.sent.count) + 1
        if number > 1, world.generator.chance(1, in: 2) {
            number = UInt64(world.generator.below(Int(number) - 1)) + 1
        }
        let first = world.sent[number] ?? world.log.tail.revision
        world.sent[number] = first
        world.requestCount += 1
        let token = number | world.requestCount << 32
        let request = ActionRequest(
            collection: world.log.tail.collection, incarnation: world.log.tail.incarnation,
            action: Sample.action(number), firstRevision: first,
            content: .append(Sample.bytes(number)))
        let deadline = world.now.advanced(by: DiaryInterleavingTests.patience)
        try world.handle(proxy) {
            $0.act(request, token: token, deadline: deadline, &$1)
            $0.tick(&$1)
        }
    }

    private static let patience = Duration.seconds(4)

    private func readTail(_ world: inout World, of proxy: Int) throws {
        guard world.proxies[proxy].isReadingTail else { return }
        world.proxies[proxy].isReadingTail = false
        let tail = world.log.tail
        try world.handle(proxy) { $0.tailWasRead(.live(tail), &$1) }
    }

    private func fetch(_ world: inout World, for proxy: Int) throws {
        guard !world.proxies[proxy].wants.isEmpty else { return }
        var things = Fetched()
        for case .object(let key) in world.proxies[proxy].wants {
            things.objects[key] = try world.log.object(key)
        }
        world.proxies[proxy].wants = []
        try world.handle(proxy) { $0.wasFetched(things, &$1) }
    }

    /// The coordinator's answer: true, lost after or before the attempt landed, or a refusal.
    private func answer(_ world: inout World, _ proxy: Int) throws {
        guard let attempt = world.proxies[proxy].attempt else { return }
        world.proxies[proxy].attempt = nil
        let reply: RepositoryReply
        switch world.generator.below(5) {
        case 0:
            world.stray.append(attempt)
            reply = .failed(.unknown)
        case 1:
            _ = try world.land(attempt)
            reply = .failed(.unknown)
        case 2: reply = .failed(.refused)
        default:
            reply =
                try world.land(attempt)
                ? .committed(attempt.participant.target, chainHash: world.log.tail.lastHash)
                : attempt.moved(by: world.log.tail)
        }
        try world.handle(proxy) { $0.attemptEnded(reply, &$1) }
    }

    /// Everything that was asked for comes back, until nobody waits any more.
    private func settle(_ world: inout World) throws {
        for _ in 0..<200 {
            // One that takes turns with others waits for its clients for a while.
            world.now = world.now.advanced(by: .milliseconds(1))
            for proxy in 0..<2 {
                try readTail(&world, of: proxy)
                try fetch(&world, for: proxy)
                try answer(&world, proxy)
                try world.handle(proxy) { $0.tick(&$1) }
            }
            if world.proxies.allSatisfy(\.writer.isIdle) { return }
        }
        Issue.record("somebody still waits")
    }
}
