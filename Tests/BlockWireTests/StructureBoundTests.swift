import BlockModel
import BlockRuntime
import BlockWire
import ModelSamples
import Testing

@Suite("Bounds of trees, queues and logs")
struct StructureBoundTests {
    private let collection = CollectionID(name: "x")
    private let life = Incarnation(generation: 1, nonce: Identifier128(1))

    private func bytes(_ count: Int) -> Bytes { Bytes(repeating: 0xFF, count: count) }

    private func key(_ number: Int) -> Bytes {
        [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
    }

    private func request(_ content: ActionContent) -> ClientRequest {
        .act(
            ActionRequest(
                collection: collection, incarnation: life, action: ActionID(rawValue: .zero),
                firstRevision: .zero, content: content))
    }

    private func read(_ query: TreeQuery) -> ClientRequest {
        .readTree(TreeReadRequest(collection: collection, incarnation: life, query: query))
    }

    private func expectRefused(
        _ words: [String], as code: ErrorCode = .malformedMessage, _ request: ClientRequest
    ) {
        refuses(words, code) { () throws(DatabaseError) in
            _ = try Wire.decodeClientRequest(Wire.encode(request))
        }
    }

    private func expectRefused(_ words: [String], _ reply: ClientReply) {
        refuses(words) { () throws(DatabaseError) in
            _ = try Wire.decodeClientReply(Wire.encode(reply))
        }
    }

    private func expectKept(_ requests: [ClientRequest]) throws {
        for request in requests {
            #expect(try Wire.decodeClientRequest(Wire.encode(request)) == request)
        }
    }

    private func expectKept(_ replies: [ClientReply]) throws {
        for reply in replies { #expect(try Wire.decodeClientReply(Wire.encode(reply)) == reply) }
    }

    @Test("a key, a value or an action over its limit is named with a code of its own")
    func actions() {
        let tooLong = bytes(Limits.keyBytesMax + 1)
        let tooLarge = bytes(Limits.valueBytesMax + 1)
        let operations: [(field: String, TreeAction)] = [
            ("tree_operation.key", TreeAction(operations: [.put(key: tooLong, value: [])])),
            ("tree_operation.key", TreeAction(operations: [.delete(key: tooLong)])),
            ("tree_check.key", TreeAction(checks: [.present(key: tooLong)], operations: [])),
            ("tree_check.key", TreeAction(checks: [.value(key: tooLong, nil)], operations: [])),
            (
                "key_range.upper.key",
                TreeAction(
                    checks: [
                        .range(KeyRange(upper: KeyBound(tooLong)), TreeEntriesHash(digest: .zero))
                    ], operations: [])
            ),
        ]
        for (field, action) in operations {
            expectRefused([field, "1025", "1024"], as: .valueTooLarge, request(.tree(action)))
        }
        expectRefused(
            ["tree_operation.put", "65537", "65536"], as: .valueTooLarge,
            request(.tree(TreeAction(operations: [.put(key: [], value: tooLarge)]))))
        expectRefused(
            ["queue_action.enqueue.values", "65537", "65536"], as: .valueTooLarge,
            request(.queue(.enqueue([[], tooLarge]))))
        expectRefused(
            ["tree_action.operations", "4097", "4096"], as: .valueTooLarge,
            request(.tree(TreeAction(operations: (0..<4097).map { .delete(key: key($0)) }))))
        expectRefused(
            ["queue_action.enqueue", "4097", "4096"], as: .valueTooLarge,
            request(.queue(.enqueue(Array(repeating: [], count: 4097)))))
        expectRefused(
            ["tree_action.checks", "4097", "4096"],
            request(
                .tree(
                    TreeAction(
                        checks: (0..<4097).map { .present(key: key($0)) }, operations: []))))
        expectRefused(
            ["queue_action.dequeue", "4097", "4096"], request(.queue(.dequeue(countMax: 4097))))
    }

    @Test("an action is bounded as a whole, by the bytes that the log would keep of it")
    func wholeActions() throws {
        // 15 values of the greatest size and one that fills the rest.
        let full = Array(repeating: bytes(Limits.valueBytesMax), count: 15)
        func queue(_ count: Int) -> ClientRequest {
            request(.queue(.enqueue(full + [bytes(count)])))
        }
        // A byte for what it is, and a count before the list and before each value.
        let rest = Limits.valueBytesMax - 1 - 4 - 16 * 4
        try expectKept([queue(rest)])
        expectRefused(
            ["act_on_queue.content", "1048577", "1048576"], as: .valueTooLarge, queue(rest + 1))
        func tree(_ count: Int) -> ClientRequest {
            let values = full + [bytes(count)]
            return request(
                .tree(TreeAction(operations: values.map { .put(key: [7], value: $0) })))
        }
        // Two counts before the lists; for each operation what it is, a key and a value.
        let left = Limits.valueBytesMax - 2 * 4 - 16 * (1 + 5 + 4)
        try expectKept([tree(left)])
        expectRefused(
            ["act_on_tree.content", "1048577", "1048576"], as: .valueTooLarge, tree(left + 1))
    }

    @Test("what is asked of a tree, a queue or a log is bounded")
    func reads() {
        let tooLong = bytes(Limits.keyBytesMax + 1)
        expectRefused(
            ["read_tree.values.keys", "1025"], as: .valueTooLarge, read(.values([tooLong])))
        expectRefused(
            ["read_tree.values.keys", "4097", "4096"],
            read(.values(Array(repeating: [], count: 4097))))
        expectRefused(
            ["key_range.lower.key", "1025"], as: .valueTooLarge,
            read(.count(KeyRange(lower: KeyBound(tooLong)))))
        for count: UInt32 in [0, 4097] {
            expectRefused(
                ["read_range.count_max", "\(count)", "4096"],
                read(.range(.all, .forward, bytesMax: 0, countMax: count)))
            expectRefused(
                ["read_queue.peek", "\(count)", "4096"],
                .readQueue(
                    QueueReadRequest(
                        collection: collection, incarnation: life, query: .peek(countMax: count)))
            )
        }
        expectRefused(
            ["read_range.bytes_max", "1048577", "1048576"],
            read(.range(.all, .forward, bytesMax: 1_048_577, countMax: 1)))
        expectRefused(
            ["read_log.bytes_max", "1048577", "1048576"],
            .readLog(
                LogReadRequest(
                    collection: collection, incarnation: life, after: .zero, bytesMax: 1_048_577)))
        expectRefused(
            ["read_log.wait_ms", "600001", "600000"],
            .readLog(
                LogReadRequest(
                    collection: collection, incarnation: life, after: .zero,
                    waitMilliseconds: 600_001)))
        expectRefused(
            ["read_log.after", "\(UInt64.max)"],
            .readLog(
                LogReadRequest(collection: collection, incarnation: life, after: Revision(.max))))
        let block = BlockReadRequest(
            key: BlockKey(block: BlockID(.zero), incarnation: life), revision: .zero)
        expectRefused(
            ["read_blocks.blocks", "4097", "4096"],
            .readBlocks(Array(repeating: block, count: 4097)))
    }

    @Test("an answer that contradicts itself is refused")
    func replies() {
        var samples = ModelSamples(seed: 21)
        let position = LogPosition(revision: Revision(1), index: 0)
        expectRefused(
            ["tree_outcome.conflict", "4096", "4095"],
            .acted(ActionLanding(position: position, outcome: .tree(.conflict(check: 4096)))))
        expectRefused(["count.count", "\(UInt64.max)"], .count(.max, asOf: .zero))
        func page(_ revisions: [UInt64], _ body: EntryBody) -> ClientReply {
            let entries = revisions.map {
                LogEntry(
                    revision: Revision($0), payload: samples.payload(), body: body,
                    headerAfter: nil, wallMilliseconds: 0)
            }
            return .logPage(
                LogPage(
                    entries: entries, revision: .zero, header: samples.header(),
                    headerRevision: .zero, checkpoint: .zero, shardCount: 1))
        }
        expectRefused(["log_page.entries", "7 after 5"], page([5, 7], .empty))
        expectRefused(["log_page.entries", "5 after 5"], page([5, 5], .empty))
        expectRefused(["log_page.entries", "4097", "4096"], page(Array(1...4097), .empty))
        let action = Action(id: samples.action(), bytes: [])
        expectRefused(
            ["log_entry.actions.id", "ascend"], page([1], EntryBody(actions: [action, action])))
        let read = ReadDependency(block: samples.block(), revision: .zero)
        expectRefused(
            ["log_entry.reads", "ascend"], page([1], EntryBody(actions: [], reads: [read, read])))
    }

    @Test("what no encoder of ours makes of trees is refused with the name of the field")
    func handMade() {
        func reply(_ bytes: Bytes) -> String {
            do throws(DatabaseError) {
                return "decoded \(try Wire.decodeClientReply(bytes))"
            } catch {
                return error.message
            }
        }
        // tree_values (22) with a value and no flag; with a value where there is none.
        let value: Bytes = [0x0A, 1, 7]
        #expect(reply([0xB2, 1, 3] + value).contains("tree_values.present: 0 items, of exactly 1"))
        #expect(reply([0xB2, 1, 6] + value + [0x12, 1, 0]).contains("where there is no value"))
        // A flag may come unpacked.
        #expect(reply([0xB2, 1, 5] + value + [0x10, 1]).hasPrefix("decoded treeValues"))
        // tree_page (23) with a key and no value.
        #expect(reply([0xBA, 1, 3] + value).contains("tree_page.values: 0 items, of exactly 1"))
        // acted (21) without an outcome, and with one that nobody knows.
        #expect(reply([0xAA, 1, 2, 0x0A, 0]).contains("acted.outcome"))
        #expect(reply([0xAA, 1, 6, 0x0A, 0, 0x12, 2, 0x7A, 0]).contains("tree_outcome.outcome"))
        // action_status (14) with an outcome and no position.
        #expect(
            reply([0x72, 4, 0x22, 2, 0x0A, 0]).contains("action_status.position: is missing"))
    }

    @Test("no value and an empty one arrive as different things")
    func presence() throws {
        try expectKept([.treeValues(TreeValues(values: [nil, [], nil, [0]], asOf: .zero))])
        try expectKept([
            request(.tree(TreeAction(operations: [.put(key: [1], value: []), .delete(key: [1])]))),
            request(
                .tree(
                    TreeAction(
                        checks: [.value(key: [], nil), .value(key: [], TreeValueHash([]))],
                        operations: []))),
        ])
        let bounds = [nil, KeyBound([]), KeyBound([], isInclusive: false), KeyBound([0])]
        try expectKept(
            bounds.flatMap { lower in
                bounds.map { read(.count(KeyRange(lower: lower, upper: $0))) }
            })
    }

    @Test("what a decoder lets through has no problem of its own")
    func problems() throws {
        var samples = ModelSamples(seed: 22)
        for request in (0..<50).flatMap({ _ in samples.actionRequests() }) {
            guard case .act(let action) = try Wire.decodeClientRequest(Wire.encode(request)) else {
                Issue.record("not an action")
                continue
            }
            #expect(action.content.problem == nil)
            let logged = action.content.bytes
            #expect(try ActionContent(logged, kind: action.content.kind) == action.content)
        }
    }

    @Test("the greatest number of the smallest items fits the memory of its frame")
    func smallest() throws {
        let count = Limits.treeOperationCountMax
        let empty = Array(repeating: Bytes(), count: count)
        let keys = (0..<count).map(key)
        let checks: [TreeCheck] =
            keys.prefix(count / 2).map { .value(key: $0, nil) }
            + keys.suffix(count / 2).map { .value(key: $0, TreeValueHash($0)) }
        try expectKept([
            request(.tree(TreeAction(operations: keys.map { .put(key: $0, value: []) }))),
            request(.tree(TreeAction(operations: keys.map { .put(key: $0, value: $0) }))),
            request(.tree(TreeAction(operations: empty.map { .delete(key: $0) }))),
            request(.tree(TreeAction(operations: empty.map { .put(key: $0, value: []) }))),
            request(.tree(TreeAction(checks: checks, operations: keys.map { .delete(key: $0) }))),
            request(
                .tree(
                    TreeAction(
                        checks: empty.map { _ in .range(.all, TreeEntriesHash()) },
                        operations: empty.map { .delete(key: $0) }))),
            request(.queue(.enqueue(empty))), read(.values(empty)),
        ])
        let position = LogPosition(revision: Revision(1), index: 0)
        func acted(_ outcome: ActionOutcome) -> ClientReply {
            .acted(ActionLanding(position: position, outcome: outcome))
        }
        try expectKept([
            acted(.queue(.dequeued(empty))),
            acted(.tree(.applied(existed: Array(repeating: true, count: count)))),
            .treeValues(TreeValues(values: empty, asOf: .zero)),
            .treeValues(TreeValues(values: Array(repeating: nil, count: count), asOf: .zero)),
            .treePage(
                TreePage(
                    entries: keys.map { TreeEntry(key: $0, value: []) }, asOf: .zero,
                    isLast: true)),
            .treePage(
                TreePage(
                    entries: empty.map { TreeEntry(key: $0, value: []) }, asOf: .zero,
                    isLast: true)),
            .queueValues(QueueValues(values: empty, asOf: .zero)),
            .blocks(Array(repeating: nil, count: Limits.pageItemCountMax)),
        ])
    }

    @Test("a page of a log full of bodies fits, whatever they are full of")
    func fullLogPages() throws {
        var samples = ModelSamples(seed: 23)
        func page(_ bodies: [EntryBody]) -> ClientReply {
            let entries = bodies.enumerated().map { number, body in
                LogEntry(
                    revision: Revision(UInt64(number + 1)), payload: samples.payload(), body: body,
                    headerAfter: samples.header(), wallMilliseconds: .max)
            }
            return .logPage(
                LogPage(
                    entries: entries, revision: Revision(Limits.counterMax),
                    header: samples.header(), headerRevision: .zero, checkpoint: .zero,
                    shardCount: 1))
        }
        let actions = (0..<Limits.bodyActionCountMax).map { number in
            Action(
                id: ActionID(rawValue: Identifier128(UInt128(number))), bytes: [1], outcome: [1])
        }
        // The smallest actions: as many as a page has bytes for.
        let crowded = EntryBody(actions: actions)
        let count = Limits.pageBytesMax / crowded.canonicalBytes.count
        try expectKept([page(Array(repeating: crowded, count: count))])
        // The smallest entries with an action.
        let small = EntryBody(actions: [actions[0]])
        try expectKept([page(Array(repeating: small, count: Limits.pageItemCountMax))])
        // Single bodies as large as they may be: of blocks, of reads, of one great action.
        let touched = EntryBody(
            actions: [actions[0]],
            blocks: (0..<Limits.transformBlockCountMax).map { _ in
                TouchedBlock(
                    block: samples.block(), baseRevision: Revision(1),
                    basePayload: samples.payload(), transformHash: samples.digest(),
                    resultHash: samples.digest())
            })
        let reading = EntryBody(
            actions: [],
            reads: (0..<(Limits.bodyBytesMax - 24) / 40).map { _ in
                ReadDependency(block: samples.block(), revision: Revision(1))
            })
        let great = EntryBody(actions: [
            Action(
                id: samples.action(), bytes: bytes(Limits.actionBytesMax),
                outcome: bytes(Limits.actionBytesMax - 100))
        ])
        for body in [touched, reading, great] {
            #expect(body.canonicalBytes.count <= Limits.bodyBytesMax)
            try expectKept([page([body])])
        }
    }
}
