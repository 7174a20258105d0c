import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// Transactions over several collections that share one decision, event by event.
@Suite("Transactions that are decided together") struct TransactionGroupTests {
    private let home = SampleLog(name: "home")
    private let other = SampleLog(name: "other")
    private let tree = SampleLog(
        name: "tree", header: CollectionHeader(kind: .tree, encoding: .bytes, capacity: 64))

    private func part(
        _ log: SampleLog, _ actions: [ActionContent], seenAt expected: UInt64? = nil
    ) -> TransactionPart {
        TransactionPart(
            collection: log.tail.collection, incarnation: log.tail.incarnation,
            firstRevision: .zero, expectedRevision: expected.map { Revision($0) },
            actions: actions)
    }

    /// A transaction that appends one entry at home, and does something else.
    private func request(_ number: UInt64, _ parts: TransactionPart...) -> TransactionRequest {
        TransactionGroupScene.request(
            number, [part(home, [.append(Sample.bytes(number))])] + parts)
    }

    /// Gives a key a value if it has none.
    private func claim(_ key: UInt8, value: UInt8) -> ActionContent {
        .tree(
            TreeAction(
                checks: [.value(key: [key], nil)],
                operations: [.put(key: [key], value: [value])]))
    }

    @Test("Several are sent as one attempt, one behind the other, and each is told its own part")
    func together() throws {
        let two = part(other, [.append(Sample.bytes(61)), .append(Sample.bytes(62))])
        var scene = TransactionGroupScene(
            [
                request(1, part(tree, [claim(1, value: 5)])),
                request(2, two, part(tree, [claim(2, value: 6)])), request(3),
            ], [home, other, tree])
        scene.begin()
        let attempt = try scene.send()
        #expect(attempt.writes.count == 3)
        let body = try EntryBody(canonicalBytes: attempt.homeWrite.body)
        #expect(body.actions.map(\.id) == [1, 2, 3].map { Sample.action($0) })
        // Whose each is can be told from the entry alone.
        let second = try #require(attempt.write(of: other.tail.collection))
        let ids = attempt.attempt.transactions(try EntryBody(canonicalBytes: second.body))
        #expect(ids.map(\.action) == [Sample.action(2), Sample.action(2)])
        #expect(attempt.attempt.transactions(body).map(\.action) == body.actions.map(\.id))
        scene.group.attemptEnded(
            .committed(Revision(1), chainHash: .zero), identifier: .zero, now: scene.now)
        scene.settleToEnd()
        #expect(scene.parts(0)?.map(\.outcomes.count) == [1, 1])
        #expect(scene.parts(1)?.reduce(0) { $0 + $1.outcomes.count } == 4)
        #expect(scene.parts(2)?.map(\.collection) == [home.tail.collection])
        let isLanded = scene.group.collections.allSatisfy {
            scene.group.landedBatch(of: $0) != nil
        }
        #expect(isLanded, "the writers are not told what was landed")
    }

    // protocol: group-shares-one-home
    @Test("A condition that fails because of a fellow tells nothing: its transaction leaves")
    func conditionOnFellow() throws {
        var scene = TransactionGroupScene(
            [
                request(1, part(tree, [claim(1, value: 5)])),
                request(2, part(tree, [claim(1, value: 6)])),
                request(3, part(tree, [claim(2, value: 7)])),
            ], [home, tree])
        scene.begin()
        let attempt = try scene.send()
        let body = try EntryBody(canonicalBytes: attempt.homeWrite.body)
        #expect(body.actions.map(\.id) == [Sample.action(1), Sample.action(3)])
        #expect(scene.ended[1] != nil && scene.answer(1) == nil)
    }

