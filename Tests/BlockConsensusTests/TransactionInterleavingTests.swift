import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Attempts over several collections under competing coordinators, loss, doubling and death: each
/// lands everywhere or nowhere, its sender is told the truth, and readers never see half of it.
@Suite("Attempts over several collections, in any order of messages")
struct TransactionInterleavingTests {
    private static let names = ["alpha", "beta", "gamma"]
    private static let incarnation = Incarnation(generation: 1, nonce: Sample.identifier(5))

    private static func collection(_ place: Int) -> CollectionID {
        CollectionID(name: names[place])
    }

    /// What one request asked for.
    private struct Asked {
        enum Kind {
            case transaction(Attempt)
            case single(PayloadID, Int)
            case read(Int)
            case other
        }
        let kind: Kind
        let step: Int
    }

    /// One random run, driven to its end, and the last tail of each collection.
    private struct Run {
        var world: CoordinatorWorld
        var asked: [UInt64: Asked] = [:]
        var tails: [Tail] = []
        var known: [Revision] = [.zero, .zero, .zero]

        init(seed: Int) throws {
            world = try CoordinatorWorld(
                seed: UInt64(seed), coordinatorCount: 1 + seed % 3, shardCount: 1 + seed % 4,
                openEntryCountMax: 2 + seed % 31, hasOneLog: false)
        }

        mutating func ask(
            _ request: RepositoryRequest, _ kind: Asked.Kind, at coordinator: Int? = nil
        ) {
            let token = UInt64(asked.count)
            asked[token] = Asked(kind: kind, step: world.stepCount)
            let index = coordinator ?? world.generator.below(world.coordinators.count)
            let deadline = world.now.advanced(by: .seconds(3))
            world.feed(
                .request(Coordinator.Token(rawValue: token), request, deadline: deadline),
                to: index)
        }

        mutating func createAll() {
            for name in TransactionInterleavingTests.names {
                let creation = CreateCollection(
                    name: name, header: CollectionHeader(kind: .diary, encoding: .bytes),
                    creation: Sample.creation(1), nonce: Sample.identifier(5))
                ask(.create(creation), .other)
            }
        }

        func write(_ place: Int, _ number: UInt64) -> CommitAttempt {
            CommitAttempt(
                participant: Participant(
                    collection: TransactionInterleavingTests.collection(place),
                    incarnation: TransactionInterleavingTests.incarnation,
                    target: known[place].next),
                payload: Sample.payload(number), body: Sample.body([number]).canonicalBytes,
                wallMilliseconds: 0)
        }

        /// Something of a client, aimed at what it has seen.
        mutating func askSomething() {
            for reply in world.replies.values {
                guard case .tail(.live(let tail)) = reply.reply,
                    let place = TransactionInterleavingTests.names.firstIndex(of: tail.name)
                else { continue }
                known[place] = max(known[place], tail.revision)
            }
            let number = 1000 + UInt64(asked.count)
            let first = world.generator.below(3)
            switch world.generator.below(8) {
            case 0, 1:
                ask(.readTail(TransactionInterleavingTests.collection(first)), .read(first))
            case 2:
                let write = write(first, number)
                ask(.commit(write), .single(write.payload, first))
            default:
                let places = [first, (first + 1) % 3, (first + 2) % 3].prefix(
                    2 + world.generator.below(2))
                var writes = places.map { write($0, number) }
                var reads: [Participant] = []
                if writes.count == 3, world.generator.chance(1, in: 2) {
                    let read = writes.removeLast().participant
                    reads = [
                        Participant(
                            collection: read.collection, incarnation: read.incarnation,
                            target: read.target, role: .reads)
                    ]
                }
                let home =
                    writes.map(\.participant.collection).max() ?? writes[0].participant.collection
                let request = TransactionAttempt(
                    home: home, writes: writes, reads: reads, wallMilliseconds: 0)
                ask(.transact(request), .transaction(request.attempt))
                // The network doubles, and a proxy asks another coordinator.
                if world.generator.chance(1, in: 5) {
                    ask(.transact(request), .transaction(request.attempt))
                }
            }
        }

