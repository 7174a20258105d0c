import BlockModel
import BlockRuntime
import BlockStructures
import BlockTransactions
import Testing

/// A reader that has nothing at hand, and a cache that keeps nothing.
@Suite("Cold reads of a tree") struct ColdTreeReadTests {
    private static let entryCount = 3000

    private static func key(_ number: Int) -> Bytes { [UInt8(number >> 8), UInt8(number & 255)] }

    /// Entries 0, 1, 2 … in nodes of at most four.
    private static func scene() throws -> TreeScene {
        var scene = TreeScene(proxyCount: 1)
        for first in stride(from: 0, to: entryCount, by: 200) {
            let operations = (first..<first + 200).map {
                TreeOperation.put(key: key($0), value: [UInt8($0 & 255)])
            }
            try scene.run(UInt64(first) + 1, TreeAction(operations: operations))
        }
        return scene
    }

    /// What a read took.
    private struct Cost {
        var roundCount = 0
        var fetchCount = 0
        var heldMost = 0
    }

    /// Runs a read until nothing is missing. `step` may say what is not needed any more.
    private static func read<Answer>(
        _ scene: TreeScene, _ step: (CollectionSnapshot, inout [BlockID]) throws -> Answer
    ) throws -> (answer: Answer, cost: Cost) {
        let tail = scene.store.log.tail
        var history: BlockHistory?
        try BlockHistory.catchUp(
            &history, to: tail, source: try FetchedObjects.everything(of: scene.store.log))
        let known = try #require(history)
        let cache = SharedBlockCache(byteCountMax: 0)
        var held: [FetchedBlock.Key: FetchedBlock] = [:]
        var cost = Cost()
        while true {
            let snapshot = CollectionSnapshot(
                history: known, revision: tail.revision, cache: cache, fetched: held)
            var passed: [BlockID] = []
            do {
                return (try step(snapshot, &passed), cost)
            } catch let missing as MissingBlocks {
                for block in passed {
                    let key = BlockKey(block: block, incarnation: tail.incarnation)
                    let request = BlockReadRequest(key: key, revision: tail.revision)
                    held[FetchedBlock.Key(request)] = nil
                }
                #expect(Set(missing.ids).count == missing.ids.count)
                let things = try scene.store.fetch(
                    snapshot.requests(for: missing.ids, of: tail.collection).map { .block($0) })
                held.merge(things.blocks) { _, new in new }
                cost.roundCount += 1
                cost.fetchCount += missing.ids.count
                cost.heldMost = max(cost.heldMost, held.count)
                try #require(cost.roundCount < 1000, "it does not get further")
            }
        }
    }

    private static func answer(
        _ scene: TreeScene, _ query: TreeQuery
    ) throws -> (ClientReply, Cost) {
        let tail = scene.store.log.tail
        var count: TreeCount?
        return try read(scene) { snapshot, passed in
            defer { passed = count?.passed ?? [] }
            return try StructureReader.answer(
                query, of: snapshot, header: tail.header, collection: tail.collection,
                incarnation: tail.incarnation, count: &count)
        }
    }

    @Test("A page of any length takes few rounds and reads little that it does not need")
    func pages() throws {
        let scene = try Self.scene()
        for direction in [ReadDirection.forward, .backward] {
            for count in [1, 10, 100, 1000, Self.entryCount] {
                let query = TreeQuery.range(
                    .all, direction, bytesMax: 1 << 20, countMax: UInt32(count))
                let (reply, cost) = try Self.answer(scene, query)
                guard case .treePage(let page) = reply else {
                    Issue.record("\(reply)")
                    return
                }
                let all = (0..<Self.entryCount).map { Self.key($0) }
                let expected = direction == .forward ? all : all.reversed()
                #expect(page.entries.map(\.key) == Array(expected.prefix(count)))
                // Nodes of two at least: a leaf for two entries, and as many branches above them.
                #expect(cost.fetchCount <= 3 * count + 40, "\(count): \(cost)")
                #expect(cost.roundCount <= 20 + count / 20, "\(count): \(cost)")
            }
        }
    }

    @Test("A read of a range asks for nothing outside of it")
    func bounds() throws {
        let scene = try Self.scene()
        let range = KeyRange(
            lower: KeyBound(Self.key(1000)), upper: KeyBound(Self.key(1040), isInclusive: false))
        for direction in [ReadDirection.forward, .backward] {
            let query = TreeQuery.range(range, direction, bytesMax: 1 << 20, countMax: 4096)
            let (reply, cost) = try Self.answer(scene, query)
            guard case .treePage(let page) = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(page.entries.count == 40 && page.isLast)
            #expect(cost.fetchCount <= 70, "\(cost)")
        }
    }

    @Test("An action that depends on a whole range takes few rounds too")
    func rangeCheck() throws {
        var scene = try Self.scene()
        scene.proxies[0].writer = CollectionWriter(
            collection: scene.store.log.tail.collection, shardCount: 16)
        scene.proxies[0].cache = SharedBlockCache(byteCountMax: 0)
        scene.proxies[0].history = nil
        let range = KeyRange(
            lower: KeyBound(Self.key(1000)), upper: KeyBound(Self.key(1400), isInclusive: false))
        let entries = (1000..<1400).map { TreeEntry(key: Self.key($0), value: [UInt8($0 & 255)]) }
        let action = TreeAction(
            checks: [.range(range, TreeEntriesHash(entries))],
            operations: [.put(key: Self.key(1000), value: [9])])
        try scene.act(9000, action)
        try scene.readTail(of: 0)
        var roundCount = 0
        while !scene.proxies[0].fetches.isEmpty {
            roundCount += 1
            try scene.fetch(for: 0)
        }
        // The bodies of the log, and some 400 nodes.
        #expect(roundCount <= 45)
        try scene.answer()
        guard case .acted(let landing)? = scene.answers[9000]?.first else {
            Issue.record("\(scene.answers)")
            return
        }
        #expect(landing.outcome == .tree(.applied(existed: [true])))
    }

    @Test("A count reads every node once and holds few of them at a time")
    func count() throws {
        let scene = try Self.scene()
        let tail = scene.store.log.tail
        let ranges: [(KeyRange, Int)] = [
            (.all, Self.entryCount), (KeyRange(lower: KeyBound(Self.key(2999))), 1),
            (KeyRange(lower: KeyBound(Self.key(5)), upper: KeyBound(Self.key(2005))), 2001),
            (KeyRange(lower: KeyBound(Self.key(3000))), 0),
        ]
        var nodeCount = 0
        for (range, count) in ranges {
            let (reply, cost) = try Self.answer(scene, .count(range))
            #expect(reply == .count(UInt64(count), asOf: tail.revision))
            #expect(cost.roundCount <= 20 + count / 20, "\(cost)")
            // Leaves and nodes asked for ahead, and the branches above them at two children each.
            #expect(cost.heldMost <= 4 * Limits.missingBlockCountMax, "\(cost)")
            if range == .all { nodeCount = cost.fetchCount }
            #expect(cost.fetchCount <= nodeCount)
        }
        // A page of everything holds every node at the end; none is fetched twice either way.
        let whole = TreeQuery.range(
            .all, .forward, bytesMax: 1 << 20, countMax: UInt32(Self.entryCount))
        let cost = try Self.answer(scene, whole).1
        #expect(cost.heldMost == cost.fetchCount)
        #expect(nodeCount == cost.fetchCount && nodeCount > 1000, "\(nodeCount), \(cost)")
    }
}
