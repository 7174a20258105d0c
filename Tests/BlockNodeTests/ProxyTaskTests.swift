import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import Testing

/// Reads through a proxy, of what is large and of what is gone.
@Suite("Tasks of a proxy")
struct ProxyTaskTests {
    private static let name = "tree"

    private func open(
        _ world: inout CrashWorld, _ token: UInt64, at proxy: Int = 0,
        after generation: UInt64 = 0
    ) throws -> CollectionInfo {
        let open = OpenCollection(
            name: Self.name, kind: .tree, encoding: .bytes,
            creation: Creation(
                action: ActionID(rawValue: Identifier128(UInt128(token))), generation: generation),
            capacity: 4)
        world.ask(proxy, token, .openCollection(open), for: .seconds(5))
        try world.run(for: .seconds(5)) { $0.answers[token] != nil }
        guard case .collection(let info)? = world.answers[token] else {
            throw DatabaseError(.internalError, "not opened: \(world.answers)")
        }
        return info
    }

    private func put(
        _ world: inout CrashWorld, _ token: UInt64, _ info: CollectionInfo,
        _ entries: [(UInt8, Bytes)]
    ) throws {
        let action = TreeAction(operations: entries.map { .put(key: [$0.0], value: $0.1) })
        let request = ActionRequest(
            collection: info.collection, incarnation: info.incarnation,
            action: ActionID(rawValue: Identifier128(UInt128(token))),
            firstRevision: info.revision, content: .tree(action))
        world.ask(0, token, .act(request), for: .seconds(5))
        try world.run(for: .seconds(1))
        guard case .acted? = world.answers[token] else {
            throw DatabaseError(.internalError, "not put: \(world.answers)")
        }
    }

    private func values(
        _ world: inout CrashWorld, _ token: UInt64, _ info: CollectionInfo, asOf: UInt64,
        at proxy: Int
    ) throws -> ClientReply? {
        let read = TreeReadRequest(
            collection: info.collection, incarnation: info.incarnation, asOf: Revision(asOf),
            query: .values([[1]]))
        world.ask(proxy, token, .readTree(read), for: .seconds(2))
        try world.run(for: .seconds(3)) { $0.answers[token] != nil }
        return world.answers[token]
    }

    @Test("Blocks that together do not fit a reply are refused, with the limit and what to do")
    func blockReply() throws {
        var world = try CrashWorld()
        let info = try open(&world, 1)
        let value = Bytes(repeating: 7, count: 60_000)
        try put(&world, 2, info, [(1, value), (2, value), (3, value)])
        let log = LogReadRequest(
            collection: info.collection, incarnation: info.incarnation, after: .zero)
        world.ask(0, 3, .readLog(log), for: .seconds(5))
        try world.run(for: .seconds(1))
        guard case .logPage(let page)? = world.answers[3] else {
            Issue.record("\(world.answers)")
            return
        }
        let header = BlockID(info.collection.digest)
        let leaf = try #require(page.entries.last?.body.blocks.first { $0.block != header })
        // Each revision of it is a block of its own.
        for number in 4...33 as ClosedRange<UInt64> {
            try put(&world, number, info, [(1, [UInt8(number)])])
        }
        func ask(_ count: Int) throws -> ClientReply? {
            let requests = (0..<count).map {
                BlockReadRequest(
                    key: BlockKey(block: leaf.block, incarnation: info.incarnation),
                    revision: Revision(UInt64($0 % 30) + 1))
            }
            let token = UInt64(100 + count)
            world.ask(0, token, .readBlocks(requests), for: .seconds(5))
            try world.run(for: .seconds(1))
            return world.answers[token]
        }
        // Some 120 000 bytes each.
        for count in [1, 2, 30] {
            guard case .blocks(let copies)? = try ask(count) else {
                Issue.record("\(count): no blocks")
                continue
            }
            let bytes = copies.reduce(0) { $0 + ($1?.bytes?.count ?? 0) }
            #expect(copies.count == count && bytes <= Limits.blockReplyBytesMax)
            #expect(bytes > count * 120_000)
        }
        guard case .failed(let error)? = try ask(60) else {
            Issue.record("sixty large blocks fit a reply")
            return
        }
        #expect(error.code == .valueTooLarge)
        #expect(error.message.contains("blockReplyBytesMax = \(Limits.blockReplyBytesMax)"))
        #expect(error.message.contains("fewer at a time"))
    }