    // protocol: group-shares-one-home
    @Test("What a transaction has read, and a fellow before it writes, is not taken for unchanged")
    func readOfFellow() throws {
        var scene = TransactionGroupScene(
            [
                request(1, part(other, [.append(Sample.bytes(61))])),
                request(2, part(other, [], seenAt: 0)), request(3),
            ], [home, other])
        scene.begin()
        let attempt = try scene.send()
        let body = try EntryBody(canonicalBytes: attempt.homeWrite.body)
        #expect(body.actions.map(\.id) == [Sample.action(1), Sample.action(3)])
        #expect(scene.ended[1] != nil && scene.answer(1) == nil)
    }

    @Test(
        "A conflict holds up no fellow, and is told when what shows it is as new as it",
        arguments: [0, 1, 2])
    func conflict(decidedCount: Int) throws {
        var moved = other
        moved.append(Sample.body([50]))
        var scene = TransactionGroupScene(
            [request(1), request(2, part(moved, [], seenAt: 0)), request(3)], [home, moved],
            decided: Array([home, moved].prefix(decidedCount)), known: [home, moved])
        let isFresh = decidedCount == 2
        scene.begin()
        let attempt = try scene.send()
        // Before that an earlier try of it might have landed above what is known here.
        #expect(scene.ended[1] != nil && (scene.error(1) != nil) == isFresh)
        if isFresh {
            #expect(scene.error(1)?.code == .conflict && scene.error(1)?.outcome == .notApplied)
        }
        let body = try EntryBody(canonicalBytes: attempt.homeWrite.body)
        #expect(body.actions.map(\.id) == [Sample.action(1), Sample.action(3)])
        #expect(attempt.attempt.participants.count == 1, "a collection that it does not need")
    }

    @Test("A stamp that has ended keeps its transaction from being decided, and no fellow")
    func expired() throws {
        let late = TransactionGroupScene.request(
            1, [part(home, [.append(Sample.bytes(1))])], expiry: 4)
        var scene = TransactionGroupScene([late, request(2)], [home])
        scene.wallMilliseconds = 5
        scene.begin()
        let attempt = try scene.send()
        let body = try EntryBody(canonicalBytes: attempt.homeWrite.body)
        #expect(body.actions.map(\.id) == [Sample.action(2)])
        #expect(body.records.map(\.action) == [Sample.action(2)])
        #expect(scene.error(0)?.code == .transactionExpired)
        #expect(scene.error(0)?.outcome == .notApplied)
    }

    // protocol: dedupe-scan
    @Test("What has landed under an id is the answer, for a stamp that has ended as well")
    func expiredLanded() throws {
        let late = TransactionGroupScene.request(
            1, [part(home, [.append(Sample.bytes(1))])], expiry: 4)
        var landed = home
        landed.append(TransactionGroupScene.landed(late))
        var scene = TransactionGroupScene([late], [landed])
        scene.wallMilliseconds = 5
        scene.runToEnd()
        #expect(scene.parts(0)?.map(\.revision) == [Revision(1)])
    }

    // protocol: dedupe-scan
    @Test("The same id with another source is told so, and is not taken for what has landed")
    func reused() throws {
        let first = request(1)
        let second = TransactionGroupScene.request(
            1, [part(home, [.append(Sample.bytes(1))])], expiry: 77)
        #expect(first.record.hash != second.record.hash)
        var landed = home
        landed.append(TransactionGroupScene.landed(first))
        var scene = TransactionGroupScene([second], [landed])
        scene.runToEnd()
        #expect(scene.error(0)?.code == .actionIDReuse)
    }

    // protocol: dedupe-scan
    @Test("So is one whose other parts have landed as they are")
    func reusedElsewhere() throws {
        let share = part(other, [.append(Sample.bytes(1))])
        let first = request(1, share)
        let second = TransactionGroupScene.request(
            1, [part(home, [.append(Sample.bytes(1))]), share], expiry: 77)
        var (home, other) = (home, other)
        home.append(TransactionGroupScene.landed(first))
        other.append(Sample.body([1]))
        var scene = TransactionGroupScene([second], [home, other])
        scene.runToEnd()
        #expect(scene.error(0)?.code == .actionIDReuse)
    }

