import BlockModel
import BlockNode
import BlockRuntime
import BlockTransactions
import Testing

/// The transactions that a proxy carries out at a time.
@Suite("The transactions of a proxy") struct HostedTransactionsTests {
    private static let names = ["left", "right"]

    /// A tail of a diary without entries.
    private static func tail(_ name: String) -> Tail {
        Tail(
            name: name, incarnation: Incarnation(generation: 1, nonce: Identifier128(9)),
            header: CollectionHeader(kind: .diary, encoding: .bytes),
            createdBy: ActionID(rawValue: .zero))
    }

    /// One that appends so many entries to each of both diaries.
    /// - Parameter leftAt: The revision that the left one must still be at.
    private static func request(
        _ action: ActionID, count: Int = 1, leftAt: Revision? = nil
    ) -> TransactionRequest {
        let tails = names.map(tail)
        let home = tails.map(\.collection).max() ?? tails[0].collection
        return TransactionRequest(
            action: action, home: home,
            parts: tails.map { tail in
                TransactionPart(
                    collection: tail.collection, incarnation: tail.incarnation,
                    firstRevision: .zero, expectedRevision: tail.name == "left" ? leftAt : nil,
                    actions: (0..<count).map { .append([UInt8($0)]) })
            },
            source: TransactionSource(
                stamp: TransactionStamp(client: .zero, milliseconds: 0, expiry: .max)))
    }

    /// Asks for them all at once, and answers as coordinators would that carry out everything.
    /// - Returns: What each was told, and the attempts that were sent.
    private func run(
        _ requests: [TransactionRequest]
    ) throws -> ([ClientReply?], [TransactionAttempt]) {
        var scene = try ClientProxyTests.Scene()
        let deadline = scene.now.advanced(by: .seconds(5))
        for (number, request) in requests.enumerated() {
            scene.feed(.request(UInt64(number), .transact(request), deadline: deadline))
        }
        var attempts: [TransactionAttempt] = []
        var answered = 0
        while scene.answered.count < requests.count, scene.now < deadline {
            while answered < scene.sent.count {
                let (_, id, request) = scene.sent[answered]
                answered += 1
                switch request {
                case .readTail(let collection):
                    let tail = Self.names.map(Self.tail).first { $0.collection == collection }
                    scene.feed(.reply(id: id, .tail(.live(try #require(tail)))))
                case .transact(let attempt):
                    attempts.append(attempt)
                    let target = attempt.attempt.homePart.target
                    scene.feed(.reply(id: id, .committed(target, chainHash: .zero)))
                default: Issue.record("\(request)")
                }
            }
            scene.now = max(scene.now, scene.proxy.nextWake ?? deadline)
            scene.feed(.tick)
        }
        return ((0..<requests.count).map { scene.answered[UInt64($0)] }, attempts)
    }

    private func revision(_ reply: ClientReply?) -> Revision? {
        if case .transacted(let parts)? = reply { parts.first?.revision } else { nil }
    }

    private func actions(_ attempt: TransactionAttempt) throws -> [ActionID] {
        try EntryBody(canonicalBytes: attempt.homeWrite.body).actions.map(\.id)
    }

    @Test("What arrives together is decided together, each told for itself")
    func together() throws {
        let ids = (1...3).map { ActionID(rawValue: Identifier128(UInt128($0))) }
        let (replies, attempts) = try run(ids.map { Self.request($0) })
        // The first one finds everything free; the others come while it is under way.
        #expect(attempts.count <= 2)
        #expect(Set(try attempts.flatMap(actions)) == Set(ids))
        #expect(replies.allSatisfy { revision($0) != nil })
    }

    @Test("One that is sent twice at once is done once, and told twice")
    func twice() throws {
        let action = ActionID(rawValue: Identifier128(7))
        let other = ActionID(rawValue: Identifier128(8))
        let (replies, attempts) = try run(
            [other, action, action].map { Self.request($0) })
        #expect(try attempts.flatMap(actions).count { $0 == action } == 1)
        #expect(revision(replies[1]) == revision(replies[2]) && revision(replies[1]) != nil)
    }

    @Test("One whose id is that of another one's second action stops nobody")
    func borrowedID() throws {
        let action = ActionID(rawValue: Identifier128(7))
        let (replies, _) = try run([
            Self.request(ActionID(rawValue: Identifier128(1))), Self.request(action, count: 2),
            Self.request(action.following(1)),
        ])
        #expect(revision(replies[1]) != nil && replies[2] != nil)
    }

    // protocol: group-shares-one-home
    @Test("Nor is it decided beside that one, of which it would seem to be a part")
    func followingID() throws {
        let action = ActionID(rawValue: Identifier128(7))
        let (replies, attempts) = try run([
            Self.request(ActionID(rawValue: Identifier128(1))), Self.request(action),
            Self.request(action.following(1)),
        ])
        #expect(replies.allSatisfy { revision($0) != nil })
        #expect(attempts.compactMap { $0.recordProblem(at: 0) } == [])
    }

    @Test("Whoever waits for another one's turn goes on when that lapses, whenever that one came")
    func lapsedTurn() throws {
        var scene = try ClientProxyTests.Scene()
        let late = Duration.milliseconds(50)
        #expect(late < Limits.turnTime)
        let first = Self.request(ActionID(rawValue: Identifier128(1)), leftAt: .zero)
        let second = Self.request(ActionID(rawValue: Identifier128(2)))
        scene.feed(.request(1, .transact(first), deadline: scene.now.advanced(by: late)))
        scene.feed(.request(2, .transact(second), deadline: scene.now.advanced(by: .seconds(5))))
        var answered = 0
        var sentAt: Instant?
        while sentAt == nil, let wake = scene.proxy.nextWake {
            scene.now = max(scene.now, wake)
            scene.feed(.tick)
            while answered < scene.sent.count {
                let (_, id, request) = scene.sent[answered]
                answered += 1
                switch request {
                case .readTail(let collection):
                    let tail = Self.names.map(Self.tail).first { $0.collection == collection }
                    scene.feed(.reply(id: id, .tail(.live(Self.moved(try #require(tail))))))
                case .transact: sentAt = scene.now
                default: Issue.record("\(request)")
                }
            }
        }
        guard case .failed(let error)? = scene.answered[1] else {
            Issue.record("\(String(describing: scene.answered[1]))")
            return
        }
        #expect(error.code == .conflict)
        let waited = try #require(sentAt).since(.origin)
        #expect(waited >= Limits.turnTime && waited < Limits.turnTime * 2, "\(waited)")
    }

    /// The tail with an entry that does nothing.
    private static func moved(_ tail: Tail) -> Tail {
        var tail = tail
        let bytes = EntryBody.empty.canonicalBytes
        let entry = Entry(
            kind: .noOperation, revision: tail.revision.next,
            payload: PayloadID(action: ActionID(rawValue: .zero), execution: 0),
            bodyHash: BlockID(content: bytes).digest, body: .inline(bytes), wallMilliseconds: 1,
            previousHash: tail.lastHash)
        tail.entries.append(entry)
        tail.revision = entry.revision
        tail.lastHash = entry.chainHash
        return tail
    }
}
