import BlockModel
import BlockRuntime
import BlockStorage

/// Values that the storage tests write. Equal numbers give equal values.
enum Sample {
    static func collection(_ number: Int) -> CollectionID { CollectionID(name: "c\(number)") }

    static func ballot(_ counter: UInt64) -> Ballot {
        Ballot(epoch: .first, counter: counter, proposer: ProposerID(rawValue: Identifier128(9)))
    }

    static func record(_ counter: UInt64, bytes: Int = 20) -> RegisterRecord {
        RegisterRecord(
            promised: ballot(counter), accepted: ballot(counter),
            value: Bytes(repeating: UInt8(counter & 255), count: bytes))
    }

    static func content(_ number: Int) -> Bytes { Bytes("content \(number)".utf8) }

    static func contentWrite(_ number: Int) -> PeerWrite {
        .content(BlockID(content: content(number)), content(number))
    }

    /// Two contents with one index are two segments whose keys differ by the hash alone.
    static func segmentKey(index: UInt64, _ bytes: Bytes) -> SegmentKey {
        SegmentKey(
            collection: collection(1),
            incarnation: Incarnation(generation: 1, nonce: Identifier128(5)), index: index,
            hash: Segment.hash(of: bytes))
    }

    static func segmentWrite(index: UInt64, _ text: String) -> PeerWrite {
        let bytes = Bytes(text.utf8)
        return .segment(segmentKey(index: index, bytes), bytes)
    }

    static let peer = PeerID(rawValue: Identifier128(77))
}

extension FaultEngine {
    /// A new process on `disk`, without faults unless a plan says so.
    convenience init(on disk: SimulatedDisk, plan: FaultPlan = FaultPlan(), seed: UInt64 = 1) {
        self.init(disk: disk, plan: plan, generator: SeededGenerator(seed: seed))
    }
}

extension StorageRepository {
    /// Stages the writes and commits them as one cycle.
    func commit(_ writes: PeerWrite...) throws {
        for write in writes { try apply(write) }
        try commitCycle()
    }
}