        mutating func finish() {
            world.deliverAll()
            // Whoever reads meets what is left, and ends it.
            for _ in 0..<3 {
                for place in 0..<3 {
                    ask(
                        .readTail(TransactionInterleavingTests.collection(place)), .read(place),
                        at: 0)
                }
                world.deliverAll()
            }
            for place in 0..<3 {
                let token = UInt64(asked.count - 3 + place)
                guard case .tail(.live(let tail))? = world.replies[token]?.reply else {
                    Issue.record(
                        "collection \(place) cannot be read"
                    )
                    continue
                }
                tails.append(tail)
            }
        }
    }

    private static func run(_ seed: Int) throws -> Run {
        var run = try Run(seed: seed)
        run.createAll()
        run.world.deliverAll()
        for round in 0..<3000 {
            if round % 20 == 0 { run.askSomething() }
            run.world.step()
        }
        run.finish()
        return run
    }

    /// The payloads of all entries of a log; segments are read from the peers.
    private static func payloads(of tail: Tail, in world: CoordinatorWorld) -> [PayloadID] {
        struct Segments: LogObjectSource {
            let stores: [MemoryPeerStore]
            func object(_ key: LogObjectKey) -> LogObject? {
                guard case .segment(let segment) = key else { return nil }
                for store in stores {
                    if let bytes = store.segments[segment] {
                        return try? LogObject(key, bytes: bytes)
                    }
                }
                return nil
            }
        }
        let view = LogView(tail: tail, source: Segments(stores: Array(world.stores.values)))
        guard tail.revision > .zero,
            let entries = try? view.entries(from: Revision(1), through: tail.revision)
        else { return [] }
        return entries.map(\.payload)
    }

    /// What is wrong with the end of a run, in words.
    private static func problems(_ run: Run) -> [String] {
        guard run.tails.count == 3 else { return ["a collection cannot be read"] }
        let logs = run.tails.map { payloads(of: $0, in: run.world) }
        var problems: [String] = []
        func place(_ collection: CollectionID) -> Int {
            names.firstIndex { CollectionID(name: $0) == collection } ?? 0
        }
        func landed(_ attempt: Attempt) -> [Bool] {
            attempt.participants.filter { $0.role == .writes }.map { part in
                let log = logs[place(part.collection)]
                let index = Int(part.target.rawValue) - 1
                return index < log.count && log[index] == attempt.payload
            }
        }
        for (token, asked) in run.asked.sorted(by: { $0.key < $1.key }) {
            let reply = run.world.replies[token]?.reply
            switch asked.kind {
            case .transaction(let attempt):
                let parts = landed(attempt)
                if Set(parts).count > 1 { problems.append("\(attempt.payload) landed in a part") }
                if case .committed? = reply, parts.contains(false) {
                    problems.append("\(attempt.payload) was acknowledged and is not there")
                }
                if case .refusedAt? = reply, parts.contains(true) {
                    problems.append("\(attempt.payload) was refused and is there")
                }
            case .single(let payload, let place):
                if case .committed(let revision, _)? = reply,
                    logs[place][Int(revision.rawValue) - 1] != payload
                {
                    problems.append("\(payload) was acknowledged and is not there")
                }
            case .read, .other: break
            }
        }
        return problems + tornReads(run, logs)
    }

