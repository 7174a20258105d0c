import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// How a transaction lands what it wrote, answer by answer.
@Suite struct TransactionLandingTests {
    private static let id = ActionID(rawValue: Identifier128(7))

    private static let stamp = TransactionStamp(client: .zero, milliseconds: 0, expiry: .max)

    private static func landing() throws -> TransactionLanding {
        var state = TransactionState()
        let info = CollectionInfo(
            name: "x", incarnation: Incarnation(generation: 1, nonce: .zero),
            header: CollectionHeader(kind: .tree, encoding: .bytes, capacity: 64),
            revision: .zero, createdBy: id)
        try state.update(info, seen: Revision(3)) { draft in
            draft.read([1], [9])
            draft.write([2], [8])
        }
        return try #require(try TransactionLanding(state, id: id, stamp: stamp))
    }

    private static func landed(_ outcome: TreeOutcome) -> ActionLanding {
        ActionLanding(
            position: LogPosition(revision: Revision(4), index: 0), outcome: .tree(outcome))
    }

    private static func failed(_ outcome: DatabaseError.Outcome) -> ClientReply {
        .failed(DatabaseError(.deadlineExceeded, "no time", outcome: outcome))
    }

    @Test("What is sent names what was read, and the revision that was seen before")
    func request() throws {
        let landing = try Self.landing()
        guard case .ask(.act(let request)) = landing.next else {
            Issue.record("nothing is sent")
            return
        }
        #expect(request.action == Self.id && request.firstRevision == Revision(3))
        guard case .tree(let action) = request.content else {
            Issue.record("another content")
            return
        }
        #expect(action.checks == [.value(key: [1], TreeValueHash([9]))])
        #expect(action.operations == [.put(key: [2], value: [8])])
    }

    // protocol: home-is-fixed
    @Test("Of several collections the greatest that is written decides, whatever else is read")
    func home() throws {
        func info(_ name: String, _ kind: CollectionKind) -> CollectionInfo {
            CollectionInfo(
                name: name, incarnation: Incarnation(generation: 1, nonce: .zero),
                header: CollectionHeader(kind: kind, encoding: .bytes), revision: .zero,
                createdBy: Self.id)
        }
        let names = ["one", "two", "three", "four"].sorted {
            CollectionID(name: $0) < CollectionID(name: $1)
        }
        var state = TransactionState()
        try state.update(info(names[0], .tree), seen: Revision(1)) { $0.write([1], [2]) }
        try state.update(info(names[2], .diary), seen: Revision(5)) { $0.act(.append([7])) }
        try state.update(info(names[1], .queue), seen: Revision(2)) {
            $0.act(.queue(.enqueue([[8]])))
        }
        try state.update(info(names[3], .tree), seen: Revision(3)) { $0.read([1], nil) }
        var landing = try #require(try TransactionLanding(state, id: Self.id, stamp: Self.stamp))
        guard case .ask(.transact(let request)) = landing.next else {
            Issue.record("\(landing.next)")
            return
        }
        #expect(request.home == CollectionID(name: names[2]) && request.problem == nil)
        #expect(request.parts.map(\.collection) == names.map { CollectionID(name: $0) })
        #expect(request.parts.map(\.writes) == [true, true, true, false])
        // Where it is decided, it is asked for.
        try landing.receive(Self.failed(.unknown))
        guard case .ask(.actionStatus(let question)) = landing.next else {
            Issue.record("\(landing.next)")
            return
        }
        #expect(question.collection == request.home && question.firstRevision == Revision(5))
        #expect(question.action == request.id(of: 0) && request.id(of: 1) != request.id(of: 2))
    }

    @Test("A transaction that wrote nothing has nothing to land")
    func nothing() throws {
        #expect(try TransactionLanding(TransactionState(), id: Self.id, stamp: Self.stamp) == nil)
    }

    @Test("An action that was applied is landed, and one whose condition failed is a conflict")
    func told() throws {
        var landing = try Self.landing()
        try landing.receive(.acted(Self.landed(.applied(existed: [false]))))
        guard case .landed = landing.next else {
            Issue.record("not landed")
            return
        }
        landing = try Self.landing()
        let error = #expect(throws: DatabaseError.self) {
            try landing.receive(.acted(Self.landed(.conflict(check: 0))))
        }
        #expect(error?.code == .conflict && error?.outcome == .notApplied)
    }

    @Test("A refusal for certain ends it, without a question")
    func refused() throws {
        var landing = try Self.landing()
        let error = #expect(throws: DatabaseError.self) {
            try landing.receive(Self.failed(.notApplied))
        }
        #expect(error?.outcome == .notApplied)
    }

    @Test("What became of an action in doubt is asked for, under its id")
    func asks() throws {
        for outcome in [TreeOutcome.applied(existed: [false]), .conflict(check: 0)] {
            var landing = try Self.landing()
            try landing.receive(Self.failed(.unknown))
            guard case .ask(.actionStatus(let status)) = landing.next else {
                Issue.record("nothing is asked")
                return
            }
            #expect(status.action == Self.id && status.firstRevision == Revision(3))
            let answer = ClientReply.actionStatus(Self.landed(outcome), asOf: Revision(4))
            if case .applied = outcome {
                try landing.receive(answer)
            } else {
                let error = #expect(throws: DatabaseError.self) { try landing.receive(answer) }
                #expect(error?.code == .conflict)
            }
        }
    }

    @Test("An action that is not there yet, or of which nobody can say, stays in doubt")
    func doubt() throws {
        for answer in [
            ClientReply.actionStatus(nil, asOf: Revision(9)), Self.failed(.notApplied),
        ] {
            var landing = try Self.landing()
            try landing.receive(Self.failed(.unknown))
            let error = #expect(throws: DatabaseError.self) { try landing.receive(answer) }
            #expect(error?.outcome == .unknown)
            #expect(error?.message.contains("\(landing.id)") == true)
        }
    }

    @Test("A conflict is tried again until the time runs out, and nothing else is")
    func retry() throws {
        var generator = SeededGenerator(seed: 1)
        let deadline = Instant.origin.advanced(by: .seconds(1))
        var retry = TransactionRetry(until: deadline)
        let conflict = DatabaseError(.conflict, "others were first")
        #expect(
            try retry.pause(after: conflict, at: .origin, using: &generator) < .milliseconds(20))
        #expect(throws: DatabaseError.self) {
            try retry.pause(after: conflict, at: deadline, using: &generator)
        }
        #expect(throws: DatabaseError.self) {
            try retry.pause(
                after: DatabaseError(.overloaded, ""), at: .origin, using: &generator)
        }
    }
}
