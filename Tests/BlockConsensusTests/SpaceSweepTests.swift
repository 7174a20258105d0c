import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("Giving space back")
struct SpaceSweepTests {
    private typealias Scene = BlockScene

    /// The life that the blocks of ``BlockScene`` belong to.
    private static let life = CollectionLife(
        collection: CollectionID(name: "x"), incarnation: Scene.key.incarnation)
    private static let other = CollectionLife(
        collection: CollectionID(name: "y"),
        incarnation: Incarnation(generation: 1, nonce: Identifier128(7)))

    /// A storage peer alone.
    private struct Peer {
        var scene = Scene()
        var machine: StoragePeer
        let map: ClusterMap

        init() throws {
            map = try Sample.map()
            machine = StoragePeer(identity: Sample.peer(1), map: map, refusal: nil)
        }

        mutating func ask(_ operation: PeerRequest.Operation) -> PeerReply? {
            let request = PeerRequest(
                shard: ShardID(rawValue: 0), epoch: map.epoch, operation: operation)
            var answer: PeerReply?
            for directive in machine.receive(request, view: scene.store) {
                switch directive {
                case .write(let write): scene.store.apply(write)
                case .reply(let reply): answer = reply
                default: break
                }
            }
            return answer
        }

        mutating func put(_ content: Bytes, for life: CollectionLife, at target: UInt64) {
            _ = ask(
                .putContent(
                    BlockID(content: content), content,
                    for: ContentOwner(life: life, target: Revision(target))))
        }

        mutating func putSegment(_ revisions: ClosedRange<UInt64>, of life: CollectionLife) {
            var previous = Digest.zero
            let entries = revisions.map { number in
                let entry = Entry(
                    kind: .noOperation, revision: Revision(number),
                    payload: Sample.payload(number), bodyHash: .zero, body: .inline([]),
                    wallMilliseconds: 0, previousHash: previous)
                previous = entry.chainHash
                return entry
            }
            let bytes = Segment(
                collection: life.collection, incarnation: life.incarnation, index: 0,
                headerBefore: CollectionHeader(kind: .diary, encoding: .bytes), entries: entries,
                links: []
            ).canonicalBytes
            let key = SegmentKey(
                collection: life.collection, incarnation: life.incarnation, index: 0,
                hash: Segment.hash(of: bytes))
            _ = ask(.putSegment(key, bytes))
        }

        /// Tells an end of ``SpaceSweepTests/life``.
        mutating func forget(_ life: CollectionLife, through: UInt64?) -> PeerReply? {
            let end = LifeEnd(life: life, truncatedThrough: through.map { Revision($0) })
            return ask(.forget([end], after: nil, through: nil))
        }
    }

    @Test("Of a life that is over nothing is left, and of the others everything")
    func lifeOver() throws {
        var peer = try Peer()
        try peer.scene.commit(1, through: 5)
        _ = try peer.scene.ask(.pend(Scene.pend(6)))
        peer.put([1, 2, 3], for: Self.life, at: 4)
        peer.put([9, 9], for: Self.life, at: 2)
        peer.put([9, 9], for: Self.other, at: 2)
        peer.putSegment(1...3, of: Self.life)
        peer.putSegment(1...3, of: Self.other)
        guard case .lives(let lives, nil)? = peer.ask(.listLives(after: nil, countMax: 128)) else {
            Issue.record("no page of lives")
            return
        }
        #expect(lives == [Self.life, Self.other].sorted())

        guard case .forgotten(let count, let bytes)? = peer.forget(Self.life, through: nil) else {
            Issue.record("nothing is forgotten")
            return
        }
        #expect(count == 5 + 1 + 2 + 1 && bytes > 0)
        #expect(peer.scene.versionRevisions.isEmpty && peer.scene.store.pends.isEmpty)
        #expect(Set(peer.scene.store.contents.keys) == [BlockID(content: [9, 9])])
        #expect(peer.scene.store.segments.keys.map(\.collection) == [Self.other.collection])
        #expect(peer.forget(Self.life, through: nil) == .forgotten(count: 0, bytes: 0))
    }

