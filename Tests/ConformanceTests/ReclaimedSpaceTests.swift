import BlockModel
import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import Foundation
import Testing

@Suite("Space on a real disk")
struct ReclaimedSpaceTests {
    private static func bytes(of directory: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: directory).reduce(0) { sum, name in
            guard name.hasSuffix(".sst") else { return sum }
            let file = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")
            return sum + (file[.size] as? Int ?? 0)
        }
    }

    /// Versions of one key as they pile up, each of `size` bytes that do not compress.
    private static func version(
        _ revision: UInt64, _ random: inout SeededGenerator, size: Int
    ) -> VersionRecord {
        let content = (0..<size).map { _ in UInt8(random.below(256)) }
        return VersionRecord(
            revision: Revision(revision),
            payload: PayloadID(action: ActionID(rawValue: Identifier128(1)), execution: 0),
            baseRevision: Revision(revision - 1), transform: content,
            resultHash: Digest(domain: "test", content), content: .transform(depth: 1))
    }

    @Test("Bytes on the disk go down when what was overwritten or dropped is removed")
    func removal() throws {
        let path = FileManager.default.temporaryDirectory.path + "/space-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let engine = try RocksDBEngine(at: SystemPath(path), creating: true)
        defer { engine.close() }
        let repository = try StorageRepository(engine: engine)
        var random = SeededGenerator(seed: 3)
        let key = BlockKey(
            block: BlockID(content: [1]),
            incarnation: Incarnation(generation: 1, nonce: Identifier128(2)))
        let count: UInt64 = 4000
        for revision in 1...count {
            try repository.apply(.version(key, Self.version(revision, &random, size: 500)))
            if revision % 500 == 0 { try repository.commitCycle() }
        }
        try engine.compact()
        let before = try Self.bytes(of: path)
        #expect(before > Int(count) * 400)
        #expect(repository.statistics.liveBytes > count * 400)

        for revision in 1..<count {
            try repository.apply(
                .removeVersion(VersionPosition(key: key, revision: Revision(revision))))
            if revision % 500 == 0 { try repository.commitCycle() }
        }
        try repository.commitCycle()
        #expect(repository.statistics.versionCount == 1)
        // In the background, and not more often than is worth it.
        try repository.reclaimSpace(now: .origin)
        var after = before
        for _ in 0..<200 where after > before / 10 {
            try repository.reclaimSpace(now: .origin)
            usleep(50_000)
            try engine.reclaimSpace()
            after = try Self.bytes(of: path)
        }
        #expect(after < before / 10)
        #expect(try repository.version(of: key, at: Revision(count))?.revision == Revision(count))
        #expect(try repository.newestVersion(of: key, through: Revision(count - 1)) == nil)
    }

    @Test("What is removed and written again in one cycle is there")
    func removedAndWritten() throws {
        let repository = try StorageRepository(engine: MemoryEngine())
        let content: Bytes = [1, 2, 3]
        let block = BlockID(content: content)
        try repository.apply(.content(block, content))
        try repository.commitCycle()
        try repository.apply(.removeContent(block))
        #expect(try repository.content(block) == nil)
        try repository.apply(.content(block, content))
        try repository.commitCycle()
        #expect(try repository.content(block) == content)
        #expect(repository.statistics.contentCount == 1)
        try repository.apply(.removeContent(block))
        try repository.commitCycle()
        #expect(try repository.content(block) == nil)
        #expect(repository.statistics.contentCount == 0)
    }

    @Test("Records of collections are walked in their order, page after page, none left out")
    func pages() throws {
        let repository = try StorageRepository(engine: MemoryEngine())
        var random = SeededGenerator(seed: 4)
        let life = CollectionLife(
            collection: CollectionID(name: "c"),
            incarnation: Incarnation(generation: 1, nonce: Identifier128(2)))
        for number in 1...UInt64(20) {
            let content: Bytes = [UInt8(number)]
            try repository.apply(.content(BlockID(content: content), content))
            try repository.apply(
                .contentOwner(
                    BlockID(content: content),
                    ContentOwner(life: life, target: Revision(number))))
            let key = BlockKey(block: BlockID(content: content), incarnation: life.incarnation)
            try repository.apply(.version(key, Self.version(number, &random, size: 10)))
            if number % 7 == 0 { try repository.commitCycle() }
        }
        let all = try repository.storedRecords(after: nil, through: nil, countMax: 1000)
        #expect(all.count == 40)
        var walked: [StoredRecord] = []
        while true {
            let page = try repository.storedRecords(
                after: walked.last?.place, through: nil, countMax: 3)
            walked += page
            if page.count < 3 { break }
        }
        #expect(walked == all)
        let through = try repository.storedRecords(
            after: all[4].place, through: all[30].place, countMax: 1000)
        #expect(through == Array(all[5...30]))
        let owner = try repository.contentOwner(
            of: BlockID(content: [7]), in: life.incarnation)
        #expect(owner == ContentOwner(life: life, target: Revision(7)))
    }
}
