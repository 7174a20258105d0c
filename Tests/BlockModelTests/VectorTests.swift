import BlockModel
import BlockRuntime
import ModelSamples
import Testing

/// A small diary with a known history, from which all vectors are taken.
private struct GoldenDiary {
    let name = "events"
    let incarnation = Incarnation(generation: 1, nonce: Identifier128(0x0F1E_2D3C_4B5A_6978))
    let header = CollectionHeader(kind: .diary, encoding: .json)
    var bodies: [EntryBody] = []
    var segments: [Segment] = []
    var tail: Tail

    /// 10 entries; the first 3 and the next 4 are sealed.
    init() {
        tail = Tail(
            name: name, incarnation: incarnation, header: header,
            createdBy: PayloadID(action: Self.action(0), execution: 0))
        for number in 1...10 {
            append(number)
            if number == 3 || number == 7 { seal() }
        }
        tail.settled = Revision(9)
        tail.checkpoint = Revision(4)
    }

    static func action(_ number: Int) -> ActionID {
        ActionID(rawValue: Identifier128(0xAC << 120 | UInt128(number)))
    }

    private mutating func append(_ number: Int) {
        let value = Bytes("{\"n\":\(number)}".utf8)
        let body = EntryBody(actions: [Action(id: Self.action(number), bytes: value)])
        bodies.append(body)
        let bytes = body.canonicalBytes
        let isStored = number == 9
        let entry = Entry(
            kind: .actions, revision: Revision(UInt64(number)),
            payload: PayloadID(action: Self.action(number), execution: 0),
            bodyHash: BlockID(content: bytes).digest,
            body: isStored ? .stored(byteCount: UInt32(bytes.count)) : .inline(bytes),
            checkpoint: number == 6 ? Revision(4) : nil,
            wallMilliseconds: 1_700_000_000_000 + UInt64(number), previousHash: tail.lastHash)
        tail.entries.append(entry)
        tail.revision = entry.revision
        tail.lastHash = entry.chainHash
    }

    private mutating func seal() {
        let segment = Segment(
            collection: tail.collection, incarnation: incarnation,
            index: UInt64(segments.count), headerBefore: header, entries: tail.entries,
            links: tail.segments)
        segments.append(segment)
        tail.segments = SegmentLinks.adding(
            SegmentLink(
                index: segment.index, hash: Segment.hash(of: segment.canonicalBytes),
                firstRevision: segment.firstRevision), to: tail.segments)
        tail.entries = []
    }
}

@Suite("Golden canonical vectors")
struct VectorTests {
    private func vector(
        _ type: String, _ bytes: Bytes, _ more: VectorFile.Vector = [:]
    ) -> VectorFile.Vector {
        more.merging(["type": type, "canonical": ByteText.hex(bytes)]) { first, _ in first }
    }

    private func hex(_ digest: Digest) -> String { ByteText.hex(digest.bytes) }

    @Test("ids are derived as Protos/vectors/ids.json says")
    func ids() throws {
        var vectors: [VectorFile.Vector] = []
        for name in ["events", "a\u{0}b", "日本語", String(repeating: "n", count: 256)] {
            let id = CollectionID(name: name)
            vectors.append([
                "type": "CollectionID", "name": ByteText.hex(name.utf8), "id": hex(id.digest),
                "base32": id.description,
            ])
        }
        for content in [Bytes(), Bytes("hello".utf8)] {
            vectors.append([
                "type": "content", "bytes": ByteText.hex(content),
                "id": hex(BlockID(content: content).digest),
                "registerValueHash": hex(RegisterRecord.hash(of: content)),
            ])
        }
        let diary = GoldenDiary()
        let action = GoldenDiary.action(1)
        let structural = BlockID(incarnation: diary.incarnation, action: action, counter: 7)
        vectors.append([
            "type": "structural", "incarnation": ByteText.hex(diary.incarnation.canonicalBytes),
            "action": ByteText.hex(action.canonicalBytes), "counter": "7",
            "id": hex(structural.digest),
        ])
        vectors.append([
            "type": "chainStart", "name": ByteText.hex(diary.name.utf8),
            "incarnation": ByteText.hex(diary.incarnation.canonicalBytes),
            "id": hex(Entry.initialHash(name: diary.name, incarnation: diary.incarnation)),
        ])
        let file = VectorFile(
            about: "Derivation of ids and hashes; all bytes in hex", vectors: vectors)
        #expect(try file.golden("ids") == file)
    }

    @Test("every type is encoded as Protos/vectors/canonical.json says")
    func canonical() throws {
        var samples = ModelSamples(seed: 42)
        var vectors: [VectorFile.Vector] = []
        for _ in 0..<3 {
            let entry = samples.entry(revision: Revision(9), previousHash: samples.digest())
            let body = samples.body()
            let segment = samples.segment()
            let tail = TailValue.live(samples.tail())
            let attempt = samples.attempt(participantCount: 3)
            vectors += [
                vector("Ballot", samples.ballot().canonicalBytes),
                vector("CollectionHeader", samples.header().canonicalBytes),
                vector("PayloadID", samples.payload().canonicalBytes),
                vector("Participant", samples.participant().canonicalBytes),
                vector("Attempt", attempt.canonicalBytes),
                vector("OpenDecision", samples.openDecision().canonicalBytes),
                vector("SegmentKey", samples.segmentKey().canonicalBytes),
                vector("SegmentLink", samples.segmentLink().canonicalBytes),
                vector("Intent", Intent(attempt: attempt, entry: entry).canonicalBytes),
                vector("Entry", entry.canonicalBytes, ["chainHash": hex(entry.chainHash)]),
                vector(
                    "EntryBody", body.canonicalBytes,
                    ["contentID": hex(BlockID(content: body.canonicalBytes).digest)]),
                vector(
                    "Segment", segment.canonicalBytes,
                    ["segmentHash": hex(Segment.hash(of: segment.canonicalBytes))]),
                vector(
                    "TailValue", tail.canonicalBytes,
                    ["registerValueHash": hex(RegisterRecord.hash(of: tail.registerBytes))]),
            ]
        }
        vectors += [
            vector("TailValue", TailValue.absent(generation: 0).canonicalBytes),
            vector("TailValue", TailValue.dropped(generation: 2).canonicalBytes),
        ]
        let file = VectorFile(
            about: "Canonical encodings, and the hash that each type is known by; in hex",
            vectors: vectors)
        #expect(try file.golden("canonical") == file)
    }

    @Test("the chain of Protos/vectors/diary.json hashes as it says")
    func diary() throws {
        let diary = GoldenDiary()
        diary.tail.checkInvariants()
        var vectors = [
            vector(
                "TailValue", TailValue.live(diary.tail).canonicalBytes,
                ["lastHash": hex(diary.tail.lastHash), "name": diary.name])
        ]
        for segment in diary.segments {
            let bytes = segment.canonicalBytes
            vectors.append(
                vector("Segment", bytes, ["segmentHash": hex(Segment.hash(of: bytes))]))
        }
        for body in diary.bodies {
            let bytes = body.canonicalBytes
            vectors.append(
                vector("EntryBody", bytes, ["contentID": hex(BlockID(content: bytes).digest)]))
        }
        let file = VectorFile(
            about: "A diary of 10 entries: its tail, its 2 sealed segments and all bodies; in hex",
            vectors: vectors)
        #expect(try file.golden("diary") == file)
    }
}
