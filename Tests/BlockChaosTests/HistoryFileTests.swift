import BlockChaos
import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

@Suite("The history of a chaos run as a file") struct HistoryFileTests {
    private static func at(_ milliseconds: Int) -> Instant {
        Instant.origin.advanced(by: .milliseconds(milliseconds))
    }

    private static func action(_ number: UInt64) -> ActionID {
        ActionID(rawValue: Identifier128(UInt128(number)))
    }

    /// A diary and a tree with a few operations of every outcome, all as it must be.
    private static func sample() -> ChaosRecord {
        var record = ChaosRecord()
        addDiary(&record)
        addTree(&record)
        addLists(&record)
        addCustom(&record)
        addLives(&record)
        return record
    }

    /// A life that was dropped, and the next one, whose creation was told to nobody who asked.
    private static func addLives(_ record: inout ChaosRecord) {
        let lives = (1...2).map { Incarnation(generation: $0, nonce: Identifier128(UInt128($0))) }
        func send(_ kind: LivesHistory.Kind, _ number: UInt64, _ answer: LivesHistory.Answer?) {
            let id = record.history.lives.send(
                kind, action(number), of: "lives-1", at: at(Int(number)))
            if let answer { record.history.lives.tell(id, answer, at: at(Int(number) + 5)) }
        }
        send(.create(after: 0), 80, .life(lives[0], createdBy: action(80)))
        send(.create(after: 0), 81, .notBegun)
        send(.drop(lives[0]), 82, .dropped)
        send(.create(after: 1), 83, nil)
        record.history.lives.see(lives[0], createdBy: action(80), of: "lives-1")
        record.history.lives.see(lives[1], createdBy: action(83), of: "lives-1")
        record.logs["lives-1"] = ChaosRecord.FinalLog(
            kind: .tree, incarnation: lives[1], entries: [], payloads: [], createdBy: action(83))
    }

    /// Two actions of a custom collection, one of them dropped, a read, and tries of an attempt.
    private static func addCustom(_ record: inout ChaosRecord) {
        let incarnation = Incarnation(generation: 1, nonce: Identifier128(11))
        let payload = PayloadID(action: action(40), execution: 2)
        func sign(_ name: String, _ place: Int, _ fate: CustomHistory.Fate?) -> Bytes {
            let signature = Signature(client: 5, name: name, sheet: 0, policy: .drop, seen: "")
            let id = record.history.customs.add(
                CustomHistory.Record(
                    client: 5, collection: "custom-1", incarnation: incarnation, session: 1,
                    place: place, signature: signature, begun: at(place)))
            if let fate { record.history.customs.tell(id, fate, at: at(place + 5)) }
            return signature.bytes
        }
        let landed = sign("1", 1, .landed)
        _ = sign("2", 2, .dropped)
        _ = sign("3", 3, nil)
        record.logs["custom-1"] = ChaosRecord.FinalLog(
            kind: .custom, incarnation: incarnation,
            entries: [[Action(id: action(30), bytes: landed)]], payloads: [payload])
        record.history.customs.add(
            CustomHistory.Reading(
                client: 5, collection: "custom-1", incarnation: incarnation, begun: at(20),
                ended: at(25), revision: Revision(1),
                entries: [TreeEntry(key: [0], value: Bytes("5:1".utf8))]))
        for answer in [
            AttemptHistory.Answer.none, .notBegun, .committed(Revision(1)), .askTheLog,
        ] {
            let id = record.history.attempts.add(
                AttemptHistory.Try(
                    client: 5, collection: "custom-1",
                    participant: Participant(
                        collection: CollectionID(name: "custom-1"), incarnation: incarnation,
                        target: Revision(1)),
                    payload: payload, sent: at(10)))
            record.history.attempts.tell(id, answer)
        }
    }

    private static func payloads(_ count: Int) -> [PayloadID] {
        (0..<count).map { PayloadID(action: action(UInt64(100 + $0)), execution: 0) }
    }

