import BlockModel
import BlockRuntime

/// One storage peer's part in the protocol: a value that reads through a view and writes by
/// directive. No clock, no chance, no input or output.
///
/// The host performs the directives of a whole cycle in this order: all writes as one batch, one
/// sync, then the replies.
package struct StoragePeer {
    package enum Directive: Equatable {
        case write(PeerWrite)
        case reply(PeerReply)
        /// Something that must be impossible was seen; for the log of the operator.
        case alarm(String)
        /// Something that is stored here cannot be used any more; for the log of the operator.
        case damage(String)
    }

    package let identity: PeerID
    private let map: ClusterMap
    /// Why this peer takes no part at all; nil when it does.
    private let refusal: DatabaseError?
    /// Shards with a damaged promise or accepted value. It cannot be repaired from other peers, so
    /// this peer has no vote there until a new epoch.
    private var refusedShards: [ShardID: DatabaseError] = [:]
    private let memo: BlockMemo

    /// - Parameters:
    ///   - refusal: What the start-up check of the data directory found, if anything.
    ///   - memoBytesMax: Bytes of blocks kept ready.
    package init(
        identity: PeerID, map: ClusterMap, refusal: DatabaseError?,
        memoBytesMax: Int = Limits.blockMemoBytesMax
    ) {
        invariant(memoBytesMax >= 0, "a memo of \(memoBytesMax) bytes")
        memo = BlockMemo(bytesMax: memoBytesMax)
        self.identity = identity
        self.map = map
        self.refusal = refusal
    }

    /// Answers one request.
    /// - Returns: Writes, then exactly one reply; what is for the operator before it.
    package mutating func receive(
        _ request: PeerRequest, view: some PeerStoreView
    ) -> [Directive] {
        let directives = serve(request, view: view)
        invariant(directives.last?.isReply == true, "a request that nobody answers")
        #if SIMULATION_HOOKS
        checkInvariants()
        checkOrder(of: directives)
        #endif
        return directives
    }

    private mutating func serve(
        _ request: PeerRequest, view: some PeerStoreView
    ) -> [Directive] {
        if case .status = request.operation { return [.reply(.status(status(view)))] }
        do throws(DatabaseError) {
            try check(request)
            if buggify("buggify.peer.overloaded") {
                throw DatabaseError(.overloaded, "a simulated quota")
            }
            return try answer(request, view: view)
        } catch {
            if error.code == .corrupted, request.operation.isAboutRegister {
                invariant(refusal == nil, "a peer that takes no part has read a register")
                mark("peer.shardGivenUp")
                refusedShards[request.shard] = error
            }
            return [.reply(.refused(error))]
        }
    }

    /// Refuses what this peer has no vote on, before anything is read or changed.
    private func check(_ request: PeerRequest) throws(DatabaseError) {
        if let refusal {
            mark("peer.refused")
            throw DatabaseError(.notParticipating, refusal.message, cause: refusal)
        }
        guard request.epoch == map.epoch else {
            throw DatabaseError(
                .wrongEpoch,
                "epoch \(request.epoch), where shard \(request.shard) is in \(map.epoch)")
        }
        guard map.isMember(identity, of: request.shard) else {
            mark("peer.notMember")
            throw DatabaseError(
                .wrongShard, "peer \(identity) is not a member of shard \(request.shard)")
        }
        guard request.operation.belongs(to: request.shard, in: map) else {
            throw DatabaseError(.wrongShard, "the id does not belong to shard \(request.shard)")
        }
        if let reason = refusedShards[request.shard] {
            mark("peer.shardRefused")
            throw DatabaseError(
                .notParticipating, "no vote on shard \(request.shard): \(reason.message)",
                cause: reason)
        }
    }

    private func answer(
        _ request: PeerRequest, view: some PeerStoreView
    ) throws(DatabaseError) -> [Directive] {
        switch request.operation {
        case .prepare(let collection, let ballot):
            try checkEpoch(of: ballot)
            let record = try view.register(collection)
            return directives(Acceptor.prepare(record, ballot), for: collection)
        case .accept(let collection, let ballot, let value, let wantsNext):
            try checkEpoch(of: ballot)
            guard value.count <= Limits.tailBytesMax else {
                throw DatabaseError(
                    .valueTooLarge,
                    "a tail of \(value.count) bytes, tailBytesMax = \(Limits.tailBytesMax)")
            }
            let record = try view.register(collection)
            let decision = Acceptor.accept(record, ballot, value, wantsNext: wantsNext)
            return directives(decision, for: collection)
        case .query(let collection, let wantsValue):
            let record = try view.register(collection)
            return [
                .reply(
                    .register(
                        accepted: record.accepted, valueHash: record.valueHash,
                        value: wantsValue ? record.value : nil))
            ]
        case .putContent(let block, let bytes, let owner):
            return try putContent(block, bytes, for: owner, view: view)
        case .putSegment(let key, let bytes):
            return try putSegment(key, bytes, view: view)
        case .getContent(let block):
            return [.reply(.content(try view.content(block)))]
        case .getSegment(let key):
            return [.reply(.content(try view.segment(key)))]
        case .listRegisters(let after, let countMax):
            return [.reply(try list(request.shard, after: after, Int(countMax), view: view))]
        case .listVersions(let after, let countMax):
            return try listVersions(request.shard, after: after, Int(countMax), view: view)
        case .listPends(let after, let countMax):
            return [
                .reply(try listPends(request.shard, after: after, Int(countMax), view: view))
            ]
        case .listLives(let after, let countMax):
            return [.reply(try listLives(after: after, Int(countMax), view: view))]
        case .forget(let ends, let after, let through):
            return try forget(ends, after: after, through: through, view: view)
        case .status: return [.reply(.status(status(view)))]
        case .pend, .finalise, .discard, .readBlock, .install, .auditBlock:
            return aboutBlock(request.operation, view: view)
        }
    }

    /// Lets the replica of one block answer. What is damaged of it is repaired from another one and
    /// costs this peer no vote: a refusal of this one request, with nothing changed.
    private func aboutBlock<View: PeerStoreView>(
        _ operation: PeerRequest.Operation, view: View
    ) -> [Directive] {
        guard let key = operation.blockKey else {
            invariant(false, "\(operation) is not about a block")
            return []
        }
        var replica = BlockReplica(key, view: view, memo: memo)
        do throws(DatabaseError) {
            let reply = try replica.answer(operation)
            #if SIMULATION_HOOKS
            replica.checkInvariants()
            #endif
            return replica.alarms.map { .alarm($0) } + replica.writes.map { .write($0) }
                + [.reply(reply)]
        } catch {
            let damages = error.code == .corrupted ? [Directive.damage(error.message)] : []
            return replica.alarms.map { .alarm($0) } + damages + [.reply(.refused(error))]
        }
    }

    private func checkEpoch(of ballot: Ballot) throws(DatabaseError) {
        guard ballot.epoch == map.epoch else {
            throw DatabaseError(.wrongEpoch, "ballot \(ballot) in epoch \(map.epoch)")
        }
    }

    private func directives(
        _ decision: Acceptor.Decision, for collection: CollectionID
    ) -> [Directive] {
        var directives: [Directive] = []
        if decision.isAlarming {
            directives.append(.alarm("two values at one ballot in register \(collection)"))
        }
        invariant(
            decision.record == nil || !decision.isAlarming, "an impossible accept is kept")
        if let record = decision.record { directives.append(.write(.register(collection, record))) }
        directives.append(.reply(decision.reply))
        return directives
    }

    private func putContent(
        _ block: BlockID, _ bytes: Bytes, for owner: ContentOwner, view: some PeerStoreView
    ) throws(DatabaseError) -> [Directive] {
        guard bytes.count <= Limits.bodyBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "a content block of \(bytes.count) bytes, bodyBytesMax = \(Limits.bodyBytesMax)")
        }
        guard BlockID(content: bytes) == block else {
            throw DatabaseError(.invalidArgument, "the content id is not the hash of the bytes")
        }
        var writes: [PeerWrite] = []
        if try view.content(block) == nil { writes.append(.content(block, bytes)) }
        let held = try view.contentOwner(of: block, in: owner.life.incarnation)
        // For the greatest target that it was ever stored for.
        if held.map({ $0.target < owner.target }) ?? true {
            writes.append(.contentOwner(block, owner))
        }
        invariant(writes.count <= 2, "\(writes.count) writes of one content")
        return writes.map { .write($0) } + [.reply(.stored)]
    }

    private func putSegment(
        _ key: SegmentKey, _ bytes: Bytes, view: some PeerStoreView
    ) throws(DatabaseError) -> [Directive] {
        guard bytes.count <= Limits.tailBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "a segment of \(bytes.count) bytes, tailBytesMax = \(Limits.tailBytesMax)")
        }
        guard Segment.hash(of: bytes) == key.hash else {
            throw DatabaseError(.invalidArgument, "the segment's hash is not that of the bytes")
        }
        if try view.segment(key) != nil { return [.reply(.stored)] }
        return [.write(.segment(key, bytes)), .reply(.stored)]
    }

    private func list(
        _ shard: ShardID, after: CollectionID?, _ countMax: Int, view: some PeerStoreView
    ) throws(DatabaseError) -> PeerReply {
        let lowest = map.lowestID(of: shard)
        let bound = pageBound(countMax, Limits.pageItemCountMax)
        // One more than asked for shows whether anything follows; one more yet for `after` itself.
        let found = try view.registers(from: max(after ?? lowest, lowest), countMax: bound + 2)
        let ours = found.filter { $0.0 != after && map.shard(of: $0.0) == shard }
        let page = ours.prefix(bound).map {
            RegisterSummary(collection: $0.0, accepted: $0.1.accepted)
        }
        invariant(page.count <= Limits.pageItemCountMax, "a page of \(page.count)")
        return .registers(page, isLast: ours.count <= bound)
    }

    private func pageBound(_ countMax: Int, _ limit: Int) -> Int {
        buggify("buggify.peer.pageOfOne") ? 1 : min(max(countMax, 1), limit)
    }

    private func listPends<View: PeerStoreView>(
        _ shard: ShardID, after: PendKey?, _ countMax: Int, view: View
    ) throws(DatabaseError) -> PeerReply {
        let lowest = BlockID(map.lowestID(of: shard).digest)
        let bound = pageBound(countMax, Limits.pendPageCountMax)
        // One more than asked for shows whether anything follows.
        let found = try view.pendKeys(from: lowest, after: after, countMax: bound + 1)
        let ours = found.filter { map.shard(of: $0.key.block) == shard }
        var page: [KeptPend] = []
        for key in ours.prefix(bound) {
            let replica = BlockReplica(key.key, view: view)
            if let pend = try replica.listing(of: key.payload) { page.append(pend) }
        }
        invariant(page.count <= Limits.pendPageCountMax, "a page of \(page.count)")
        return .pends(page, next: ours.count > bound ? ours[bound - 1] : nil)
    }

    private func listVersions<View: PeerStoreView>(
        _ shard: ShardID, after: VersionPosition?, _ countMax: Int, view: View
    ) throws(DatabaseError) -> [Directive] {
        let lowest = BlockID(map.lowestID(of: shard).digest)
        let bound = pageBound(countMax, Limits.scrubPageCountMax)
        // One more than asked for shows whether anything follows.
        let found = try view.versionPositions(from: lowest, after: after, countMax: bound + 1)
        let ours = found.filter { map.shard(of: $0.key.block) == shard }
        var page: [VersionSummary] = []
        var damages: [Directive] = []
        for position in ours.prefix(bound) {
            let version = try BlockReplica(position.key, view: view).summary(at: position.revision)
            page.append(version)
            if version.write == nil {
                damages.append(
                    .damage("block \(position.key.block) at \(position.revision) cannot be made"))
            }
        }
        invariant(page.count <= Limits.scrubPageCountMax, "a page of \(page.count)")
        return damages + [.reply(.versions(page, isLast: ours.count <= bound))]
    }

    /// Answered whatever is damaged: that is when it is wanted most.
    private func status(_ view: some PeerStoreView) -> PeerStatus {
        let statistics = view.statistics
        var status = PeerStatus(
            peer: identity, refusal: refusal, refusedShards: refusedShards.keys.sorted(),
            shardCount: UInt32(map.shards.count { $0.contains(identity) }),
            registerCount: statistics.registerCount, contentCount: statistics.contentCount,
            segmentCount: statistics.segmentCount, writeSequence: statistics.writeSequence,
            liveBytes: statistics.liveBytes, deadBytes: statistics.deadBytes)
        if refusal == nil {
            let sample = try? view.registers(
                from: CollectionID(.zero), countMax: Limits.statusCollectionCountMax)
            for (_, record) in sample ?? [] {
                guard let tail = try? TailValue(registerBytes: record.value).live else { continue }
                status.revisions.append(
                    CollectionRevision(name: tail.name, revision: tail.revision))
            }
        }
        return status
    }

    // MARK: Invariants

    /// Stops the process unless this peer gave up only shards it has a vote on, and only one that
    /// takes part. Called after each request in tests and simulations.
    /// - Complexity: O(shards given up).
    package func checkInvariants() {
        for shard in refusedShards.keys {
            invariant(map.isMember(identity, of: shard), "no vote on \(shard) was there to lose")
        }
        invariant(refusal == nil || refusedShards.isEmpty, "a peer without votes has lost some")
    }

    /// A host syncs what comes before a reply, so that nothing may come after it; and who is told
    /// that nothing was done can rely on it.
    private func checkOrder(of directives: [Directive]) {
        invariant(
            !directives.dropLast().contains(where: \.isReply), "a request is answered once")
        guard case .reply(.refused)? = directives.last else { return }
        invariant(
            !directives.contains { if case .write = $0 { true } else { false } },
            "a request that is refused has changed something")
    }
}

extension StoragePeer.Directive {
    fileprivate var isReply: Bool { if case .reply = self { true } else { false } }
}

extension PeerRequest.Operation {
    /// Whether it reads exactly one register: a damaged one then costs the vote on its shard.
    fileprivate var isAboutRegister: Bool {
        switch self {
        case .prepare, .accept, .query: true
        default: false
        }
    }

    /// Whether the id that the operation is about hashes into `shard`.
    fileprivate func belongs(to shard: ShardID, in map: ClusterMap) -> Bool {
        switch self {
        case .prepare(let collection, _), .accept(let collection, _, _, _),
            .query(let collection, _):
            map.shard(of: collection) == shard
        case .putContent(let block, _, _), .getContent(let block):
            map.shard(of: block) == shard
        case .putSegment(let key, _), .getSegment(let key):
            map.shard(of: key.blockID) == shard
        case .pend, .finalise, .discard, .readBlock, .install, .auditBlock:
            blockKey.map { map.shard(of: $0.block) == shard } ?? false
        case .listRegisters, .listVersions, .listPends, .listLives, .forget, .status:
            true
        }
    }
}
