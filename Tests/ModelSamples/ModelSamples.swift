import BlockModel
import BlockRuntime

/// Consistent values of the model, drawn from a seed: ordinary, empty, maximal and awkward ones.
package struct ModelSamples {
    package var random: SeededGenerator

    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Up to `countMax` bytes; often none, sometimes all zero or 255, now and then the maximum.
    package mutating func bytes(countMax: Int) -> Bytes {
        switch random.below(8) {
        case 0: return []
        case 1: return Bytes(repeating: 0, count: random.below(min(countMax, 64) + 1))
        case 2: return Bytes(repeating: 255, count: random.below(min(countMax, 64) + 1))
        case 3 where random.chance(1, in: 8): return Bytes(repeating: 7, count: countMax)
        default:
            let count = random.below(min(countMax, 200) + 1)
            return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
    }

    /// A number with the awkward ones preferred.
    package mutating func counter() -> UInt64 {
        switch random.below(6) {
        case 0: 0
        case 1: Limits.counterMax
        case 2: 127
        case 3: 128
        default: random.next() >> (2 + UInt64(random.below(62)))
        }
    }

    package mutating func uint32() -> UInt32 {
        random.chance(1, in: 4) ? .max : UInt32(truncatingIfNeeded: random.next())
    }

    package mutating func uint64() -> UInt64 { random.chance(1, in: 4) ? .max : random.next() }

    /// 1 to 256 bytes of UTF-8, zero characters and combining marks among them.
    package mutating func name() -> String {
        let names = [
            "events", "x", "a\u{0}b", "\u{0}", "ação", "e\u{301}", "日本語", "👩‍👩‍👧", " ", "a/b",
            String(repeating: "n", count: Limits.nameBytesMax),
        ]
        return names[random.below(names.count)]
    }

    package mutating func identifier() -> Identifier128 {
        switch random.below(8) {
        case 0: .zero
        case 1: Identifier128(.max)
        default: random.identifier()
        }
    }

    package mutating func digest() -> Digest {
        let bytes = (0..<Digest.byteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return Digest(bytes) ?? .zero
    }

    package mutating func collection() -> CollectionID { CollectionID(digest()) }
    package mutating func block() -> BlockID { BlockID(digest()) }
    package mutating func revision() -> Revision { Revision(counter()) }
    package mutating func action() -> ActionID { ActionID(rawValue: identifier()) }
    package mutating func peer() -> PeerID { PeerID(rawValue: identifier()) }

    package mutating func incarnation() -> Incarnation {
        Incarnation(generation: max(1, counter()), nonce: identifier())
    }

    package mutating func payload() -> PayloadID {
        PayloadID(action: action(), execution: uint32())
    }

    package mutating func ballot() -> Ballot {
        if random.chance(1, in: 8) { return .zero }
        return Ballot(
            epoch: Epoch(uint32()), counter: counter(),
            proposer: ProposerID(rawValue: identifier()))
    }

    package mutating func header() -> CollectionHeader {
        CollectionHeader(
            kind: CollectionKind.allCases[random.below(CollectionKind.allCases.count)],
            encoding: ValueEncoding.allCases[random.below(ValueEncoding.allCases.count)],
            keyType: keyType(), capacity: uint32(), root: random.chance(1, in: 2) ? block() : nil)
    }

    package mutating func keyType() -> KeyType? {
        let types = [
            nil, String.keyType, Bytes.keyType, Int.keyType, UInt16?.keyType, "date", "custom",
            KeyTriple<String, Double?, KeyPair<Identifier128, Bool>>.keyType, "custom:order-7",
            KeyType.tuple(Array(repeating: Int64.keyType, count: 18)),
        ]
        return types[random.below(types.count)]
    }

    package mutating func participant() -> Participant {
        Participant(
            collection: collection(), incarnation: incarnation(), target: revision(),
            role: random.chance(1, in: 3) ? .reads : .writes)
    }

    package mutating func anchor() -> AttemptAnchor {
        AttemptAnchor(attempt: digest(), home: participant())
    }

    package mutating func segmentKey() -> SegmentKey {
        SegmentKey(
            collection: collection(), incarnation: incarnation(), index: counter(), hash: digest())
    }

    package mutating func segmentLink() -> SegmentLink {
        SegmentLink(index: counter(), hash: digest(), firstRevision: revision())
    }

    package mutating func attempt(participantCount: Int) -> Attempt {
        let participants = (0..<participantCount).map { _ in participant() }
        return Attempt(
            payload: payload(), home: participants[random.below(participantCount)].collection,
            participants: participants)
    }

    package mutating func openDecision(at target: Revision? = nil) -> OpenDecision {
        OpenDecision(attempt: digest(), target: target ?? revision())
    }

    /// An intent of an entry that comes next.
    package mutating func intent(after tail: Tail) -> Intent {
        var entry = entry(revision: tail.revision.next, previousHash: tail.lastHash)
        entry.participants = [participant(), participant()].sorted()
        entry.home = entry.participants[0].collection
        return Intent(entry: entry) ?? intent(after: tail)
    }

    package mutating func body() -> EntryBody {
        EntryBody(
            actions: (0..<random.below(5)).map { _ in
                Action(
                    id: ActionID(rawValue: random.identifier()), bytes: bytes(countMax: 2000),
                    outcome: bytes(countMax: 40))
            },
            blocks: (0..<random.below(3)).map { _ in
                TouchedBlock(
                    block: block(), baseRevision: revision(),
                    basePayload: random.chance(1, in: 2) ? payload() : nil,
                    transformHash: digest(), resultHash: digest())
            },
            reads: (0..<random.below(3)).map { _ in
                ReadDependency(block: block(), revision: revision())
            },
            records: (0..<random.below(3)).map { _ in transactionRecord() })
    }

    package mutating func transactionRecord() -> TransactionRecord {
        TransactionRecord(
            action: ActionID(rawValue: random.identifier()), source: transactionSource(),
            hash: digest())
    }

    package mutating func transactionSource() -> TransactionSource {
        let isOfEngine = random.chance(1, in: 2)
        return TransactionSource(
            stamp: TransactionStamp(
                client: random.identifier(),
                engine: isOfEngine
                    ? EngineName(Array("bank-\(random.below(9))@1.2".utf8)) ?? .actions : .actions,
                schema: isOfEngine ? digest() : .zero, milliseconds: UInt64(random.below(1 << 40)),
                expiry: UInt64(random.below(1 << 40))),
            statements: isOfEngine ? (0..<random.below(3)).map { _ in bytes(countMax: 20) } : [],
            reads: (0..<random.below(3)).map { _ in
                ReadCollection(collection: collection(), revision: revision())
            })
    }

    /// A checkpoint, mostly with nothing left behind.
    package mutating func checkpoint(_ revision: Revision? = nil) -> Checkpoint {
        let end = revision ?? self.revision()
        guard random.chance(1, in: 3), end.rawValue > 2 else { return Checkpoint(end) }
        let shards = Set((0..<1 + random.below(4)).map { _ in UInt32(random.below(16)) }).sorted()
        let lagging = shards.map { shard in
            let last = 1 + UInt64(random.below(Int(clamping: min(end.rawValue, 1 << 40))))
            return LaggingShard(
                shard: ShardID(rawValue: shard), of: 16,
                checkpoint: Revision(UInt64(random.below(Int(last)))), last: Revision(last))
        }
        return Checkpoint(end, lagging: lagging)
    }

    /// An entry; `previousHash` is what chains it.
    package mutating func entry(revision: Revision, previousHash: Digest) -> Entry {
        let content = bytes(countMax: Limits.inlineBodyBytesMax)
        let isInline = random.chance(2, in: 3)
        let participants = random.chance(1, in: 4) ? [participant(), participant()].sorted() : []
        return Entry(
            kind: EntryKind.allCases[random.below(EntryKind.allCases.count)], revision: revision,
            payload: payload(), bodyHash: BlockID(content: content).digest,
            body: isInline
                ? .inline(content) : .stored(byteCount: UInt32(random.below(Limits.bodyBytesMax))),
            headerAfter: random.chance(1, in: 4) ? header() : nil,
            home: participants.first?.collection, participants: participants,
            checkpoint: random.chance(1, in: 4) ? checkpoint() : nil,
            isFused: random.chance(1, in: 2), wallMilliseconds: uint64(),
            previousHash: previousHash)
    }

    /// `count` entries from `first` on, chained from `hash`.
    package mutating func chain(
        count: Int, from first: Revision, after hash: Digest
    ) -> [Entry] {
        var entries: [Entry] = []
        var previous = hash
        for offset in 0..<UInt64(count) {
            let entry = entry(revision: Revision(first.rawValue + offset), previousHash: previous)
            previous = entry.chainHash
            entries.append(entry)
        }
        return entries
    }

    package mutating func segment() -> Segment {
        let (frontier, next) = frontier(segmentCount: random.below(40))
        return Segment(
            collection: collection(), incarnation: incarnation(),
            index: frontier.first.map { $0.index + 1 } ?? 0, headerBefore: header(),
            entries: chain(count: 1 + random.below(6), from: next, after: digest()),
            links: frontier)
    }

    /// The frontier after so many segments, and the first revision above them.
    package mutating func frontier(
        segmentCount: Int
    ) -> (links: [SegmentLink], next: Revision) {
        var links: [SegmentLink] = []
        var next = Revision(1)
        for index in 0..<UInt64(segmentCount) {
            let link = SegmentLink(index: index, hash: digest(), firstRevision: next)
            links = SegmentLinks.adding(link, to: links)
            next = Revision(next.rawValue + 1 + UInt64(random.below(Limits.segmentEntryCountMax)))
        }
        return (links, next)
    }

    /// A live tail within its limits.
    package mutating func tail() -> Tail {
        var tail = Tail(
            name: name(), incarnation: incarnation(), header: header(), createdBy: action())
        let (links, next) = frontier(segmentCount: random.below(20))
        let hash = links.isEmpty ? tail.lastHash : digest()
        let count = random.below(random.chance(1, in: 8) ? Limits.segmentEntryCountMax + 1 : 5)
        tail.segments = links
        tail.entries = chain(count: count, from: next, after: hash)
        tail.revision = tail.entries.last?.revision ?? next.previous
        tail.lastHash = tail.entries.last?.chainHash ?? hash
        tail.headerAtOpen = header()
        if random.chance(1, in: 4) {
            tail.exclusiveIntent = intent(after: tail)
        } else {
            tail.sharedIntents = (0..<random.below(3)).map { _ in anchor() }.sorted()
        }
        tail.aborted = (0..<random.below(3)).map { _ in digest() }.sorted()
        let decisionCount = min(UInt64(random.below(3)), tail.revision.rawValue)
        tail.openDecisions = (0..<decisionCount).map {
            openDecision(at: Revision(tail.revision.rawValue - decisionCount + $0 + 1))
        }
        tail.settled = tail.revision.previous
        tail.checkpoint = Checkpoint(tail.revision.previous.previous)
        tail.truncatedThrough = tail.checkpoint.revision.previous
        tail.retention = random.chance(1, in: 3) ? .last(1 + UInt64(random.below(1000))) : .all
        if random.chance(1, in: 4), tail.checkpoint.revision.rawValue > 4 {
            tail.checkpoint = checkpoint(tail.checkpoint.revision)
            tail.truncatedThrough = tail.checkpoint.oldest
        }
        tail.headerRevision = tail.revision
        return tail
    }

    package mutating func tailValue() -> TailValue {
        switch random.below(6) {
        case 0: .absent(generation: counter())
        case 1:
            .dropped(
                EndedLife(
                    incarnation: incarnation(), createdBy: action(), droppedBy: action()))
        default: .live(tail())
        }
    }
}