    /// Reads that begin after another one has shown a transaction, and do not show it.
    private static func tornReads(_ run: Run, _ logs: [[PayloadID]]) -> [String] {
        var problems: [String] = []
        let reads = run.asked.compactMap { token, asked -> (Int, Int, Int, Revision)? in
            guard case .read(let place) = asked.kind, let answer = run.world.replies[token],
                case .tail(.live(let tail)) = answer.reply
            else { return nil }
            return (place, asked.step, answer.step, tail.revision)
        }
        for asked in run.asked.values {
            guard case .transaction(let attempt) = asked.kind else { continue }
            let parts = attempt.participants.filter { $0.role == .writes }.map { part in
                (
                    place: names.firstIndex { CollectionID(name: $0) == part.collection } ?? 0,
                    target: part.target
                )
            }
            guard
                parts.allSatisfy({ part in
                    let index = Int(part.target.rawValue) - 1
                    return index < logs[part.place].count
                        && logs[part.place][index] == attempt.payload
                })
            else { continue }
            for shown in reads {
                guard parts.contains(where: { $0.place == shown.0 && $0.target <= shown.3 }) else {
                    continue
                }
                for later in reads where later.1 > shown.2 {
                    for part in parts where part.place == later.0 && part.target > later.3 {
                        problems.append("\(attempt.payload) was shown and then was not")
                    }
                }
            }
        }
        return problems
    }

    // protocol: home-decides, open-decisions-hold-the-log
    @Test("A transaction lands everywhere or nowhere, and nobody sees half", arguments: 0..<12)
    func allOrNothing(first: Int) throws {
        var committed = 0
        for seed in first * 5..<first * 5 + 5 {
            let run = try TransactionInterleavingTests.run(seed)
            #expect(TransactionInterleavingTests.problems(run) == [], "seed \(seed)")
            committed += run.asked.count { token, asked in
                guard case .transaction = asked.kind else { return false }
                if case .committed? = run.world.replies[token]?.reply { return true }
                return false
            }
        }
        #expect(committed >= 2, "the worlds stood still: they prove nothing")
    }

    @Test("What a coordinator that died has left is resolved, though no request asks for it")
    func leftBehind() throws {
        var run = try Run(seed: 1)
        run.createAll()
        run.world.deliverAll()
        let places = [0, 1].sorted {
            TransactionInterleavingTests.collection($0)
                < TransactionInterleavingTests.collection($1)
        }
        let request = TransactionAttempt(
            home: TransactionInterleavingTests.collection(places[1]),
            writes: places.map { run.write($0, 77) }, wallMilliseconds: 0)
        run.ask(.transact(request), .transaction(request.attempt), at: 0)
        // Until the other collection is prepared; what the home is asked for is lost.
        func isPrepared(_ run: Run) -> Bool {
            let records = run.world.stores.values.compactMap {
                try? $0.register(TransactionInterleavingTests.collection(places[0]))
            }
            let prepared = records.filter {
                (try? TailValue(registerBytes: $0.value))?.live?.exclusiveIntent != nil
            }
            return prepared.count >= 2
        }
        for _ in 0..<4000 where !isPrepared(run) {
            if let place = run.world.messages.indices.first {
                let message = run.world.messages.remove(at: place)
                if case .accept(let collection, _, _, _) = message.request.operation,
                    collection == request.attempt.home
                {
                    continue
                }
                run.world.deliver(message)
            } else if !run.world.answers.isEmpty {
                let answer = run.world.answers.removeFirst()
                run.world.feed(
                    .reply(
                        id: answer.id, peer: answer.peer, epoch: run.world.map.epoch,
                        answer.reply), to: answer.coordinator)
            }
        }
        #expect(isPrepared(run))
        run.world.coordinators[0] = run.world.newCoordinator()
        run.world.answers = []
        run.world.messages = []
        run.ask(
            .listCollections(after: nil, countMax: 10), .other, at: 0)
        run.world.deliverAll()
        let token = UInt64(run.asked.count - 1)
        guard case .collections(let page, _)? = run.world.replies[token]?.reply else {
            Issue.record("no list of collections")
            return
        }
        let tail = try #require(page.compactMap(\.live).first { !$0.intents.isEmpty })
        run.world.feed(
            .upkeep(
                Coordinator.Token(rawValue: 9999), .resolveIntents(tail),
                deadline: run.world.now.advanced(by: .seconds(3))), to: 0)
        #expect(run.world.discarded.contains(9999))
        for _ in 0..<4 {
            run.world.now = run.world.now.advanced(by: .milliseconds(200))
            run.world.feed(.tick, to: 0)
            run.world.deliverAll()
        }
        run.finish()
        #expect(TransactionInterleavingTests.problems(run) == [])
        #expect(run.tails.allSatisfy { $0.intents.isEmpty && $0.openDecisions.isEmpty })
        #expect(run.tails.allSatisfy { $0.revision == .zero }, "nobody had decided it")
    }

