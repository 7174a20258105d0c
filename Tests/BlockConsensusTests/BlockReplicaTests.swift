import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Each test fails when the rule that it names is dropped.
@Suite("The replica of a block")
struct BlockReplicaTests {
    private typealias Scene = BlockScene
    private let key = BlockScene.key

    private func copy(_ reply: PeerReply) throws -> BlockCopy {
        guard case .block(let copy?) = reply else {
            throw DatabaseError(.internalError, "no block: \(reply)")
        }
        return copy
    }

    // MARK: Pends

    #if SIMULATION_HOOKS
    @Test("A pend that is confirmed without its base makes no version, and is found")
    func plantedWithoutBase() throws {
        var scene = Scene()
        let replies = try SimulationHooks.$plantedBug.withValue(.pendWithoutBase) {
            [
                try scene.ask(.pend(Scene.pend(2))),
                try scene.ask(.finalise(key, Scene.write(2))),
            ]
        }
        #expect(replies == [.pended, .needsBase])
        #expect(scene.versionRevisions.isEmpty)
    }
    #endif

    // protocol: pend-needs-its-base
    @Test("A pend without its base is not acknowledged and not kept")
    func pendWithoutBase() throws {
        var scene = Scene()
        #expect(try scene.ask(.pend(Scene.pend(2))) == .needsBase)
        #expect(scene.held(2) == nil)
        try scene.commit(1, through: 1)
        #expect(try scene.ask(.pend(Scene.pend(2))) == .pended)
        #expect(scene.held(2)?.bound == [Revision(2)])
    }

    @Test("A pend finalises the committed writes below it that are held")
    func pendPromotes() throws {
        var scene = Scene()
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        #expect(try scene.ask(.pend(Scene.pend(2))) == .needsBase)
        #expect(try scene.ask(.pend(Scene.pend(2, committed: [1]))) == .pended)
        #expect(scene.versionRevisions == [1])
        #expect(scene.held(1) == nil)
    }

    @Test("A pend on a base of another payload or hash is not acknowledged")
    func pendOnAnotherBase() throws {
        var scene = Scene()
        try scene.commit(1, through: 1)
        var record = Scene.pend(2).record
        for (payload, hash) in [(9, Scene.hash(after: 1)), (1, Scene.hash(after: 5))] {
            record = PendRecord(
                transform: record.transform, baseRevision: Revision(1),
                basePayload: Sample.payload(UInt64(payload)), baseHash: hash,
                resultHash: record.resultHash, collection: CollectionID(name: "x"), bound: [])
            let request = PendRequest(
                key: key, payload: Sample.payload(2), target: Revision(2), record: record)
            #expect(try scene.ask(.pend(request)) == .needsBase)
        }
    }

    @Test("A whole block needs no base")
    func fullImage() throws {
        var scene = Scene()
        let image = BlockTransform(insert: Scene.block(after: 9)).canonicalBytes
        #expect(try scene.ask(.pend(Scene.pend(9, transform: image))) == .pended)
        #expect(try scene.ask(.finalise(key, Scene.write(9))) == .finalised)
        #expect(try copy(scene.ask(Scene.read(9))).write.resultHash == Scene.hash(after: 9))
    }