    @Test("A proxy that writes more collections than it follows leaves nothing that is not final")
    func manyWriters() throws {
        var world = try CrashWorld()
        let count = UInt64(Limits.writerCountMax) + 40
        for number in 1...count {
            let open = OpenCollection(
                name: "tree \(number)", kind: .tree, encoding: .bytes,
                creation:
                    Creation(
                        action: ActionID(rawValue: Identifier128(UInt128(number))), generation: 0))
            world.ask(0, number, .openCollection(open), for: .seconds(5))
            try world.run(for: .seconds(1)) { $0.answers[number] != nil }
            guard case .collection(let info)? = world.answers[number] else {
                Issue.record("\(number) was not opened")
                return
            }
            let put = TreeAction(operations: [.put(key: [1], value: [1])])
            let request = ActionRequest(
                collection: info.collection, incarnation: info.incarnation,
                action: ActionID(rawValue: Identifier128(UInt128(1000 + number))),
                firstRevision: .zero, content: .tree(put))
            world.ask(0, 1000 + number, .act(request), for: .seconds(5))
            try world.run(for: .seconds(1)) { $0.answers[1000 + number] != nil }
        }
        let landed = world.answers.values.count { if case .acted = $0 { true } else { false } }
        #expect(landed == Int(count))
        // No walk over pends: the proxy has seen to it, though it forgot some of the writers.
        try world.run(for: .seconds(1))
        #expect(world.repositories.values.allSatisfy { $0.statistics.pendCount == 0 })
    }

    @Test("What is read as of a revision of a life that is over never comes from the life after it")
    func droppedLife() throws {
        var world = try CrashWorld()
        let first = try open(&world, 1)
        try put(&world, 2, first, [(1, [11])])
        let old = TreeValues(values: [[11]], asOf: Revision(1))
        #expect(try values(&world, 3, first, asOf: 1, at: 0) == .treeValues(old))
        world.ask(
            1, 4, .dropCollection(CrashWorld.drop(Self.name, first.incarnation)), for: .seconds(5))
        try world.run(for: .seconds(1))
        #expect(world.answers[4] == .dropped)
        /// A proxy that knows the old life may still tell it; one that looks finds it gone.
        func isHonest(_ reply: ClientReply?) -> Bool {
            if case .failed(let error)? = reply { return error.code == .collectionNotFound }
            return reply == .treeValues(old)
        }
        for proxy in 0..<2 {
            let reply = try values(&world, 5 + UInt64(proxy), first, asOf: 1, at: proxy)
            #expect(isHonest(reply))
        }
        let second = try open(&world, 7, at: 1, after: 1)
        #expect(second.incarnation != first.incarnation)
        try put(&world, 20, second, [(1, [22])])
        let new = TreeValues(values: [[22]], asOf: Revision(1))
        #expect(try values(&world, 21, second, asOf: 1, at: 1) == .treeValues(new))
        for proxy in 0..<2 {
            let reply = try values(&world, 30 + UInt64(proxy), first, asOf: 1, at: proxy)
            #expect(isHonest(reply))
            if proxy == 1 { #expect(reply != .treeValues(old), "it knows the new life only") }
        }
        // Far ahead of what the old life ever had, too.
        guard case .failed? = try values(&world, 40, first, asOf: 9, at: 1) else {
            Issue.record("a revision that never was")
            return
        }
    }
}
