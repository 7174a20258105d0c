import BlockConsensus
import BlockMeasurement
import BlockModel
import BlockRuntime
import BlockStorage
import BlockStorageRocksDB

/// Versions of blocks on one storage peer: its rules, its repository, its real disk; no network.
struct StoreBenchmark {
    static let title =
        "versions of blocks of 4 KiB on one peer, RocksDB in the temporary directory"

    private static let blockCount = 1000
    private static let entriesPerBlock = 32
    private static let valueBytes = 112
    private static let singleCount = 300
    /// Writes of one block one after the other, and how many of them make a figure.
    private static let hotCount = 2000
    private static let hotSampleCount = 200
    private static let groupSize = 64
    private static let groupCount = 20
    private static let readCount = 20_000

    private static let single = Figure(
        "store.write.single", "pend and finalise, each a synced batch", unit: "versions/s")
    private static let grouped = Figure(
        "store.write.grouped", "the same, 64 blocks a batch", unit: "versions/s")
    private static let hotFirst = Figure(
        "store.write.hot.first", "one block again and again, 1st to 200th write",
        unit: "versions/s")
    private static let hotLast = Figure(
        "store.write.hot.last", "                           1801st to 2000th",
        unit: "versions/s")
    private static let read = Figure(
        "store.read", "read of the newest version, random block", unit: "blocks/s")

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() throws -> [MeasuredFigure] {
        var samples = SampleSet()
        for _ in 0..<setting.runs { try setting.withDirectory { try measure($0, &samples) } }
        return samples.measurements
    }

    private func measure(_ directory: String, _ samples: inout SampleSet) throws {
        let engine = try RocksDBEngine(at: SystemPath(directory + "/store"), creating: true)
        defer { engine.close() }
        var peer = try BenchPeer(
            StorageRepository(engine: engine), blockCount: StoreBenchmark.blockCount,
            entriesPerBlock: StoreBenchmark.entriesPerBlock, valueBytes: StoreBenchmark.valueBytes)
        try peer.createAll(groupSize: StoreBenchmark.groupSize)

        var generator = SeededGenerator(seed: 3)
        let singles = try (0..<StoreBenchmark.singleCount).map { _ in
            try peer.prepare([generator.below(StoreBenchmark.blockCount)])
        }
        samples.add(
            try setting.rate(of: singles.count) { for entry in singles { try peer.write(entry) } },
            to: StoreBenchmark.single)

        try measureHot(&peer, &samples)

        let all = Array(0..<StoreBenchmark.blockCount)
        let groups = try (0..<StoreBenchmark.groupCount).map { _ in
            try peer.prepare(
                Array(all.shuffled(using: &generator).prefix(StoreBenchmark.groupSize)))
        }
        samples.add(
            try setting.rate(of: StoreBenchmark.groupCount * StoreBenchmark.groupSize) {
                for entry in groups { try peer.write(entry) }
            }, to: StoreBenchmark.grouped)

        let reads = (0..<StoreBenchmark.readCount).map { _ in
            generator.below(StoreBenchmark.blockCount)
        }
        samples.add(
            try setting.rate(of: reads.count) { for block in reads { try peer.read(block) } },
            to: StoreBenchmark.read)
    }

    /// Whether a write costs more when its block has been written often.
    private func measureHot(_ peer: inout BenchPeer, _ samples: inout SampleSet) throws {
        let entries = try (0..<StoreBenchmark.hotCount).map { _ in try peer.prepare([0]) }
        let size = StoreBenchmark.hotSampleCount
        let rates = try stride(from: 0, to: entries.count, by: size).map { start in
            try setting.rate(of: size) {
                for entry in entries[start..<start + size] { try peer.write(entry) }
            }
        }
        samples.add(rates[0], to: StoreBenchmark.hotFirst)
        samples.add(rates[rates.count - 1], to: StoreBenchmark.hotLast)
    }
}

/// A storage peer's part in the life of some blocks, with what a proxy would know of them.
private struct BenchPeer {
    private static let items = BlockAttribute(1)

    private let repository: StorageRepository
    private let keys: [BlockKey]
    private let entriesPerBlock: Int
    private let valueBytes: Int
    /// The blocks as they are, and the write that made them so.
    private var blocks: [DigestedBlock]
    private var writes: [CommittedWrite?]
    private var revision = Revision.zero