    // protocol: dedupe-scan
    @Test("So is one of several actions, the others of which have landed as they are")
    func reusedInPart() throws {
        let two = part(home, [.append(Sample.bytes(1)), .append(Sample.bytes(2))])
        let first = TransactionGroupScene.request(1, [two])
        let second = TransactionGroupScene.request(1, [two], expiry: 77)
        var landed = home
        landed.append(TransactionGroupScene.landed(first))
        var scene = TransactionGroupScene([second], [landed])
        scene.runToEnd()
        #expect(scene.error(0)?.code == .actionIDReuse)
    }

    // protocol: home-decides
    @Test("One that is found where another's action has its id does not wait for what never comes")
    func foundElsewhere() throws {
        var other = other
        other.append(Sample.body([1]))
        var scene = TransactionGroupScene(
            [request(1, part(other, [.append(Sample.bytes(1))]))], [home, other])
        scene.runToEnd()
        // Another try of it may be under way.
        #expect(scene.error(0)?.outcome == .unknown)
    }

    // protocol: gone-after-doubt-is-unknown
    @Test("Of one whose home is gone, and which is found where it has only read, nothing is known")
    func foundWhereRead() throws {
        let look = ActionContent.tree(
            TreeAction(checks: [.value(key: [9], nil)], operations: []))
        let gone = TransactionPart(
            collection: home.tail.collection,
            incarnation: Incarnation(generation: 1, nonce: Identifier128(4)),
            firstRevision: .zero, actions: [.append(Sample.bytes(1))])
        // A fellow has written the tree, in the same entry.
        var tree = tree
        tree.append(
            EntryBody(actions: [
                Action(
                    id: Sample.action(1), bytes: look.bytes,
                    outcome: TreeOutcome.applied(existed: []).canonicalBytes)
            ]))
        var scene = TransactionGroupScene(
            [TransactionGroupScene.request(1, [gone, part(tree, [look])])], [home, tree])
        scene.runToEnd()
        #expect(scene.error(0)?.outcome == .unknown)
    }

    // protocol: group-shares-one-home
    @Test("What a transaction has only read is not in its record, though a fellow writes there")
    func recordOfReader() throws {
        let look = ActionContent.tree(
            TreeAction(checks: [.value(key: [9], nil)], operations: []))
        var scene = TransactionGroupScene(
            [request(1, part(tree, [claim(1, value: 5)])), request(2, part(tree, [look]))],
            [home, tree])
        scene.begin()
        let attempt = try scene.send()
        let body = try EntryBody(canonicalBytes: attempt.homeWrite.body)
        #expect(body.actions.map(\.id) == [Sample.action(1), Sample.action(2)])
        #expect(attempt.recordProblem(at: 0) == nil)
    }

    // protocol: dedupe-scan
    @Test("That a stamp has ended is told when the home is known as of then, not before")
    func expiredUnread() throws {
        let late = TransactionGroupScene.request(
            1, [part(home, [.append(Sample.bytes(1))])], expiry: 4)
        var landed = home
        landed.append(TransactionGroupScene.landed(late))
        // What the proxy knows of the home is from before it landed.
        var scene = TransactionGroupScene([late], [landed], known: [home])
        scene.wallMilliseconds = 5
        scene.runToEnd()
        #expect(scene.parts(0)?.map(\.revision) == [Revision(1)])
    }