    /// How many entries the other collection of an attempt has that was decided, before its
    /// coordinator died and its home was dropped by way of another one.
    private static func entriesAfterDrop() throws -> UInt64? {
        var run = try Run(seed: 1)
        run.createAll()
        run.world.deliverAll()
        let places = [0, 1].sorted { collection($0) < collection($1) }
        let request = TransactionAttempt(
            home: collection(places[1]), writes: places.map { run.write($0, 77) },
            wallMilliseconds: 0)
        run.ask(.transact(request), .transaction(request.attempt), at: 0)
        let decided = UInt64(run.asked.count - 1)
        for _ in 0..<4000 where run.world.replies[decided] == nil {
            if !run.world.messages.isEmpty {
                run.world.deliver(run.world.messages.removeFirst())
            } else if !run.world.answers.isEmpty {
                let answer = run.world.answers.removeFirst()
                run.world.feed(
                    .reply(
                        id: answer.id, peer: answer.peer, epoch: run.world.map.epoch,
                        answer.reply), to: answer.coordinator)
            }
        }
        guard case .committed? = run.world.replies[decided]?.reply else {
            Issue.record("it was not decided")
            return nil
        }
        // What it has sent since to carry that out is lost with it.
        run.world.coordinators[0] = run.world.newCoordinator()
        run.world.answers = []
        run.world.messages = []
        let drop = DropCollection(
            collection: request.attempt.home, incarnation: incarnation, action: Sample.action(99))
        run.ask(.drop(drop), .other, at: 0)
        run.world.deliverAll()
        run.ask(.readTail(collection(places[0])), .read(places[0]), at: 0)
        run.world.deliverAll()
        guard case .tail(.live(let tail))? = run.world.replies[UInt64(run.asked.count - 1)]?.reply
        else {
            Issue.record("the other collection cannot be read")
            return nil
        }
        return tail.revision.rawValue
    }

    // protocol: open-decisions-hold-the-log
    @Test("A decision whose coordinator died is carried out everywhere before its home is dropped")
    func dropAfterDeath() throws {
        #expect(try TransactionInterleavingTests.entriesAfterDrop() == 1)
        #if SIMULATION_HOOKS
        let left = try SimulationHooks.$plantedBug.withValue(.openDecisionForgotten) {
            try TransactionInterleavingTests.entriesAfterDrop()
        }
        #expect(left == 0, "half of it is lost")
        #endif
    }

    /// Whether an attempt whose decision is on its way lands although another writer has landed
    /// meanwhile in the collection that it has only read. Whoever reads its home in between sees
    /// that writer and not the attempt, which must come before it.
    private static func landsBehindWriter() throws -> Bool {
        var run = try Run(seed: 1)
        run.createAll()
        run.world.deliverAll()
        let places = [0, 1].sorted { collection($0) < collection($1) }
        let home = collection(places[1])
        let read = Participant(
            collection: collection(places[0]), incarnation: incarnation, target: Revision(1),
            role: .reads)
        let request = TransactionAttempt(
            home: home, writes: [run.write(places[1], 77)], reads: [read], wallMilliseconds: 0)
        run.ask(.transact(request), .transaction(request.attempt), at: 0)
        let decided = UInt64(run.asked.count - 1)
        var held: [CoordinatorWorld.Message] = []
        func deliver(_ run: inout Run) {
            while !run.world.messages.isEmpty || !run.world.answers.isEmpty {
                if !run.world.messages.isEmpty {
                    let message = run.world.messages.removeFirst()
                    if case .accept(home, _, _, _) = message.request.operation {
                        held.append(message)
                    } else {
                        run.world.deliver(message)
                    }
                } else if !run.world.answers.isEmpty {
                    let answer = run.world.answers.removeFirst()
                    run.world.feed(
                        .reply(
                            id: answer.id, peer: answer.peer, epoch: run.world.map.epoch,
                            answer.reply), to: answer.coordinator)
                }
            }
        }
        deliver(&run)
        #expect(!held.isEmpty && run.world.replies[decided] == nil)
        let write = run.write(places[0], 88)
        run.ask(.commit(write), .single(write.payload, places[0]), at: 1)
        let written = UInt64(run.asked.count - 1)
        // Time passes for the other coordinator alone, which has met the ballot of the first one.
        for _ in 0..<40 where run.world.replies[written] == nil {
            deliver(&run)
            run.world.now = run.world.now.advanced(by: .milliseconds(10))
            run.world.feed(.tick, to: 1)
        }
        let isWritten = run.world.replies[written] != nil
        run.world.messages += held
        run.world.deliverAll()
        guard case .committed? = run.world.replies[decided]?.reply else { return false }
        return isWritten
    }