    init(
        _ repository: StorageRepository, blockCount: Int, entriesPerBlock: Int, valueBytes: Int
    ) {
        self.repository = repository
        self.entriesPerBlock = entriesPerBlock
        self.valueBytes = valueBytes
        let collection = CollectionID(name: "bench")
        let incarnation = Incarnation(generation: 1, nonce: Identifier128(1))
        blocks = (0..<blockCount).map { number in
            let id = BlockID(content: Bytes("\(number)".utf8))
            let header = Block.Header(id: id, type: BlockType("TL"), collection: collection)
            var block = Block(header: header)
            block.assign(BenchPeer.items, .list([]))
            return DigestedBlock(block)
        }
        keys = blocks.map { BlockKey(block: $0.block.id, incarnation: incarnation) }
        writes = Array(repeating: nil, count: blockCount)
    }

    /// Gives every block its first version.
    mutating func createAll(groupSize: Int) throws {
        for start in stride(from: 0, to: blocks.count, by: groupSize) {
            try write(prepare(Array(start..<min(blocks.count, start + groupSize))))
        }
    }

    /// Makes the next entry: a change of each of these blocks. Entries are written in the order in
    /// which they were made.
    mutating func prepare(_ numbers: [Int]) throws -> [PendRequest] {
        revision = revision.next
        let payload = PayloadID(
            action: ActionID(rawValue: Identifier128(UInt128(revision.rawValue))), execution: 0)
        return try numbers.map { number in
            let pend = try change(number, by: payload)
            writes[number] = BenchPeer.write(of: pend)
            return pend
        }
    }

    /// All pends of the entry in one batch, all its versions in another.
    func write(_ entry: [PendRequest]) throws {
        for pend in entry { try perform(.pend(pend), on: pend.key) }
        try repository.commitCycle()
        for pend in entry {
            try perform(.finalise(pend.key, BenchPeer.write(of: pend)), on: pend.key)
        }
        try repository.commitCycle()
    }

    private static func write(of pend: PendRequest) -> CommittedWrite {
        CommittedWrite(
            revision: pend.target, payload: pend.payload, resultHash: pend.record.resultHash)
    }

    private mutating func change(_ number: Int, by payload: PayloadID) throws -> PendRequest {
        let before = writes[number]
        let baseHash = before == nil ? Digest.zero : blocks[number].digest
        let transform: BlockTransform
        if before == nil {
            let items = (0..<entriesPerBlock).flatMap { entry(UInt64($0), 0) }
            try blocks[number].apply(
                .splice(BenchPeer.items, index: 0, deleteCount: 0, inserted: items))
            transform = BlockTransform(insert: blocks[number].block)
        } else {
            let place = Int(revision.rawValue) % entriesPerBlock
            let change = BlockOperation.splice(
                BenchPeer.items, index: 2 * place, deleteCount: 2,
                inserted: entry(UInt64(place), revision.rawValue))
            try blocks[number].apply(change)
            transform = BlockTransform(updates: [change])
        }
        let record = PendRecord(
            transform: transform.canonicalBytes, baseRevision: before?.revision ?? .zero,
            basePayload: before?.payload, baseHash: baseHash, resultHash: blocks[number].digest,
            collection: CollectionID(name: "bench"), bound: [])
        return PendRequest(
            key: keys[number], payload: payload, target: revision, record: record)
    }

    private func entry(_ key: UInt64, _ seed: UInt64) -> [Bytes] {
        var generator = SeededGenerator(seed: seed << 8 | key)
        let value = (0..<valueBytes).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        return [Identifier128(UInt128(key)).bytes, value]
    }

    private func perform(_ operation: PeerRequest.Operation, on key: BlockKey) throws {
        var replica = BlockReplica(key, view: repository)
        switch try replica.answer(operation) {
        case .pended, .finalised: break
        case let other:
            throw DatabaseError(.internalError, "the peer answered \(other) to a plain write")
        }
        for write in replica.writes { try repository.apply(write) }
    }

    func read(_ number: Int) throws {
        var replica = BlockReplica(keys[number], view: repository)
        let request = BlockReadRequest(key: keys[number], revision: revision)
        guard case .block(let copy?) = try replica.read(request), copy.write == writes[number]
        else { throw DatabaseError(.internalError, "a block has not its newest version") }
    }
}
