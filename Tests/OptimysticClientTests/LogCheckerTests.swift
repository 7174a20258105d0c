import BlockModel
import BlockRuntime
import Optimystic
import Testing

/// A log made by hand, of entries with inline bodies, that can be damaged before it is checked.
private struct Sample {
    var tail: Tail
    var segment: Bytes
    let key: SegmentKey

    static func entry(_ number: UInt64, after previous: Digest, action: UInt64) -> Entry {
        let id = ActionID(rawValue: Identifier128(UInt128(action)))
        let body = EntryBody(actions: [Action(id: id, bytes: [UInt8(number)])]).canonicalBytes
        return Entry(
            kind: .actions, revision: Revision(number),
            payload: PayloadID(action: id, execution: 0),
            bodyHash: BlockID(content: body).digest, body: .inline(body), wallMilliseconds: 0,
            previousHash: previous)
    }

    /// Entries 1…4 in a segment, 5…6 open. `actions` gives each entry's action id.
    init(actions: [UInt64] = [1, 2, 3, 4, 5, 6], skipping: Int? = nil, relinking: Int? = nil) {
        let life = Incarnation(generation: 1, nonce: Identifier128(5))
        let header = CollectionHeader(kind: .diary, encoding: .bytes)
        var tail = Tail(
            name: "log", incarnation: life, header: header,
            createdBy: ActionID(rawValue: Identifier128(9)))
        var entries: [Entry] = []
        var hash = tail.lastHash
        for (index, action) in actions.enumerated() where index != skipping {
            if index == relinking { hash = Digest(domain: "test/other", []) }
            entries.append(Sample.entry(UInt64(index + 1), after: hash, action: action))
            hash = entries[entries.count - 1].chainHash
        }
        let sealed = Segment(
            collection: tail.collection, incarnation: life, index: 0, headerBefore: header,
            entries: Array(entries.prefix(4)), links: [])
        segment = sealed.canonicalBytes
        key = SegmentKey(
            collection: tail.collection, incarnation: life, index: 0,
            hash: Segment.hash(of: segment))
        tail.segments = [
            SegmentLink(index: 0, hash: key.hash, firstRevision: sealed.firstRevision)
        ]
        tail.entries = Array(entries.dropFirst(4))
        tail.revision = Revision(UInt64(actions.count))
        tail.lastHash = hash
        self.tail = tail
    }

    func check() -> VerificationReport.Part {
        var checker = LogChecker(tail: tail)
        var isComplete = true
        if let next = checker.next(after: nil) {
            #expect(next == key)
            let taken = checker.take(next, bytes: segment)
            isComplete = taken != nil
            if let taken { #expect(checker.next(after: taken) == nil) }
        }
        checker.finish(isComplete: isComplete)
        return checker.result
    }
}

@Suite("Log checker") struct LogCheckerTests {
    private func kinds(_ sample: Sample) -> Set<VerificationReport.Finding.Kind> {
        Set(sample.check().findings.map(\.kind))
    }

    @Test("A sound log has no findings, and everything in it is counted")
    func sound() {
        let result = Sample().check()
        #expect(result.findings.isEmpty, "\(result.findings)")
        #expect(result.entryCount == 6 && result.actionCount == 6 && result.segmentCount == 1)
    }

    @Test("An action that is in the log twice is found, also over the border of a segment")
    func duplicate() {
        #expect(kinds(Sample(actions: [1, 2, 3, 4, 5, 2])) == [.duplicateAction])
        #expect(kinds(Sample(actions: [1, 1, 3, 4, 5, 6])) == [.duplicateAction])
    }

    @Test("A missing entry and an entry that continues another chain are found")
    func chain() {
        #expect(kinds(Sample(skipping: 4)).contains(.gap))
        for place in 0..<6 {
            #expect(kinds(Sample(relinking: place)) == [.brokenChain], "entry \(place + 1)")
        }
    }

    @Test("A changed byte anywhere in a segment is found")
    func changedSegment() {
        let sample = Sample()
        for index in sample.segment.indices {
            var damaged = sample
            damaged.segment[index] ^= 1
            #expect(kinds(damaged) == [.wrongContent], "byte \(index)")
        }
    }

    @Test("A changed body is found")
    func changedBody() {
        var sample = Sample()
        let other = EntryBody(
            actions: [Action(id: ActionID(rawValue: Identifier128(77)), bytes: [])])
        sample.tail.entries[1].body = .inline(other.canonicalBytes)
        #expect(kinds(sample).contains(.wrongContent))
        #expect(kinds(sample).contains(.brokenChain))
    }