    /// A transaction that appended one element, one of unknown outcome, and a read of the first.
    private static func addLists(_ record: inout ChaosRecord) {
        func add(
            _ begin: Int, _ outcome: TransactionHistory.Outcome,
            reads: String?, writes: [String], isLast: Bool = false
        ) {
            let key = Bytes("k".utf8)
            let id = record.history.transactions.invoke(
                .lists, on: "lists-1", by: 3, at: at(begin), isLast: isLast,
                reads: [TransactionHistory.Read(key: key, value: reads.map { Bytes($0.utf8) })],
                writes: writes.map {
                    TransactionHistory.Write(key: key, value: Bytes($0.utf8))
                })
            if outcome != .unknown {
                record.history.transactions.complete(id, outcome, at: at(begin + 5))
            }
        }
        add(0, .committed, reads: nil, writes: ["3:1"])
        add(10, .unknown, reads: "3:1", writes: ["3:2"])
        add(20, .aborted, reads: "3:1", writes: ["3:3"])
        add(30, .committed, reads: "3:1", writes: [])
        add(40, .committed, reads: "3:1", writes: [], isLast: true)
    }

    private static func addDiary(_ record: inout ChaosRecord) {
        func position(_ revision: UInt64) -> LogPosition {
            LogPosition(revision: Revision(revision), index: 0)
        }
        func operation(
            _ kind: History.Kind, _ begin: Int, _ completion: History.Completion?
        ) {
            let id = record.history.invoke(kind, on: "diary-1", by: 1, at: at(begin))
            guard let completion else { return }
            record.history.complete(id, completion, at: at(begin + 5))
        }
        operation(.append("1:1"), 0, .appended(position(1)))
        operation(.append("1:2"), 10, .unknown)
        operation(.append("1:3"), 20, .notApplied(.quorumUnavailable))
        operation(
            .read(backward: true), 30,
            .read([History.Observation(position: position(1), value: "1:1")], asOf: Revision(1)))
        operation(.append("1:4"), 40, nil)
        operation(.again("1:1"), 50, .appended(position(1)))
        record.logs["diary-1"] = ChaosRecord.FinalLog(
            kind: .diary, incarnation: Incarnation(generation: 1, nonce: Identifier128(9)),
            entries: ["1:1|..", "1:2|", "1:4|."].enumerated().map {
                [Action(id: action(UInt64($0)), bytes: Bytes($1.utf8))]
            }, payloads: payloads(3))
    }

    private static func addTree(_ record: inout ChaosRecord) {
        let incarnation = Incarnation(generation: 1, nonce: Identifier128(10))
        let collection = CollectionID(name: "tree-1")
        let put = ActionContent.tree(TreeAction(operations: [.put(key: [1], value: [7])]))
        let outcome = ActionOutcome.tree(.applied(existed: [false]))
        let place = LogPosition(revision: Revision(1), index: 0)
        let request = ActionRequest(
            collection: collection, incarnation: incarnation, action: action(20),
            firstRevision: .zero, content: put)
        func operation(
            _ kind: StructureHistory.Kind, _ begin: Int,
            _ completion: StructureHistory.Completion
        ) {
            let id = record.history.structures.invoke(
                kind, on: "tree-1", incarnation, by: 2, at: at(begin))
            record.history.structures.complete(id, completion, at: at(begin + 5))
        }
        let landing = ActionLanding(position: place, outcome: outcome)
        operation(.act(request), 0, .landed(landing))
        operation(
            .read(.tree(.values([[1]])), asOf: nil), 10,
            .answered(.treeValues(TreeValues(values: [[7]], asOf: Revision(1)))))
        let question = ActionStatusRequest(
            collection: collection, incarnation: incarnation, action: action(20),
            firstRevision: .zero)
        operation(.status(question), 20, .status(landing, asOf: Revision(1)))
        operation(.read(.tree(.count(.all)), asOf: nil), 30, .unknown)
        record.logs["tree-1"] = ChaosRecord.FinalLog(
            kind: .tree, incarnation: incarnation,
            entries: [[Action(id: action(20), bytes: put.bytes, outcome: outcome.bytes)]],
            payloads: payloads(1))
    }

