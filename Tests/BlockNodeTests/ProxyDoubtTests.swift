import BlockModel
import BlockNode
import BlockRuntime
import Testing

/// What a proxy tells of requests that change something while it does not know what became of them
/// (protocol: doubt-belongs-to-the-attempt, gone-after-doubt-is-unknown), and how it finds out
/// about a landing nobody has looked for (protocol: moved-says-what-was-looked-for).
@Suite("Doubt of a proxy") struct ProxyDoubtTests {
    private typealias Scene = ClientProxyTests.Scene

    private static let life = Incarnation(generation: 1, nonce: Identifier128(1))
    private static let collection = CollectionID(name: "events")

    private static func payload(_ number: UInt64) -> PayloadID {
        PayloadID(action: ActionID(rawValue: Identifier128(UInt128(number))), execution: 0)
    }

    private static func attempt(_ number: UInt64, at target: UInt64) -> CommitAttempt {
        CommitAttempt(
            participant: Participant(
                collection: collection, incarnation: life, target: Revision(target)),
            payload: payload(number), body: EntryBody.empty.canonicalBytes, wallMilliseconds: 0)
    }

    /// How the first try of a request ended.
    enum FirstTry: CaseIterable {
        case lost, refused, notSent

        var raisesDoubt: Bool { self == .lost }
    }

    /// An attempt whose first try ended like that, and the second try.
    private static func secondTry(after first: FirstTry) throws -> (scene: Scene, id: UInt64) {
        var scene = try Scene()
        let deadline = scene.now.advanced(by: .seconds(5))
        scene.feed(.request(1, .commit(attempt(7, at: 1)), deadline: deadline))
        let sent = try #require(scene.sent.first)
        switch first {
        case .lost: scene.feed(.broken(coordinator: sent.coordinator))
        case .refused:
            let refusal = DatabaseError(.quorumUnavailable, "no quorum")
            scene.feed(.reply(id: sent.id, .failed(refusal)))
        case .notSent: scene.feed(.notSent(id: sent.id))
        }
        _ = try scene.advanceUntilSent()
        return (scene, scene.sent[1].id)
    }

    @Test(
        "Only a try that had no answer makes a later refusal unknown", arguments: FirstTry.allCases)
    func refusals(first: FirstTry) throws {
        let value = TailValue.absent(generation: 1)
        let refusals: [(CommitRefusal, decides: Bool)] = [
            (.gone(value), false), (.blocked(value), false), (.pending(BlockID(.zero), []), false),
            (.fenced(value), true), (.moved(landing: .absent, value), true),
        ]
        for (refusal, decides) in refusals {
            var (scene, id) = try Self.secondTry(after: first)
            scene.feed(.reply(id: id, .refused(refusal)))
            if decides || !first.raisesDoubt {
                #expect(scene.answered[1] == .refused(refusal))
            } else if case .failed(let error)? = scene.answered[1] {
                #expect(error.outcome == .unknown)
            } else {
                Issue.record("\(refusal) is told as \(String(describing: scene.answered[1]))")
            }
        }
    }

