import BlockModel
import BlockRuntime
import BlockStorage
import Testing

@Suite("What a repository need not read again")
struct RecentRecordsTests {
    private static let keys = (0..<3).map {
        BlockKey(
            block: BlockID(content: [UInt8($0)]),
            incarnation: Incarnation(generation: 1, nonce: Identifier128(7)))
    }
    private static let payloads = (1...4).map {
        PayloadID(action: ActionID(rawValue: Identifier128(UInt128($0))), execution: 0)
    }
    private static let revisions = (1...6).map { Revision(UInt64($0)) }

    /// Everything that can be read of a few blocks.
    private struct Readings: Equatable {
        var pends: [PendRecord?] = []
        var loads: [PendLoad] = []
        var versions: [VersionRecord?] = []

        init(_ repository: StorageRepository) throws {
            for key in RecentRecordsTests.keys {
                for payload in RecentRecordsTests.payloads {
                    pends.append(try repository.pend(PendKey(key, payload: payload)))
                }
                loads.append(try repository.pendLoad(of: key))
                for revision in RecentRecordsTests.revisions {
                    versions.append(try repository.version(of: key, at: revision))
                    versions.append(try repository.newestVersion(of: key, through: revision))
                }
            }
        }
    }

    private func write(_ generator: inout SeededGenerator) -> PeerWrite {
        let key = Self.keys[generator.below(Self.keys.count)]
        let payload = Self.payloads[generator.below(Self.payloads.count)]
        let revision = Self.revisions[generator.below(Self.revisions.count)]
        let bytes = Bytes(repeating: UInt8(generator.below(256)), count: 1 + generator.below(200))
        switch generator.below(5) {
        case 0, 1:
            return .pend(
                PendKey(key, payload: payload),
                PendRecord(
                    transform: bytes, baseRevision: revision, basePayload: payload,
                    baseHash: .zero, resultHash: .zero, collection: CollectionID(name: "x"),
                    bound: [revision]))
        case 2: return .removePend(PendKey(key, payload: payload))
        default:
            return .version(
                key,
                VersionRecord(
                    revision: revision, payload: payload, baseRevision: .zero,
                    transform: bytes,
                    resultHash: Digest(domain: "test", bytes), content: .image(bytes)))
        }
    }

    /// With room for everything, and for so little that most is forgotten at once.
    @Test(
        "A repository with a memory reads as one without, also after a lost cycle and a restart",
        arguments: [1 << 20, 1200], 0..<12)
    func readsAlike(bytesMax: Int, seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let disks = [SimulatedDisk(), SimulatedDisk()]
        func open() throws -> [StorageRepository] {
            [
                try StorageRepository(engine: FaultEngine(on: disks[0]), recentBytesMax: bytesMax),
                try StorageRepository(engine: FaultEngine(on: disks[1]), recentBytesMax: 0),
            ]
        }
        var repositories = try open()
        var versionCount = 0
        for _ in 0..<120 {
            for _ in 0..<(1 + generator.below(4)) {
                let write = write(&generator)
                for repository in repositories { try repository.apply(write) }
            }
            #expect(try Readings(repositories[0]) == Readings(repositories[1]))
            switch generator.below(8) {
            case 0: for repository in repositories { repository.discardCycle() }
            case 1: repositories = try open()
            default: for repository in repositories { try repository.commitCycle() }
            }
            for repository in repositories { try repository.checkTotals() }
            let readings = try Readings(repositories[0])
            #expect(try readings == Readings(repositories[1]))
            versionCount = max(versionCount, readings.versions.count { $0 != nil })
        }
        #expect(versionCount > 5, "the worlds were empty: they prove nothing")
    }
}