    @Test("A life that was not read at the end is over only if a drop named it")
    func unread() {
        var record = ChaosRecord()
        let lives = (1...2).map { Incarnation(generation: $0, nonce: Identifier128(UInt128($0))) }
        for (number, life) in lives.enumerated() {
            record.history.lives.see(
                life, createdBy: Self.action(UInt64(90 + number)), of: "lives-2")
        }
        #expect(record.lives(of: "lives-2").map(\.isOver) == [true, false])
        _ = record.history.lives.send(
            .drop(lives[1]), Self.action(92), of: "lives-2", at: Self.at(1))
        #expect(record.lives(of: "lives-2").map(\.isOver) == [true, true])
    }

    @Test("What was written is read again, and the checks find the same")
    func roundTrip() throws {
        let record = Self.sample()
        let text = try HistoryFile.text(of: record)
        let read = try HistoryFile.record(in: text)
        #expect(try HistoryFile.text(of: read) == text)
        #expect(text.split(separator: "\n").count == 6 + 4 + 5 + 2 + 3 + 1 + 4 + 1 + 4 + 2 + 1)
        #expect(read.check().violations == [])
        #expect(read.check() == record.check())
        #expect(record.check().checkedCount > 10)
    }

    @Test("Operations are counted by what became of them")
    func outcomes() {
        let outcomes = Self.sample().outcomes
        #expect(outcomes.acknowledged == 4 && outcomes.answered == 4 && outcomes.refused == 2)
        #expect(outcomes.unknown == 4 && outcomes.total == 14)
        #expect(outcomes.unknownFound == 2 && outcomes.unknownAbsent == 0)
    }

    @Test(
        "A history that was tampered with is found out",
        arguments: [
            // An acknowledged entry at another place; what was refused is there; a read of less
            // than there was; a value that nobody wrote; a tree's action that nobody sent.
            ("\"index\":0,\"invoked\":0", "\"index\":1,\"invoked\":0"),
            ("\"value\":\"1:3\"", "\"value\":\"1:4\""),
            ("\"read\":[{\"index\":0,\"revision\":1,\"value\":\"1:1\"}]", "\"read\":[]"),
            ("313a317c2e2e", "393a397c2e2e"),
            // A transaction that saw a list that nobody made.
            ("\"value\":\"333a31\"", "\"value\":\"333a33\""),
            // A dropped action that landed, a snapshot of what never was, an attempt that is not
            // where it was told to be.
            ("\"outcome\":\"dropped\"", "\"outcome\":\"landed\""),
            ("\"value\":\"353a31\"", "\"value\":\"353a32\""),
            ("\"asOf\":1,\"client\":5", "\"asOf\":2,\"client\":5"),
            // A life that nobody asked for, one that nobody ended, two that one creation began.
            (
                "\"creator\":\"00000000000000000000000000000053\"",
                "\"creator\":\"00000000000000000000000000000054\""
            ),
            (
                "\"operation\":\"drop\",\"outcome\":\"ended\"",
                "\"operation\":\"create\",\"asOf\":1,\"outcome\":\"unknown\""
            ),
            (
                "\"creator\":\"00000000000000000000000000000053\"",
                "\"creator\":\"00000000000000000000000000000050\""
            ),
            (
                "\"action\":\"00000000000000000000000000000014\"",
                "\"action\":\"00000000000000000000000000000015\""
            ),
        ])
    func tampered(from: String, to: String) throws {
        let text = try HistoryFile.text(of: Self.sample())
        let changed = text.replacing(from, with: to)
        #expect(changed != text)
        #expect(try !HistoryFile.record(in: changed).check().violations.isEmpty)
    }

    @Test(
        "What is no history is refused, with its line",
        arguments: [
            "{}", "nonsense", #"{"type":"transaction","collection":"a","client":1,"invoked":1}"#,
            #"{"type":"diary","collection":"a","operation":"append"}"#,
            #"{"type":"log","collection":"a","kind":2,"generation":1,"nonce":"00","entries":[]}"#,
        ])
    func undecodable(line: String) {
        let error = #expect(throws: DatabaseError.self) { try HistoryFile.record(in: line) }
        #expect(error?.message.contains("line 1") == true)
    }
}