    @Test("A transform that makes something else than it says is refused before any decision")
    func wrongResult() throws {
        var scene = Scene()
        #expect(throws: DatabaseError.self) {
            try scene.ask(.pend(Scene.pend(1, result: Scene.hash(after: 4))))
        }
        #expect(throws: DatabaseError.self) {
            try scene.ask(.pend(Scene.pend(1, transform: [1, 2, 3])))
        }
        #expect(scene.store.pends.isEmpty)
    }

    @Test("A block of another id is neither pended nor installed under this one")
    func otherBlock() throws {
        let stranger = Block(
            header: Block.Header(
                id: BlockID(content: [2]), type: BlockType("XX"),
                collection: CollectionID(name: "x")))
        let transform = BlockTransform(insert: stranger).canonicalBytes
        var scene = Scene()
        #expect(throws: DatabaseError.self) {
            try scene.ask(
                .pend(Scene.pend(1, transform: transform, result: stranger.digest)))
        }
        let copy = BlockCopy(
            write: Scene.write(1, hash: stranger.digest), baseRevision: .zero,
            bytes: stranger.canonicalBytes)
        #expect(throws: DatabaseError.self) { try scene.ask(.install(key, copy)) }
        #expect(scene.store.pends.isEmpty && scene.versionRevisions.isEmpty)
    }

    @Test("One payload id with two contents is refused")
    func payloadReuse() throws {
        var scene = Scene()
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        #expect(throws: DatabaseError.self) {
            try scene.ask(.pend(Scene.pend(2, payload: 1, base: 0)))
        }
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
    }

    @Test("Pends of one block are bounded; one more is refused, none is evicted")
    func quota() throws {
        var scene = Scene()
        for number in 1...UInt64(Limits.blockPendCountMax) {
            #expect(try scene.ask(.pend(Scene.pend(1, payload: number))) == .pended)
        }
        #expect(throws: DatabaseError.self) { try scene.ask(.pend(Scene.pend(1, payload: 9999))) }
        #expect(scene.store.pends.count == Limits.blockPendCountMax)
    }

    @Test("Bytes of pends are bounded, of a block and of the peer; held ones are taken again")
    func byteQuotas() throws {
        var scene = Scene()
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        let size = Scene.pend(1).record.transform.count
        scene.store.otherPendBytes = UInt64(Limits.peerPendBytesMax - size)
        #expect(try scene.ask(.pend(Scene.pend(1, payload: 2))) == .pended)
        scene.store.otherPendBytes += 1
        let error = try #require(throws: DatabaseError.self) {
            try scene.ask(.pend(Scene.pend(1, payload: 3)))
        }
        #expect(error.code == .overloaded && error.outcome == .notApplied)
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        scene.store.otherPendBytes = 0
        // As if somebody had pended one of the greatest size often.
        let record = PendRecord(
            transform: Bytes(repeating: 0, count: Limits.blockPendBytesMax - 2 * size),
            baseRevision: .zero, basePayload: nil, baseHash: .zero, resultHash: .zero,
            collection: CollectionID(name: "x"), bound: [Revision(1)])
        scene.store.apply(.pend(PendKey(key, payload: Sample.payload(4)), record))
        #expect(throws: DatabaseError.self) { try scene.ask(.pend(Scene.pend(1, payload: 3))) }
        #expect(scene.store.pends.count == 3)
    }

    // MARK: Binding and discarding

    // protocol: bound-is-a-set
    @Test("Late binds take nothing away: bound is a set")
    func boundIsASet() throws {
        var scene = Scene()
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        // The bind to 3 is delivered before the one to 2; then the log shows 2 lost.
        let payload = Sample.payload(1)
        #expect(try scene.ask(.pend(Scene.pend(1, at: 3))) == .pended)
        #expect(try scene.ask(.pend(Scene.pend(1, at: 2))) == .pended)
        #expect(try scene.ask(.discard(key, payload, target: Revision(1))) == .discarded)
        #expect(try scene.ask(.discard(key, payload, target: Revision(2))) == .discarded)
        #expect(scene.held(1)?.bound == [Revision(3)])
        let write = Scene.write(3, payload: 1, hash: Scene.hash(after: 1))
        #expect(try scene.ask(.finalise(key, write)) == .finalised)
    }

    #if SIMULATION_HOOKS
    @Test("A discard of one target that takes all of the pend is found")
    func plantedDiscardRemovesPend() throws {
        var scene = Scene()
        let payload = Sample.payload(1)
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        #expect(try scene.ask(.pend(Scene.pend(1, at: 3))) == .pended)
        let reply = try SimulationHooks.$plantedBug.withValue(.discardRemovesPend) {
            try scene.ask(.discard(key, payload, target: Revision(1)))
        }
        #expect(reply == .discarded && scene.held(1) == nil, "what may still land has no content")
    }
    #endif

    @Test("A pend is gone with its last target, not before, and another's target is not its own")
    func discard() throws {
        var scene = Scene()
        let payload = Sample.payload(1)
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        #expect(try scene.ask(.discard(key, payload, target: Revision(8))) == .discarded)
        #expect(scene.held(1) != nil)
        #expect(try scene.ask(.discard(key, payload, target: Revision(1))) == .discarded)
        #expect(scene.held(1) == nil)
    }

    // MARK: Finalising

    @Test("A version and the end of its pend are one step, and repeating it changes nothing")
    func finalise() throws {
        var scene = Scene()
        #expect(try scene.ask(.finalise(key, Scene.write(1))) == .pendMissing)
        _ = try scene.ask(.pend(Scene.pend(1)))
        for _ in 0..<2 {
            #expect(try scene.ask(.finalise(key, Scene.write(1))) == .finalised)
            #expect(scene.held(1) == nil)
            #expect(scene.versionRevisions == [1])
        }
        #expect(try scene.ask(.pend(Scene.pend(1))) == .pended)
        #expect(scene.held(1) == nil, "what is a version is not pended again")
    }

    // protocol: pend-found-by-payload
    @Test("A pend is found by its payload: another attempt at the revision is untouched")
    func finaliseOfAnotherAttempt() throws {
        var scene = Scene()
        _ = try scene.ask(.pend(Scene.pend(1, payload: 1)))
        _ = try scene.ask(.pend(Scene.pend(1, payload: 2)))
        #expect(try scene.ask(.finalise(key, Scene.write(1, payload: 3))) == .pendMissing)
        #expect(try scene.ask(.finalise(key, Scene.write(1, payload: 2))) == .finalised)
        #expect(scene.held(1) != nil)
        #expect(scene.store.versions[key]?[Revision(1)]?.payload == Sample.payload(2))
        // Nobody can decide both.
        _ = try scene.ask(.finalise(key, Scene.write(1, payload: 1)))
        #expect(scene.store.versions[key]?[Revision(1)]?.payload == Sample.payload(2))
        #expect(scene.alarms.count == 1)
    }

    @Test("Other content under the payload that is listed is no version")
    func finaliseOfOtherContent() throws {
        var scene = Scene()
        _ = try scene.ask(.pend(Scene.pend(2, payload: 7, base: 0)))
        let listed = Scene.write(2, payload: 7, hash: Scene.hash(after: 1))
        #expect(try scene.ask(.finalise(key, listed)) == .pendMissing)
        let read = BlockReadRequest(key: key, revision: Revision(2), committed: [listed])
        #expect(try scene.ask(.readBlock(read)) == .block(nil))
        let copy = BlockCopy(
            write: listed, baseRevision: .zero,
            bytes: Scene.block(after: 1).canonicalBytes)
        #expect(try scene.ask(.install(key, copy)) == .stored)
        #expect(scene.held(7) == nil, "its payload has landed with the other content")
        #expect(try scene.ask(.readBlock(read)) == .block(copy))
        let claim = Scene.write(2, payload: 7)
        #expect(try scene.ask(.finalise(key, claim)) == .needsBase)
        #expect(scene.alarms.count == 1)
    }

    // protocol: applied-on-its-base
    @Test("Finalising stops at the first write that is missing")
    func gap() throws {
        var scene = Scene()
        try scene.commit(1, through: 1)
        _ = try scene.ask(.pend(Scene.pend(2)))
        _ = try scene.ask(.finalise(key, Scene.write(2)))
        var behind = Scene()
        try behind.commit(1, through: 1)
        // It has the pend of 3, as a whole block would be acknowledged, but not 2.
        behind.store.apply(
            .pend(PendKey(key, payload: Sample.payload(3)), Scene.pend(3).record))
        #expect(try behind.ask(.finalise(key, Scene.write(3))) == .needsBase)
        let read = try copy(behind.ask(Scene.read(3, committed: [2, 3])))
        #expect(read.write == Scene.write(1), "3 was not built on 1")
        let missing = try copy(scene.ask(Scene.read(2)))
        #expect(try behind.ask(.install(key, missing)) == .stored)
        #expect(try behind.ask(.finalise(key, Scene.write(3))) == .finalised)
        #expect(try copy(behind.ask(Scene.read(3))).write.resultHash == Scene.hash(after: 3))
    }

    @Test("What was installed closes the gap below it: listed writes above it are finalised")
    func gapBelowInstalled() throws {
        var source = Scene()
        try source.commit(1, through: 4)
        var behind = Scene()
        try behind.commit(1, through: 1)
        #expect(try behind.ask(.install(key, copy(source.ask(Scene.read(4))))) == .stored)
        #expect(try behind.ask(.pend(Scene.pend(5))) == .pended)
        // It never gets 2 and 3, which a quorum has; a reader that lists them must not wait.
        let read = try copy(behind.ask(Scene.read(5, committed: [1, 2, 3, 4, 5])))
        #expect(read.write == Scene.write(5))
        #expect(try behind.ask(.pend(Scene.pend(6, committed: [2, 3, 4, 5]))) == .pended)
        #expect(behind.versionRevisions == [1, 4, 5])
    }

    // MARK: Reading

    @Test("Any revision is read for ever, and few images are kept")
    func history() throws {
        var scene = Scene()
        let count: UInt64 = 100
        try scene.commit(1, through: count)
        for revision in 1...count {
            let read = try copy(scene.ask(Scene.read(revision)))
            #expect(read.write == Scene.write(revision))
            #expect(read.bytes == Scene.block(after: revision).canonicalBytes)
        }
        let images = try #require(scene.store.versions[key]).values.count {
            if case .image = $0.content { true } else { false }
        }
        #expect(images == 1 + (Int(count) - 1) / Limits.versionImageInterval)
        #expect(scene.alarms.isEmpty)
    }

    @Test("Each replica counts for itself when a full copy is due, from what it holds")
    func ownCopies() throws {
        var scene = Scene()
        let copy = BlockCopy(
            write: Scene.write(1), baseRevision: .zero,
            bytes: Scene.block(after: 1).canonicalBytes)
        #expect(try scene.ask(.install(key, copy)) == .stored)
        try scene.commit(2, through: 70)
        let versions = try #require(scene.store.versions[key])
        let images = versions.filter { if case .image = $0.value.content { true } else { false } }
        #expect(images.keys.map(\.rawValue).sorted() == [1, 33, 65])
        for record in versions.values {
            #expect(try VersionRecord(canonicalBytes: record.canonicalBytes) == record)
        }
        for depth in [0, UInt32(Limits.versionImageInterval), .max] {
            var record = try #require(versions[Revision(2)])
            record.content = .transform(depth: depth)
            #expect(throws: DatabaseError.self) {
                try VersionRecord(canonicalBytes: record.canonicalBytes)
            }
        }
    }

    @Test("A read finalises what the list shows up to its revision, and nothing else")
    func readPromotes() throws {
        var scene = Scene()
        _ = try scene.ask(.pend(Scene.pend(1)))
        #expect(try scene.ask(Scene.read(1)) == .block(nil))
        #expect(try scene.ask(Scene.read(0, committed: [1])) == .block(nil))
        #expect(scene.versionRevisions.isEmpty)
        #expect(try copy(scene.ask(Scene.read(1, committed: [1]))).write == Scene.write(1))
    }

    @Test("An audit tells versions from pends and finalises nothing")
    func audit() throws {
        var scene = Scene()
        #expect(try scene.ask(.auditBlock(key, Revision(5))) == .holding(nil, pends: []))
        try scene.commit(1, through: 2)
        _ = try scene.ask(.pend(Scene.pend(3)))
        let before = scene.store.pends
        let copy = try copy(scene.ask(Scene.read(2)))
        let pend = OutstandingPend(
            payload: Sample.payload(3), target: Revision(3), resultHash: Scene.hash(after: 3))
        #expect(try scene.ask(.auditBlock(key, Revision(3))) == .holding(copy, pends: [pend]))
        #expect(try scene.ask(.auditBlock(key, Revision(2))) == .holding(copy, pends: []))
        #expect(scene.store.pends == before && scene.versionRevisions == [1, 2])
        let holding = BlockHolding(version: copy.write, pends: [pend])
        #expect(holding.contains(Scene.write(2)) && holding.contains(Scene.write(3)))
        #expect(!holding.contains(Scene.write(3, hash: Scene.hash(after: 4))))
    }

    @Test("A removed block reads as removed, and as it was before")
    func removal() throws {
        var scene = Scene()
        try scene.commit(1, through: 3)
        let gone = BlockTransform(delete: true).canonicalBytes
        _ = try scene.ask(.pend(Scene.pend(4, transform: gone, result: .zero)))
        #expect(try scene.ask(.finalise(key, Scene.write(4, hash: .zero))) == .finalised)
        let removed = try copy(scene.ask(Scene.read(7)))
        #expect(removed.bytes == nil)
        #expect(removed.write.resultHash == .zero)
        #expect(try copy(scene.ask(Scene.read(3))).write.resultHash == Scene.hash(after: 3))
    }

    @Test("Another replica's version is taken over only when it is what its hash says")
    func install() throws {
        var source = Scene()
        try source.commit(1, through: 2)
        let good = try copy(source.ask(Scene.read(2)))
        let bad = BlockCopy(
            write: Scene.write(2, hash: Scene.hash(after: 1)), baseRevision: good.baseRevision,
            bytes: good.bytes)
        var scene = Scene()
        #expect(throws: DatabaseError.self) { try scene.ask(.install(key, bad)) }
        #expect(scene.versionRevisions.isEmpty)
        #expect(try scene.ask(.install(key, good)) == .stored)
        #expect(try scene.ask(.pend(Scene.pend(3))) == .pended)
    }

    @Test("A version that lies where another one belongs is listed as damaged")
    func misplaced() throws {
        var scene = Scene()
        try scene.commit(1, through: 2)
        let first = try #require(scene.store.versions[key]?[Revision(1)])
        scene.store.versions[key]?[Revision(2)] = first
        let replica = BlockReplica(key, view: scene.store)
        #expect(try replica.summary(at: Revision(1)).write == Scene.write(1))
        #expect(try replica.summary(at: Revision(2)).write == nil)
    }

    @Test("A damaged block is refused, and costs the peer no vote")
    func damage() throws {
        let map = try Sample.map()
        var peer = StoragePeer(identity: Sample.peer(1), map: map, refusal: nil)
        var scene = Scene()
        try scene.commit(1, through: 1)
        var version = try #require(scene.store.versions[key]?[Revision(1)])
        version.content = .image(Scene.block(after: 2).canonicalBytes)
        scene.store.apply(.version(key, version))
        func ask(_ operation: PeerRequest.Operation) -> PeerReply? {
            let request = PeerRequest(
                shard: ShardID(rawValue: 0), epoch: .first, operation: operation)
            for case .reply(let reply) in peer.receive(request, view: scene.store) { return reply }
            return nil
        }
        guard case .refused(let error) = ask(Scene.read(1)) else {
            Issue.record("a damaged block was served")
            return
        }
        #expect(error.code == .corrupted)
        let vote = ask(.prepare(CollectionID(name: "x"), Sample.ballot(1)))
        guard case .promise = vote else {
            Issue.record("no vote: \(String(describing: vote))")
            return
        }
    }
}