    // protocol: dedupe-scan
    @Test(
        "Nor is what a coordinator has against it",
        arguments: [ErrorCode.transactionExpired, .engineUnknown, .executionDiffers])
    func refusedUnread(code: ErrorCode) throws {
        let again = request(1)
        var landed = home
        landed.append(TransactionGroupScene.landed(again))
        // What the proxy knows of the home is from before it landed.
        var scene = TransactionGroupScene([again], [landed], known: [home])
        scene.begin()
        _ = try scene.send()
        scene.group.attemptEnded(
            .failed(DatabaseError(code, "refused")), identifier: Identifier128(77),
            now: scene.now)
        scene.now = scene.now.advanced(by: .seconds(1))
        scene.settleToEnd()
        #expect(scene.parts(0)?.map(\.revision) == [Revision(1)])
    }

    @Test("Those that stay when half of a senseless attempt leaves are sent anew, all of them")
    func halved() throws {
        var scene = TransactionGroupScene(
            [
                request(1, part(tree, [claim(1, value: 5)])),
                request(2, part(other, [.append(Sample.bytes(61))])),
            ], [home, tree, other])
        scene.begin()
        let both = try scene.send()
        #expect(both.writes.count == 3)
        scene.group.attemptEnded(
            .failed(DatabaseError(.valueTooLarge, "too large")), identifier: Identifier128(77),
            now: scene.now)
        scene.now = scene.now.advanced(by: .seconds(1))
        let rest = try scene.send()
        #expect(rest.writes.count == 2 && rest.attempt.payload != both.attempt.payload)
        #expect(Set(rest.writes.map(\.payload)).count == 1)
        #expect(scene.ended[1] != nil && scene.answer(1) == nil)
    }

    @Test("One that is refused, and does not fit the entry of its home, holds up no fellow")
    func refusedWithoutRoom() throws {
        var other = other
        other.append(Sample.body([90]))
        let half = Bytes(repeating: 7, count: Limits.actionBytesMax / 2 - 100)
        let large = part(home, [.append(half), .append(half)])
        let stale = part(self.other, [.append(Sample.bytes(61))], seenAt: 0)
        var scene = TransactionGroupScene(
            [
                TransactionGroupScene.request(1, [large]),
                TransactionGroupScene.request(2, [large, stale]),
            ], [home, other], decided: [home, other],
            known: [home, other])
        scene.begin()
        scene.readTails()
        let attempt = try scene.send()
        #expect(attempt.writes.count == 1)
        #expect(scene.error(1)?.code == .conflict)
    }

    @Test("One that left for what may be behind has that read before anything is said of it")
    func leftForStale() throws {
        var moved = other
        moved.append(Sample.body([50]))
        var member = TransactionMember(
            request(1, part(moved, [], seenAt: 1)), deadline: TransactionGroupScene.deadline)
        member.isKnownAnew(home.tail.collection)
        member.leave(because: moved.tail.collection)
        var scene = TransactionGroupScene([member], [home, moved], known: [home, moved])
        scene.begin()
        #expect(scene.tailsWanted == [moved.tail.collection])
        scene.readTails()
        #expect(try scene.send().attempt.participants.count == 2)
    }

    // protocol: gone-after-doubt-is-unknown
    @Test("Where the home cannot tell what became of it, no other reason is told as certain")
    func homeCannotTell() throws {
        #expect(try TransactionGroupTests.refusedByBoth()?.outcome == .unknown)
    }

    /// What a transaction is told that another collection refuses, and then its home, whose history
    /// is gone.
    private static func refusedByBoth() throws -> DatabaseError? {
        let logs = [SampleLog(name: "home"), SampleLog(name: "other")]
            .sorted { $0.tail.collection < $1.tail.collection }
        var (other, home) = (logs[0], logs[1])
        other.append(Sample.body([50]))
        home.append(Sample.body([51]))
        home.truncate(through: Revision(1))
        func part(
            _ log: SampleLog, _ actions: [ActionContent], _ seen: Revision?
        ) -> TransactionPart {
            TransactionPart(
                collection: log.tail.collection, incarnation: log.tail.incarnation,
                firstRevision: .zero, expectedRevision: seen, actions: actions)
        }
        var scene = TransactionGroupScene(
            [
                TransactionGroupScene.request(
                    1, [part(home, [.append(Sample.bytes(1))], nil), part(other, [], .zero)])
            ], [home, other], decided: [home, other], known: [home, other])
        scene.begin()
        _ = scene.settle()
        return scene.error(0)
    }

