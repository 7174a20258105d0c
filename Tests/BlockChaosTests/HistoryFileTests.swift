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
        return record
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
            })
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
            entries: [[Action(id: action(20), bytes: put.bytes, outcome: outcome.bytes)]])
    }

    @Test("What was written is read again, and the checks find the same")
    func roundTrip() throws {
        let record = Self.sample()
        let text = try HistoryFile.text(of: record)
        let read = try HistoryFile.record(in: text)
        #expect(try HistoryFile.text(of: read) == text)
        #expect(text.split(separator: "\n").count == 6 + 4 + 5 + 2)
        #expect(read.check().violations == [])
        #expect(read.check() == record.check())
        #expect(record.check().checkedCount > 10)
    }

    @Test("Operations are counted by what became of them")
    func outcomes() {
        let outcomes = Self.sample().outcomes
        #expect(outcomes.acknowledged == 3 && outcomes.answered == 3 && outcomes.refused == 1)
        #expect(outcomes.unknown == 3 && outcomes.total == 10)
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