    @Test("Truncation keeps the newest version at the floor as a whole, and what is above it")
    func truncation() throws {
        var peer = try Peer()
        try peer.scene.commit(1, through: 50)
        _ = try peer.scene.ask(.pend(Scene.pend(51)))
        peer.put([1], for: Self.life, at: 20)
        peer.put([2], for: Self.life, at: 41)
        peer.put([3], for: Self.life, at: 3)
        // The same attempt again, at a later revision: it is kept for that one.
        peer.put([3], for: Self.life, at: 45)
        peer.putSegment(1...32, of: Self.life)
        peer.putSegment(33...45, of: Self.life)
        _ = peer.forget(Self.life, through: 40)
        #expect(peer.scene.versionRevisions == Array(40...50))
        for revision in 40...50 as ClosedRange<UInt64> {
            guard case .block(let copy?) = try peer.scene.ask(Scene.read(revision)) else {
                Issue.record("revision \(revision) cannot be read")
                continue
            }
            #expect(copy.write == Scene.write(revision))
            #expect(copy.bytes == Scene.block(after: revision).canonicalBytes)
        }
        let floor = try #require(peer.scene.store.versions[Scene.key]?[Revision(40)])
        #expect(floor.content == .image(Scene.block(after: 40).canonicalBytes))
        #expect(peer.scene.held(51) != nil)
        #expect(
            Set(peer.scene.store.contents.keys)
                == [BlockID(content: [2]), BlockID(content: [3])])
        #expect(peer.scene.store.segments.count == 1)
        // What is written next is made on what is left.
        #expect(try peer.scene.ask(.finalise(Scene.key, Scene.write(51))) == .finalised)
        #expect(peer.scene.alarms.isEmpty)
    }

    @Test("What was made final behind the sweep goes with the base that it stands on")
    func lateFinalise() throws {
        for through in [nil, 40] as [UInt64?] {
            var peer = try Peer()
            try peer.scene.commit(1, through: 50)
            // The newest come first: the end of this page lies in the middle of the block.
            let page = peer.ask(.listLives(after: nil, countMax: 20))
            guard case .lives(_, let next?)? = page else {
                Issue.record("all of it is one page")
                return
            }
            // Nobody knew of the end when the first page was looked at.
            let end = LifeEnd(life: Self.life, truncatedThrough: through.map { Revision($0) })
            _ = peer.ask(.forget([end], after: next, through: nil))
            #expect(peer.scene.versionRevisions == (through.map { Array($0...50) } ?? []))
            guard
                case .versions(let left, true)? = peer.ask(
                    .listVersions(after: nil, countMax: 64))
            else {
                Issue.record("no page of versions")
                return
            }
            #expect(left.allSatisfy { $0.write != nil })
        }
    }

    @Test(
        "The mark that a block was removed stays, so that no replica that missed it brings it back")
    func tombstone() throws {
        var peer = try Peer()
        try peer.scene.commit(1, through: 3)
        let removal = Scene.pend(
            4, transform: BlockTransform(delete: true).canonicalBytes, result: .zero)
        _ = try peer.scene.ask(.pend(removal))
        let write = CommittedWrite(
            revision: Revision(4), payload: Sample.payload(4), resultHash: .zero)
        #expect(try peer.scene.ask(.finalise(Scene.key, write)) == .finalised)
        _ = peer.forget(Self.life, through: 5)
        #expect(peer.scene.versionRevisions == [4])
        guard case .block(let copy?) = try peer.scene.ask(Scene.read(5)) else {
            Issue.record("the removal is forgotten")
            return
        }
        #expect(copy.write == write && copy.bytes == nil)
    }

    @Test("A record is judged by the life that it names itself, whatever others claim")
    func foreignClaim() throws {
        var peer = try Peer()
        try peer.scene.commit(1, through: 3)
        // Somebody pairs the incarnation with a collection that is over.
        let claim = CollectionLife(
            collection: Self.other.collection, incarnation: Self.life.incarnation)
        peer.put([5], for: claim, at: 1)
        _ = peer.forget(claim, through: nil)
        #expect(peer.scene.versionRevisions == [1, 2, 3])
        #expect(peer.scene.store.contents.isEmpty)
    }

    @Test("A copy whose owner nobody could tell is kept")
    func unknownOwner() throws {
        var peer = try Peer()
        _ = peer.ask(.putContent(BlockID(content: [4]), [4], for: .unknown))
        peer.put([4], for: Self.life, at: 1)
        _ = peer.forget(Self.life, through: nil)
        #expect(Array(peer.scene.store.contents.keys) == [BlockID(content: [4])])
    }

    // MARK: The tail

    private static func tail(entries: UInt64, checkpoint: Checkpoint) -> Tail {
        var tail = Sample.tail(name: "x")
        tail.header = CollectionHeader(kind: .tree, encoding: .bytes, capacity: 4)
        for number in 1...entries {
            let entry = Entry(
                kind: .noOperation, revision: Revision(number), payload: Sample.payload(number),
                bodyHash: .zero, body: .inline([]), wallMilliseconds: 0,
                previousHash: tail.lastHash)
            tail.entries.append(entry)
            tail.lastHash = entry.chainHash
            tail.revision = entry.revision
        }
        tail.checkpoint = checkpoint
        return tail
    }

    private static func truncated(_ tail: Tail, through revision: UInt64) -> Revision? {
        let request = TruncateCollection(
            collection: tail.collection, incarnation: tail.incarnation,
            through: Revision(revision))
        let decision = TailChange.truncate(request)
            .apply(to: .live(tail), isChosen: true, policy: TailPolicy())
        return decision.newTail?.truncatedThrough
    }

    @Test("No more is truncated than is final in every shard, and no decision that is open")
    func greatestTruncation() throws {
        let lagging = LaggingShard(
            shard: ShardID(rawValue: 3), of: 16, checkpoint: Revision(7), last: Revision(9))
        var tail = Self.tail(entries: 20, checkpoint: Checkpoint(Revision(12)))
        #expect(Self.truncated(tail, through: 10) == Revision(10))
        #expect(Self.truncated(tail, through: 15) == Revision(12))
        tail.checkpoint = Checkpoint(Revision(12), lagging: [lagging])
        #expect(Self.truncated(tail, through: 15) == Revision(7))
        tail.openDecisions = [
            OpenDecision(attempt: Digest(domain: "optimystic/attempt/1", [1]), target: Revision(5))
        ]
        #expect(Self.truncated(tail, through: 15) == Revision(4))
        #if SIMULATION_HOOKS
        let lost = SimulationHooks.$plantedBug.withValue(.openDecisionTruncated) {
            Self.truncated(tail, through: 15)
        }
        #expect(lost == Revision(7), "what was decided cannot be looked up any more")
        #endif
        tail.truncatedThrough = Revision(4)
        // History never comes back.
        #expect(Self.truncated(tail, through: 3) == nil)
    }

    @Test("What has no blocks is final when it is decided")
    func withoutBlocks() {
        var tail = Self.tail(entries: 20, checkpoint: .zero)
        #expect(Self.truncated(tail, through: 10) == nil)
        tail.header = CollectionHeader(kind: .diary, encoding: .bytes)
        #expect(Self.truncated(tail, through: 10) == Revision(10))
        #expect(Self.truncated(tail, through: 20) == Revision(20))
        #expect(Self.truncated(tail, through: 21) == nil, "there is no such revision")
    }

    @Test("Another life is neither truncated nor set")
    func otherLife() {
        let tail = Self.tail(entries: 3, checkpoint: Checkpoint(Revision(3)))
        let later = Incarnation(generation: 2, nonce: Identifier128(1))
        let truncate = TailChange.truncate(
            TruncateCollection(
                collection: tail.collection, incarnation: later, through: Revision(2)))
        let retain = TailChange.retain(
            RetainHistory(
                collection: tail.collection, incarnation: later, retention: .last(1)))
        for change in [truncate, retain] {
            let decision = change.apply(to: .live(tail), isChosen: true, policy: TailPolicy())
            #expect(decision == .keep(.refused(.gone(.live(tail)))))
        }
    }

    @Test("Retention makes a truncation due in steps, within what may be truncated")
    func dueTruncation() {
        var tail = Self.tail(entries: 30, checkpoint: Checkpoint(Revision(28)))
        #expect(tail.dueTruncation == nil)
        tail.retention = .last(4)
        #expect(tail.dueTruncation == Revision(26))
        tail.truncatedThrough = Revision(26)
        #expect(tail.dueTruncation == nil)
        tail.truncatedThrough = .zero
        tail.retention = .last(1)
        #expect(tail.dueTruncation == Revision(28))
        tail.retention = .last(100)
        #expect(tail.dueTruncation == nil)
    }

    // MARK: The sweep

    /// What a coordinator tells a peer that keeps something of `life` to forget.
    private static func ends(of life: CollectionLife, by value: TailValue) throws -> [LifeEnd] {
        var effects = RoundEffects(
            now: .origin, timing: ProtocolTiming(), policy: TailPolicy(),
            ballots: BallotSource(proposer: Sample.proposer(1)),
            generator: SeededGenerator(seed: 1))
        var sweep = SpaceSweep(
            peer: Sample.peer(1), shard: ShardID(rawValue: 0), after: nil, countMax: 8,
            deadline: Instant.origin.advanced(by: .seconds(1)))
        sweep.start(&effects)
        sweep.receive(.lives([life], next: nil), from: sweep.peer, stamp: 0, &effects)
        #expect(effects.tailsToRead == [life.collection])
        sweep.tailWasRead(of: life.collection, .reply(.tail(value)), &effects)
        guard case .forget(let ends, _, _)? = effects.sends.last?.operation else { return [] }
        return ends
    }

    @Test("What a chosen tail says decides which lives are over")
    func judging() throws {
        let tail = Self.tail(entries: 9, checkpoint: Checkpoint(Revision(9)))
        func life(_ generation: UInt64, _ nonce: UInt64 = 9) -> CollectionLife {
            CollectionLife(
                collection: tail.collection,
                incarnation: Incarnation(
                    generation: generation, nonce: Sample.identifier(nonce)))
        }
        let over = { (life: CollectionLife) in [LifeEnd(life: life, truncatedThrough: nil)] }
        #expect(try Self.ends(of: life(1), by: .live(tail)).isEmpty)
        #expect(try Self.ends(of: life(2), by: .live(tail)).isEmpty)
        #expect(try Self.ends(of: life(1), by: .absent(generation: 0)).isEmpty)
        var later = tail
        later.incarnation = Incarnation(generation: 3, nonce: Sample.identifier(4))
        #expect(try Self.ends(of: life(1), by: .live(later)) == over(life(1)))
        #expect(try Self.ends(of: life(3, 4), by: .live(later)).isEmpty)
        var short = tail
        short.truncatedThrough = Revision(5)
        #expect(
            try Self.ends(of: life(1), by: .live(short))
                == [LifeEnd(life: life(1), truncatedThrough: Revision(5))])
    }

    @Test(
        "Nothing is deleted before the tail says that it is gone",
        arguments: [nil, PlantedBug.deletedBeforeTruncation])
    func deleteAfter(bug: PlantedBug?) throws {
        try SimulationHooks.$plantedBug.withValue(bug) {
            var tail = Self.tail(entries: 9, checkpoint: Checkpoint(Revision(9)))
            tail.retention = .last(2)
            let life = CollectionLife(
                collection: tail.collection, incarnation: tail.incarnation)
            let ends = try Self.ends(of: life, by: .live(tail))
            let isEarly = ends.contains { ($0.truncatedThrough ?? .zero) > tail.truncatedThrough }
            #expect(isEarly == (bug != nil))
        }
    }
}