    // protocol: reads-hold-shared-intents
    @Test("What is only read is held until the decision, whoever is kept waiting by that")
    func readsAreHeld() throws {
        #expect(try !TransactionInterleavingTests.landsBehindWriter())
        #if SIMULATION_HOOKS
        for bug in [PlantedBug.readNotHeld, .sharedIntentTimedOut, .sharedIntentIgnored] {
            let isBehind = try SimulationHooks.$plantedBug.withValue(bug) {
                try TransactionInterleavingTests.landsBehindWriter()
            }
            #expect(isBehind, "\(bug) is not found")
        }
        #endif
    }

    // protocol: gone-after-doubt-is-unknown
    @Test("An attempt whose home is dropped after it landed is never told to have failed for good")
    func homeIsGone() throws {
        guard case .failed? = try TransactionInterleavingTests.secondAnswerWithoutHome() else {
            Issue.record("a refusal of one try was told as the fate of the attempt")
            return
        }
    }

    /// What another coordinator answers to an attempt that has landed, and whose home was then
    /// dropped.
    private static func secondAnswerWithoutHome() throws -> RepositoryReply? {
        var run = try Run(seed: 1)
        run.createAll()
        run.world.deliverAll()
        let places = [0, 1].sorted { collection($0) < collection($1) }
        let request = TransactionAttempt(
            home: collection(places[1]), writes: places.map { run.write($0, 77) },
            wallMilliseconds: 0)
        run.ask(.transact(request), .transaction(request.attempt), at: 0)
        run.world.deliverAll()
        guard case .committed? = run.world.replies[UInt64(run.asked.count - 1)]?.reply else {
            Issue.record("the first try did not land")
            return nil
        }
        let drop = DropCollection(
            collection: request.attempt.home, incarnation: incarnation, action: Sample.action(99))
        run.ask(.drop(drop), .other, at: 0)
        run.world.deliverAll()
        run.world.coordinators[0] = run.world.newCoordinator()
        run.ask(.transact(request), .transaction(request.attempt), at: 0)
        run.world.deliverAll()
        return run.world.replies[UInt64(run.asked.count - 1)]?.reply
    }

    #if SIMULATION_HOOKS
    // protocol: gone-after-doubt-is-unknown
    @Test("To take a refusal for the end of an attempt whose home is gone is found")
    func plantedEnd() throws {
        try SimulationHooks.$plantedBug.withValue(.vanishedTakenForNo) {
            let answer = try TransactionInterleavingTests.secondAnswerWithoutHome()
            if case .refusedAt? = answer { return }
            Issue.record("answered with \(String(describing: answer))")
        }
    }

    @Test(
        "A rule that is dropped is missed",
        arguments: [PlantedBug.rollbackWithoutFence, .intentsIgnored])
    func droppedRules(bug: PlantedBug) throws {
        let found = try (0..<400).contains { seed in
            try SimulationHooks.$plantedBug.withValue(bug) {
                let run = try TransactionInterleavingTests.run(seed)
                return !TransactionInterleavingTests.problems(run).isEmpty
            }
        }
        #expect(found, "\(bug) is not found in 400 runs")
    }
    #endif
}
