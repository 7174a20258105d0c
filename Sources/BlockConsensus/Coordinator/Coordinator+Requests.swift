import BlockModel
import BlockRuntime

/// How each request becomes rounds, and the end of a round the answer.
extension Coordinator {
    mutating func start(_ request: RepositoryRequest, for token: Token, deadline: Instant) {
        invariant(requestCount > 0, "a request that is not counted")
        guard requestCount <= Limits.requestCountMax else {
            return fail(token, overloaded("requestCountMax = \(Limits.requestCountMax)"))
        }
        guard roundCount < Limits.roundCountMax else {
            return fail(token, overloaded("roundCountMax = \(Limits.roundCountMax)"))
        }
        guard deadline > now else {
            // A courtesy: the client has given up. That it may come late all the same, no rule
            // forgets.
            let message = "the time given had run out when the request came"
            return fail(token, DatabaseError(.deadlineExceeded, message))
        }
        check(request, for: token, deadline: deadline)
    }

    /// - Precondition: The log lists what the request claims it does.
    mutating func begin(_ request: RepositoryRequest, for token: Token, deadline: Instant) {
        switch request {
        case .readTail(let collection):
            startRead(collection, owner: .reader(collection, .client(token)), deadline: deadline)
        case .create(let creation):
            let collection = CollectionID(name: creation.name)
            change(collection, .create(creation), owner: .client(token), deadline: deadline)
        case .commit(let attempt): commit(attempt, for: token, deadline: deadline)
        case .transact(let attempt): transact(attempt, for: token, deadline: deadline)
        case .drop(let drop):
            change(drop.collection, .drop(drop), owner: .client(token), deadline: deadline)
        case .truncate(let request):
            change(
                request.collection, .truncate(request), owner: .client(token), deadline: deadline)
        case .retain(let request):
            change(
                request.collection, .retain(request), owner: .client(token), deadline: deadline)
        case .sweep(let peer, let after): sweep(peer, after, for: token, deadline: deadline)
        case .getContent(let block):
            fetch(.getContent(block), placedBy: block, for: token, deadline: deadline) {
                BlockID(content: $0) == block
            }
        case .getSegment(let key):
            fetch(.getSegment(key), placedBy: key.blockID, for: token, deadline: deadline) {
                Segment.hash(of: $0) == key.hash
            }
        case .readBlock(let request): readBlock(request, for: token, deadline: deadline)
        case .finalise(let entry): finalise(entry, for: token, deadline: deadline)
        case .listCollections(let cursor, let countMax):
            let list = CollectionList(
                map: map, after: cursor, countMax: Int(countMax), deadline: deadline)
            add(list, owner: .client(token))
        case .listPends(let shard, let after, let countMax):
            listPends(shard, after: after, countMax: Int(countMax), for: token, deadline: deadline)
        case .scrub(let shard, let after, let countMax):
            scrub(shard, after: after, countMax: Int(countMax), for: token, deadline: deadline)
        case .status:
            let broadcast = Broadcast(about: .status, in: map, doubted: doubtedPeers)
            add(broadcast, owner: .client(token))
        case .audit(let target):
            let broadcast = Broadcast(about: .audit(target), in: map, doubted: doubtedPeers)
            add(broadcast, owner: .client(token))
        }
    }

    mutating func start(_ upkeep: Upkeep, for token: Token, deadline: Instant) {
        invariant(requestCount > 0, "a request that is not counted")
        switch upkeep {
        case .discard(let key, let target):
            let write = QuorumWrite(
                .discard(key.key, key.payload, target: target), confirmedBy: .discarded,
                members: Membership(shard: map.shard(of: key.key.block), in: map),
                deadline: deadline)
            add(write, owner: .client(token))
        case .fence(let attempt):
            change(
                attempt.home.collection, .fence(attempt), owner: .client(token),
                deadline: deadline)
        case .resolveIntents(let tail):
            resolveIntents(of: tail)
            wasDiscarded(token)
        }
    }

    func overloaded(_ limit: String) -> DatabaseError {
        DatabaseError(
            .overloaded, "the coordinator holds as much as it may: \(limit)",
            retryAfter: RetryTiming.afterFullTable)
    }

    private mutating func fail(_ token: Token, _ error: DatabaseError) {
        respond(token, .failed(error))
    }

    // MARK: Reads

    mutating func startRead(_ collection: CollectionID, owner: RoundOwner, deadline: Instant) {
        let members = Membership(shard: map.shard(of: collection), in: map)
        let read = TailRead(collection: collection, members: members, deadline: deadline)
        add(read, owner: owner)
    }