    // MARK: Custom collections

    private let custom = SampleLog(
        name: "custom", header: CollectionHeader(kind: .custom, encoding: .bytes, capacity: 64))

    /// An action that was done at a revision, and changes nothing but the log.
    private func done(_ number: UInt64, at revision: UInt64) -> TransactionPart {
        TransactionPart(
            collection: custom.tail.collection, incarnation: custom.tail.incarnation,
            firstRevision: .zero, expectedRevision: Revision(revision),
            actions: [.custom(Sample.bytes(number))],
            prepared: PreparedActions(writes: [], reads: [], headerAfter: nil))
    }

    @Test("What handlers have done is sent as it is, at the revision that they have seen")
    func prepared() throws {
        var scene = TransactionGroupScene(
            [request(1, done(70, at: 0)), request(2, done(71, at: 0))], [home, custom])
        scene.begin()
        scene.readTails()
        let attempt = try scene.send()
        // The second one has not seen what the first one does.
        let write = try #require(attempt.write(of: custom.tail.collection))
        let body = try EntryBody(canonicalBytes: write.body)
        #expect(body.actions.map(\.id) == [Sample.action(1)])
        #expect(body.actions.map(\.bytes) == [Sample.bytes(70)])
        #expect(write.participant.target == Revision(1))
        #expect(scene.ended.count == 1 && scene.answer(1) == nil)
    }

    @Test("What handlers have done at an older revision is a conflict")
    func preparedTooEarly() throws {
        var custom = custom
        custom.append(Sample.body([90]))
        var scene = TransactionGroupScene([request(1, done(70, at: 0))], [home, custom])
        scene.begin()
        scene.readTails()
        _ = scene.settle()
        #expect(scene.error(0)?.code == .conflict)
    }

    @Test("What handlers have done and has landed by an earlier try is found, and not done again")
    func preparedAndLanded() throws {
        var (home, custom) = (home, custom)
        let request = TransactionGroupScene.request(
            1,
            [
                part(home, [.append(Sample.bytes(1))]),
                TransactionPart(
                    collection: custom.tail.collection, incarnation: custom.tail.incarnation,
                    firstRevision: .zero, expectedRevision: .zero,
                    actions: [.custom(Sample.bytes(1))],
                    prepared: PreparedActions(writes: [], reads: [], headerAfter: nil)),
            ])
        home.append(TransactionGroupScene.landed(request))
        custom.append(Sample.body([1]))
        var scene = TransactionGroupScene([request], [home, custom])
        scene.begin()
        scene.readTails()
        _ = scene.settle()
        #expect(scene.parts(0)?.map(\.revision) == [Revision(1), Revision(1)])
    }

    // protocol: group-shares-one-home, dedupe-scan
    @Test("One that landed by an earlier try is found by its own id, and not done again")
    func landedEarlier() throws {
        var home = home
        home.append(TransactionGroupScene.landed(request(2)))
        var scene = TransactionGroupScene([request(1), request(2), request(3)], [home])
        scene.begin()
        let attempt = try scene.send()
        let body = try EntryBody(canonicalBytes: attempt.homeWrite.body)
        #expect(body.actions.map(\.id) == [Sample.action(1), Sample.action(3)])
        #expect(scene.parts(1)?.map(\.revision) == [Revision(1)])
    }

