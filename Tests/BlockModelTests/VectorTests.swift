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
            createdBy: Self.action(0))
        for number in 1...10 {
            append(number)
            if number == 3 || number == 7 { seal() }
        }
        tail.settled = Revision(9)
        tail.checkpoint = Checkpoint(Revision(4))
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
            checkpoint: number == 6 ? Checkpoint(Revision(4)) : nil,
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
                vector("Intent", samples.intent(after: samples.tail()).canonicalBytes),
                vector("AttemptAnchor", attempt.anchor.canonicalBytes),
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
            vector(
                "TailValue",
                TailValue.dropped(
                    EndedLife(
                        incarnation: Incarnation(generation: 2, nonce: Identifier128(7)),
                        createdBy: GoldenDiary.action(1), droppedBy: GoldenDiary.action(2))
                ).canonicalBytes),
        ]
        vectors += structures(&samples)
        let file = VectorFile(
            about: "Canonical encodings, and the hash that each type is known by; in hex",
            vectors: vectors)
        #expect(try file.golden("canonical") == file)
    }

    /// What the log keeps of trees and queues, and the hashes that checks compare.
    private func structures(_ samples: inout ModelSamples) -> [VectorFile.Vector] {
        var vectors: [VectorFile.Vector] = []
        for _ in 0..<3 {
            vectors.append(vector("TreeAction", samples.treeAction().canonicalBytes))
            vectors += samples.treeOutcomes().map { vector("TreeOutcome", $0.canonicalBytes) }
            vectors += samples.queueActions().map { vector("QueueAction", $0.canonicalBytes) }
            vectors += samples.queueOutcomes().map { vector("QueueOutcome", $0.canonicalBytes) }
        }
        let entries = [
            TreeEntry(key: [], value: Bytes("first".utf8)),
            TreeEntry(key: Bytes("b".utf8), value: []),
            TreeEntry(key: Bytes("c".utf8), value: Bytes("third".utf8)),
        ]
        for count in 0...entries.count {
            let range = entries[..<count]
            let check = TreeCheck.range(.all, TreeEntriesHash(range))
            let values = range.map { TreeCheck.value(key: $0.key, TreeValueHash($0.value)) }
            let action = TreeAction(
                checks: [check] + values,
                operations: range.map { .put(key: $0.key, value: $0.value) })
            vectors.append(
                vector(
                    "TreeAction", action.canonicalBytes,
                    ["entriesHash": hex(TreeEntriesHash(range).digest)]))
        }
        return vectors
    }

    @Test("blocks, changes of them and what comes of it are as Protos/vectors/blocks.json says")
    func blocks() throws {
        var samples = BlockSamples(generator: SeededGenerator(seed: 42))
        let id = BlockSamples.id(1)
        var vectors: [VectorFile.Vector] = []
        // Items within the bound of those that are hashed in place, and one beyond it.
        var made = BlockTests.block([[], [1, 2, 3], Bytes(repeating: 7, count: 64)])
        for bytes in [nil, Bytes(repeating: 9, count: 65)] {
            if let bytes { made.assign(BlockTests.second, .bytes(bytes)) }
            vectors.append(vector("Block", made.canonicalBytes, ["digest": hex(made.digest)]))
        }
        for _ in 0..<12 {
            let base = samples.generator.chance(1, in: 4) ? nil : samples.block(id)
            let transform = try samples.transform(of: id, on: base)
            if let base {
                vectors.append(vector("Block", base.canonicalBytes, ["digest": hex(base.digest)]))
            }
            let result = try transform.applied(to: base)
            // No bytes stand for no block.
            vectors.append(
                vector(
                    "BlockTransform", transform.canonicalBytes,
                    [
                        "digest": hex(transform.digest),
                        "base": ByteText.hex(base?.canonicalBytes ?? []),
                        "result": ByteText.hex(result?.canonicalBytes ?? []),
                        "resultHash": hex(result?.digest ?? .zero),
                    ]))
        }
        #expect(Set(vectors.map { $0["type"] }) == ["Block", "BlockTransform"])
        let file = VectorFile(
            about: "Blocks and changes of blocks, with their digests, and what each change makes "
                + "of its base; in hex", vectors: vectors)
        #expect(try file.golden("blocks") == file)
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