    private mutating func fetch(
        _ operation: PeerRequest.Operation, placedBy block: BlockID, for token: Token,
        deadline: Instant, isIntact: @escaping @Sendable (Bytes) -> Bool
    ) {
        let members = Membership(shard: map.shard(of: block), in: map)
        let fetch = ReplicaFetch(
            operation, members: members, deadline: deadline, isIntact: isIntact)
        add(fetch, owner: .client(token))
    }

    // MARK: Changes

    mutating func change(
        _ collection: CollectionID, _ change: TailChange, owner: RoundOwner, deadline: Instant
    ) {
        let proposer = makeProposer(collection, change, prerequisiteCount: 0, deadline)
        if enqueue(proposer, owner: owner) == nil {
            let error = overloaded("registerQueueCountMax = \(Limits.registerQueueCountMax)")
            notify(owner, .failed(error))
        }
    }

    func makeProposer(
        _ collection: CollectionID, _ change: TailChange, prerequisiteCount: Int,
        _ deadline: Instant
    ) -> Proposer {
        Proposer(
            collection: collection,
            members: Membership(shard: map.shard(of: collection), in: map), change: change,
            prerequisiteCount: prerequisiteCount, deadline: deadline, timing: timing)
    }

    mutating func commit(
        _ attempt: CommitAttempt, for token: Token, deadline: Instant
    ) {
        if let problem = attempt.problem { return fail(token, problem) }
        let collection = attempt.participant.collection
        let proposer = makeProposer(
            collection, .commit(attempt),
            prerequisiteCount: attempt.prerequisiteCount, deadline)
        if enqueue(proposer, owner: .client(token)) == nil {
            fail(token, overloaded("registerQueueCountMax = \(Limits.registerQueueCountMax)"))
        }
    }

    /// Stores the body and the pends beside the prepare; the accept waits for all of them
    /// (protocol: pends-before-decision). Not before its turn: what waits behind another change of
    /// the register mostly comes too late.
    mutating func storePrerequisites(of id: UInt64) {
        guard let proposer = rounds[id]?.proposer, case .commit(let attempt) = proposer.change
        else { return }
        invariant(
            queues[proposer.collection]?.running?.id == id, "what waits for its turn is stored")
        let owner = rounds[id]?.owner
        store(attempt, for: id, deadline: proposer.deadline)
        if case .decision(let transaction)? = owner {
            prepareParticipants(of: transaction, for: id)
        }
    }

    /// Stores what a write needs before it may be decided by the change `id`.
    mutating func store(_ attempt: CommitAttempt, for id: UInt64, deadline: Instant) {
        if !attempt.isInline {
            let block = BlockID(content: attempt.body)
            let write = QuorumWrite(
                .putContent(block, attempt.body, for: attempt.owner),
                members: Membership(shard: map.shard(of: block), in: map), deadline: deadline)
            add(write, owner: .prerequisite(of: id))
        }
        pend(attempt, for: id, deadline: deadline)
    }

    // MARK: Answers

    /// The round of a client's request has ended.
    mutating func finishRequest(_ token: Token, _ result: RoundResult) {
        switch result {
        case .stored: wasDiscarded(token)
        case .reply(let reply): respond(token, reply)
        case .failed(let error): fail(token, error)
        case .undecided, .broadcastEnded: invariant(false, "a request cannot end with \(result)")
        }
    }

    func reports(
        _ peers: [PeerID], _ replies: [PeerID: PeerReply]
    ) -> [PeerReport] {
        invariant(replies.count <= peers.count, "replies of others than were asked")
        var statuses: [PeerID: PeerStatus] = [:]
        for case (let peer, .status(let answer)) in replies { statuses[peer] = answer }
        var lostShards: [PeerID: UInt32] = [:]
        for number in map.shards.indices {
            let members = Membership(shard: ShardID(rawValue: UInt32(number)), in: map)
            let voting = members.peers.count { peer in
                guard let status = statuses[peer], status.refusal == nil else { return false }
                return !status.refusedShards.contains(members.shard)
            }
            guard voting < members.quorum else { continue }
            for peer in members.peers { lostShards[peer, default: 0] += 1 }
        }
        return map.peers.map { peer in
            PeerReport(
                peer: peer.id, name: peer.name, address: peer.address, status: statuses[peer.id],
                lostShardCount: lostShards[peer.id] ?? 0)
        }
    }
}