    // protocol: doubt-belongs-to-the-attempt
    @Test("One whose time runs out while the attempt is out is in doubt, and not done later")
    func late() throws {
        var scene = TransactionGroupScene([request(1), request(2)], [home])
        scene.begin()
        _ = try scene.send()
        scene.now = TransactionGroupScene.deadline
        guard case .waits = scene.next() else {
            Issue.record("the other one does not wait")
            return
        }
        #expect(scene.error(0)?.outcome == .unknown)
        var home = home
        home.append(Sample.body([50]))
        scene.logs[home.tail.collection] = home
        scene.group.attemptEnded(
            .refusedAt(home.tail.collection, .moved(landing: .absent, .live(home.tail))),
            identifier: Sample.action(99).rawValue, now: scene.now)
        scene.tick()
        let again = try scene.send()
        let body = try EntryBody(canonicalBytes: again.homeWrite.body)
        #expect(body.actions.map(\.id) == [Sample.action(2)])
    }

    // protocol: doubt-belongs-to-the-attempt
    @Test("One that leaves takes along what is in doubt of it")
    func leavesInDoubt() throws {
        var scene = TransactionGroupScene(
            [
                request(1, part(tree, [claim(1, value: 5)])),
                request(2, part(tree, [claim(2, value: 6)])),
            ], [home, tree])
        scene.begin()
        _ = try scene.send()
        // No answer; then the first one is seen to have written what the second one relies on.
        scene.group.attemptEnded(
            .failed(DatabaseError(.commitResultUnknown, "no answer", outcome: .unknown)),
            identifier: Sample.action(99).rawValue, now: scene.now)
        scene.now = TransactionGroupScene.deadline.advanced(by: .seconds(5))
        _ = scene.settle()
        #expect(scene.error(0)?.outcome == .unknown && scene.error(1)?.outcome == .unknown)
    }

    @Test("Of what is only read the revision is told that the decision leaves")
    func readBesideWrite() throws {
        var scene = TransactionGroupScene(
            [
                request(1, part(other, [], seenAt: 0)),
                request(2, part(other, [.append(Sample.bytes(61))])),
            ], [home, other])
        scene.begin()
        let attempt = try scene.send()
        #expect(attempt.writes.count == 2, "a reader before a writer goes with it")
        scene.group.attemptEnded(
            .committed(Revision(1), chainHash: .zero), identifier: .zero, now: scene.now)
        _ = scene.settle()
        let read = scene.parts(0)?.first { $0.collection == other.tail.collection }
        #expect(read?.revision == Revision(1) && read?.outcomes.isEmpty == true)
    }

    #if SIMULATION_HOOKS
    // protocol: group-shares-one-home
    @Test("To take what a fellow writes for unchanged is found")
    func planted() throws {
        let reads = [
            request(1, part(other, [.append(Sample.bytes(61))])),
            request(2, part(other, [], seenAt: 0)),
        ]
        try SimulationHooks.$plantedBug.withValue(.groupReadUnchecked) {
            var scene = TransactionGroupScene(reads, [home, other])
            scene.begin()
            let body = try EntryBody(canonicalBytes: try scene.send().homeWrite.body)
            #expect(body.actions.count == 2, "what it has read is another behind its fellow")
        }
    }

    // protocol: group-shares-one-home
    @Test("To take a collection for known anew because the home has decided is found")
    func plantedFreshness() throws {
        var moved = other
        moved.append(Sample.body([50]))
        try SimulationHooks.$plantedBug.withValue(.freshByTheHome) {
            var scene = TransactionGroupScene(
                [request(1), request(2, part(moved, [], seenAt: 0))], [home, moved],
                decided: [home], known: [home, moved])
            scene.begin()
            _ = try scene.send()
            #expect(scene.error(1)?.code == .conflict, "it may have been as it was read since then")
        }
    }

    // protocol: gone-after-doubt-is-unknown
    @Test("To tell another reason where the home cannot tell what became of it is found")
    func plantedRefusal() throws {
        try SimulationHooks.$plantedBug.withValue(.homeRefusalLast) {
            let error = try TransactionGroupTests.refusedByBoth()
            #expect(error?.outcome == .notApplied)
        }
    }
    #endif
}