    @Test("Replicas are counted against all and against a majority, and must agree")
    func replicas() {
        func report(_ states: [ReplicaReport.State]) -> VerificationReport.Part {
            var checker = LogChecker(tail: Sample().tail)
            let reports = states.enumerated().map { index, state in
                ReplicaReport(
                    peer: PeerID(rawValue: Identifier128(UInt128(index))), state: state)
            }
            checker.take(reports, of: "segment 0", digest: Sample().key.hash)
            return checker.result
        }
        let good = ReplicaReport.State.holds(Sample().key.hash, accepted: nil)
        let bad = ReplicaReport.State.holds(Digest(domain: "test/x", []), accepted: nil)
        #expect(report([good, good, good]).fullyReplicatedCount == 1)
        #expect(report([good, .lacks, good]).partlyReplicatedCount == 1)
        #expect(report([good, .unreachable, good]).findings.isEmpty)
        #expect(report([good, .lacks, .lacks]).findings.map(\.kind) == [.underReplicated])
        #expect(report([good, bad, good]).findings.map(\.kind) == [.disagreement])
    }

    /// A log whose last entry writes its header and `block`.
    private func logWriting(_ block: Block) -> (Tail, CommittedWrite) {
        var tail = Sample().tail
        let touched = [block.id, BlockID(tail.collection.digest)].map {
            TouchedBlock(
                block: $0, baseRevision: .zero, basePayload: nil, transformHash: block.digest,
                resultHash: block.digest)
        }
        let body = EntryBody(actions: [], blocks: touched).canonicalBytes
        let last = tail.entries.removeLast()
        let entry = Entry(
            kind: .actions, revision: last.revision, payload: last.payload,
            bodyHash: BlockID(content: body).digest, body: .inline(body), wallMilliseconds: 0,
            previousHash: last.previousHash)
        tail.entries.append(entry)
        tail.lastHash = entry.chainHash
        return (
            tail,
            CommittedWrite(
                revision: entry.revision, payload: entry.payload, resultHash: block.digest)
        )
    }

    @Test("A write of a block is a version everywhere; above the checkpoint a pend is as good")
    func blockWrites() {
        let block = Block(
            header: Block.Header(
                id: BlockID(content: [1]), type: BlockType("XX"),
                collection: CollectionID(name: "log")))
        var (tail, write) = logWriting(block)
        func check(
            _ holdings: [BlockHolding], checkpoint: UInt64, copy: Bytes? = nil
        ) -> VerificationReport.Part {
            tail.checkpoint = Checkpoint(Revision(checkpoint))
            var checker = LogChecker(tail: tail)
            #expect(checker.result.findings.isEmpty)
            let writes = checker.nextWrites(countMax: 9)
            #expect(writes.map(\.write) == [write] && writes.map(\.key.block) == [block.id])
            #expect(checker.nextWrites(countMax: 9).isEmpty)
            let reports = holdings.enumerated().map { index, holding in
                ReplicaReport(
                    peer: PeerID(rawValue: Identifier128(UInt128(index))),
                    state: .holdsBlock(holding))
            }
            checker.take(reports, of: writes[0], copy: copy)
            return checker.result
        }
        let bytes = block.canonicalBytes
        let version = BlockHolding(version: write, pends: [])
        let older = CommittedWrite(
            revision: Revision(1), payload: write.payload, resultHash: write.resultHash)
        let pend = OutstandingPend(
            payload: write.payload, target: write.revision, resultHash: write.resultHash)
        let pended = BlockHolding(version: older, pends: [pend])
        let other = CommittedWrite(
            revision: write.revision, payload: write.payload, resultHash: .zero)
        let torn = BlockHolding(version: other, pends: [])
        let sound = check([version, version, version], checkpoint: 6, copy: bytes)
        #expect(sound.findings.isEmpty && sound.fullyReplicatedCount == 1)
        let young = check([version, pended, pended], checkpoint: 5, copy: bytes)
        #expect(young.findings.isEmpty && young.fullyReplicatedCount == 1)
        let strict = check([version, pended, pended], checkpoint: 6, copy: bytes)
        #expect(strict.findings.map(\.kind) == [.underReplicated])
        let split = check([version, version, torn], checkpoint: 0, copy: bytes)
        #expect(split.findings.map(\.kind) == [.disagreement])
        let forged = check([version, version, version], checkpoint: 0, copy: [1])
        #expect(forged.findings.map(\.kind) == [.wrongContent])
    }

    @Test("Two values at one ballot of a register are a disagreement, at two ballots they are not")
    func register() {
        func ballot(_ counter: UInt64) -> Ballot {
            Ballot(
                epoch: .first, counter: counter, proposer: ProposerID(rawValue: Identifier128(1)))
        }
        func kinds(_ held: [(String, UInt64)]) -> [VerificationReport.Finding.Kind] {
            var checker = LogChecker(tail: Sample().tail)
            checker.takeRegister(
                held.enumerated().map { index, value in
                    let digest = Digest(domain: "test/value", Array(value.0.utf8))
                    return ReplicaReport(
                        peer: PeerID(rawValue: Identifier128(UInt128(index))),
                        state: .holds(digest, accepted: ballot(value.1)))
                })
            return checker.result.findings.map(\.kind)
        }
        #expect(kinds([("x", 1), ("x", 1), ("x", 1)]) == [])
        #expect(kinds([("x", 1), ("x", 1), ("y", 2)]) == [])
        #expect(kinds([("x", 1), ("x", 1), ("y", 1)]) == [.disagreement])
        #expect(kinds([("x", 1), ("y", 2), ("z", 3)]) == [.underReplicated])
    }
}