    @Test("And so it is with errors, and with the time that runs out", arguments: FirstTry.allCases)
    func errors(first: FirstTry) throws {
        let errors = [
            DatabaseError(.invalidArgument, "no"), DatabaseError(.corrupted, "damaged"),
            DatabaseError(.overloaded, "full"), DatabaseError(.deadlineExceeded, "late"),
        ]
        for error in errors {
            var (scene, id) = try Self.secondTry(after: first)
            scene.feed(.reply(id: id, .failed(error)))
            // Every further try is certainly not sent.
            var seen = scene.sent.count
            while scene.answered[1] == nil {
                scene.now = max(scene.now, try #require(scene.proxy.nextWake))
                scene.feed(.tick)
                for next in scene.sent[seen...] { scene.feed(.notSent(id: next.id)) }
                seen = scene.sent.count
            }
            guard case .failed(let told)? = scene.answered[1] else {
                Issue.record("\(error) is told as \(String(describing: scene.answered[1]))")
                continue
            }
            #expect(told.outcome == (first.raisesDoubt ? .unknown : .notApplied), "\(told)")
        }
    }

    @Test("The status of an action of a life that is over is unknown, not certainly absent")
    func status() throws {
        for value in [TailValue.absent(generation: 1), .absent(generation: 0)] {
            var scene = try Scene()
            let status = ActionStatusRequest(
                collection: Self.collection, incarnation: Self.life,
                action: Self.payload(7).action, firstRevision: .zero)
            let deadline = scene.now.advanced(by: .seconds(5))
            scene.feed(.request(1, .actionStatus(status), deadline: deadline))
            scene.feed(.tick)
            scene.feed(.reply(id: try #require(scene.sent.first).id, .tail(value)))
            guard case .failed(let error)? = scene.answered[1] else {
                Issue.record("told as \(String(describing: scene.answered[1]))")
                return
            }
            #expect(error.code == .collectionNotFound && error.outcome == .unknown)
        }
    }

    // MARK: Landings that were not looked for

    /// A tail at revision 2 whose first entry is sealed, that entry, and the segment.
    private static func sealed(by payload: PayloadID) -> (tail: Tail, entry: Entry, Segment) {
        func entry(_ revision: UInt64, _ payload: PayloadID, after hash: Digest) -> Entry {
            let body = EntryBody.empty.canonicalBytes
            return Entry(
                kind: .noOperation, revision: Revision(revision), payload: payload,
                bodyHash: BlockID(content: body).digest, body: .inline(body), headerAfter: nil,
                checkpoint: nil, wallMilliseconds: 0, previousHash: hash)
        }
        var tail = Tail(
            name: "events", incarnation: life,
            header: CollectionHeader(kind: .diary, encoding: .bytes),
            createdBy: Self.payload(1).action)
        let first = entry(1, payload, after: tail.lastHash)
        let segment = Segment(
            collection: collection, incarnation: life, index: 0, headerBefore: tail.header,
            entries: [first], links: [])
        tail.segments = [
            SegmentLink(
                index: 0, hash: Segment.hash(of: segment.canonicalBytes), firstRevision: Revision(1)
            )
        ]
        tail.entries = [entry(2, Self.payload(2), after: first.chainHash)]
        tail.revision = Revision(2)
        tail.lastHash = tail.entries[0].chainHash
        tail.checkInvariants()
        return (tail, first, segment)
    }

    /// Asks for the attempt 7 at revision 1, which is refused as moved.
    private static func moved(by tail: Tail) throws -> Scene {
        var scene = try Scene()
        let deadline = scene.now.advanced(by: .seconds(5))
        scene.feed(.request(1, .commit(attempt(7, at: 1)), deadline: deadline))
        let moved = CommitRefusal.moved(landing: .notLookedFor, .live(tail))
        scene.feed(.reply(id: try #require(scene.sent.first).id, .refused(moved)))
        return scene
    }

    @Test("A landing that the coordinator has not looked for is read in the log, and then told")
    func landing() throws {
        for isOwn in [true, false] {
            let (tail, entry, segment) = Self.sealed(by: Self.payload(isOwn ? 7 : 8))
            var scene = try Self.moved(by: tail)
            #expect(scene.answered[1] == nil, "nobody has looked")
            guard scene.sent.count == 2, case .getSegment = scene.sent[1].request else {
                Issue.record("asked for is \(scene.sent.map(\.request))")
                return
            }
            scene.feed(.reply(id: scene.sent[1].id, .content(segment.canonicalBytes)))
            let expected: ClientReply =
                isOwn
                ? .committed(Revision(1), chainHash: entry.chainHash)
                : .refused(.moved(landing: .absent, .live(tail)))
            #expect(scene.answered[1] == expected)
        }
    }

    @Test("When the log cannot be read, a landing that was not looked for is unknown")
    func unreadable() throws {
        let (tail, _, _) = Self.sealed(by: Self.payload(7))
        for error in [DatabaseError(.corrupted, "damaged"), DatabaseError(.invalidArgument, "no")] {
            var scene = try Self.moved(by: tail)
            scene.feed(.reply(id: scene.sent[1].id, .failed(error)))
            guard case .failed(let told)? = scene.answered[1] else {
                Issue.record("told as \(String(describing: scene.answered[1]))")
                return
            }
            #expect(told.outcome == .unknown)
        }
        // Nor can a history that was cut off be read: that is what is told.
        var cut = tail
        cut.checkpoint = Checkpoint(Revision(1))
        cut.truncatedThrough = Revision(1)
        let scene = try Self.moved(by: cut)
        #expect(scene.answered[1] == .refused(.moved(landing: .notLookedFor, .live(cut))))
    }

    // protocol: moved-says-what-was-looked-for
    @Test(
        "An attempt that landed and was sealed is told as committed, by every proxy, however often")
    func sealedInTheCluster() throws {
        var world = try CrashWorld()
        let open = OpenCollection(
            name: "events", kind: .diary, encoding: .bytes,
            creation: Creation(action: Self.payload(1).action, generation: 0))
        world.ask(0, 1, .openCollection(open), for: .seconds(5))
        try world.run(for: .seconds(5)) { $0.answers[1] != nil }
        guard case .collection(let info)? = world.answers[1] else {
            Issue.record("not opened: \(world.answers)")
            return
        }
        func attempt(_ number: UInt64, at target: UInt64) -> CommitAttempt {
            CommitAttempt(
                participant: Participant(
                    collection: info.collection, incarnation: info.incarnation,
                    target: Revision(target)),
                payload: Self.payload(number), body: EntryBody.empty.canonicalBytes,
                wallMilliseconds: 0)
        }
        var token = UInt64(1)
        func send(_ attempt: CommitAttempt, to proxy: Int) throws -> ClientReply? {
            token += 1
            world.ask(proxy, token, .commit(attempt), for: .seconds(5))
            let asked = token
            try world.run(for: .seconds(5)) { $0.answers[asked] != nil }
            return world.answers[token]
        }
        let count = UInt64(Limits.segmentEntryCountMax) + 8
        var first: [ClientReply?] = []
        for number in 1...count {
            first.append(try send(attempt(100 + number, at: number), to: 0))
        }
        for number in [1, 2, count - 8, count - 2, count] {
            for proxy in 0..<2 {
                let again = try send(attempt(100 + number, at: number), to: proxy)
                #expect(again == first[Int(number) - 1], "attempt at \(number)")
                guard case .committed? = again else {
                    Issue.record("\(number) is told as \(String(describing: again))")
                    continue
                }
                // Another one that aimed there has lost, and is told so.
                let lost = try send(attempt(900 + number, at: number), to: proxy)
                guard case .refused(.moved(.absent, _))? = lost else {
                    Issue.record("\(number) lost, and is told \(String(describing: lost))")
                    continue
                }
            }
        }
    }

    #if SIMULATION_HOOKS
    @Test("A proxy that forgets its doubt is found")
    func planted() throws {
        try SimulationHooks.$plantedBug.withValue(.doubtDroppedByProxy) {
            var (scene, id) = try Self.secondTry(after: .lost)
            scene.feed(.reply(id: id, .failed(DatabaseError(.quorumUnavailable, "no quorum"))))
            _ = try scene.advanceUntilSent()
            let last = try #require(scene.sent.last).id
            scene.feed(.reply(id: last, .refused(.gone(.absent(generation: 1)))))
            #expect(scene.answered[1] == .refused(.gone(.absent(generation: 1))))
        }
    }
    #endif
}
