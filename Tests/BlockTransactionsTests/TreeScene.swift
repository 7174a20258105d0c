import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// One tree as coordinators and replicas keep it: its log, and the versions of its blocks. What it
/// is asked to land must be right to the last hash.
struct TreeStore {
    private struct Version {
        let write: CommittedWrite
        let baseRevision: Revision
        let block: Block?
    }

    var log: SampleLog
    /// Writes that are no versions on their quorums yet.
    private(set) var unfinal: [BlockID: Set<Revision>] = [:]
    /// Blocks that nobody can read, and why.
    var unreadable: [BlockID: DatabaseError] = [:]
    private var versions: [BlockID: [Version]] = [:]

    init(generation: UInt64 = 1, kind: CollectionKind = .tree) {
        log = SampleLog(
            generation: generation,
            header: CollectionHeader(kind: kind, encoding: .bytes, capacity: kind == .tree ? 4 : 0))
    }

    /// Lands `attempt` as a coordinator does, if the log is still where it aims.
    mutating func land(_ attempt: CommitAttempt) throws -> RepositoryReply {
        if let landed = log.tail.entries.first(where: { $0.payload == attempt.payload }) {
            return .committed(landed.revision, chainHash: landed.chainHash)
        }
        guard attempt.participant.target == log.tail.revision.next else {
            return attempt.moved(by: log.tail)
        }
        let body = try EntryBody(canonicalBytes: attempt.body)
        let header = BlockID(log.tail.collection.digest)
        #expect(
            body.blocks.filter { $0.block != header } == attempt.writes.map(\.touched).sorted())
        #expect((attempt.headerAfter != nil) == (body.blocks.count > attempt.writes.count))
        for write in attempt.writes { try apply(write, of: attempt) }
        if let checkpoint = attempt.checkpoint {
            #expect(checkpoint.revision < attempt.participant.target)
            #expect(isTrue(checkpoint), "a checkpoint that is not true")
        }
        log.append(
            body, payload: attempt.payload, header: attempt.headerAfter,
            checkpoint: attempt.checkpoint)
        return .committed(log.tail.revision, chainHash: log.tail.lastHash)
    }

    /// Whether everything that a checkpoint claims to be final is, and no shard that it leaves
    /// behind has a later write than it says.
    func isTrue(_ checkpoint: Checkpoint) -> Bool {
        for (block, revisions) in unfinal {
            if revisions.contains(where: { $0 <= checkpoint.revision(of: block) }) { return false }
        }
        return checkpoint.lagging.allSatisfy { item in
            versions.allSatisfy { block, versions in
                !item.contains(block)
                    || !versions.suffix(64).contains {
                        $0.write.revision > item.last && $0.write.revision <= checkpoint.revision
                    }
            }
        }
    }

    mutating func finalise(_ revisions: [Revision]) {
        for block in Array(unfinal.keys) { forget(Set(revisions), of: block) }
    }

    mutating func finalise(_ entry: FinaliseEntry) {
        for block in entry.blocks { forget([entry.revision], of: block.block) }
    }

    private mutating func forget(_ revisions: Set<Revision>, of block: BlockID) {
        unfinal[block]?.subtract(revisions)
        if unfinal[block]?.isEmpty == true { unfinal[block] = nil }
    }

    private func isFinal(_ block: BlockID, _ revision: Revision) -> Bool {
        unfinal[block]?.contains(revision) != true
    }

    private mutating func apply(_ write: BlockWrite, of attempt: CommitAttempt) throws {
        let held = versions[write.block] ?? []
        let record = write.record
        #expect(record.baseRevision == held.last?.write.revision ?? .zero)
        #expect(record.basePayload == held.last?.write.payload)
        #expect(record.baseHash == held.last?.write.resultHash ?? .zero)
        #expect(held.isEmpty || held.last?.block != nil, "a removed block is written")
        #expect(write.committed == held.suffix(write.committed.count).map(\.write))
        let listed = Set(write.committed.map(\.revision))
        #expect(
            unfinal[write.block]?.isSubset(of: listed) ?? true,
            "a write that is neither listed nor final")
        let block = try BlockTransform(canonicalBytes: record.transform)
            .applied(to: held.last?.block)
        #expect((block?.digest ?? .zero) == record.resultHash)
        let done = CommittedWrite(
            revision: attempt.participant.target, payload: attempt.payload,
            resultHash: record.resultHash)
        unfinal[write.block, default: []].insert(done.revision)
        versions[write.block, default: []].append(
            Version(write: done, baseRevision: record.baseRevision, block: block))
    }

    /// What a block read answers. Without a list of writes a quorum need not know more than what
    /// was made final.
    func read(_ request: BlockReadRequest) -> BlockCopy? {
        let held =
            versions[request.key.block]?.prefix { $0.write.revision <= request.revision } ?? []
        let wanted = request.committed.last { $0.revision <= request.revision }
        let version = held.last {
            wanted.map { [write = $0.write] in write == $0 }
                ?? isFinal(request.key.block, $0.write.revision)
        }
        return version.map {
            BlockCopy(
                write: $0.write, baseRevision: $0.baseRevision,
                bytes: $0.block?.canonicalBytes)
        }
    }

    /// Fetches everything asked for.
    func fetch(_ items: [FetchItem]) throws -> Fetched {
        var things = Fetched()
        for item in items {
            switch item {
            case .object(let key): things.objects[key] = try log.object(key)
            case .block(let request):
                if let error = unreadable[request.key.block] {
                    things.failures[item] = error
                    continue
                }
                things.blocks[FetchedBlock.Key(request)] = try FetchedBlock(request, read(request))
            }
        }
        return things
    }

    /// The entries of the tree as a reader finds them at `revision`.
    func entries(at revision: Revision) throws -> [TreeEntry] {
        var history: BlockHistory?
        let source = try FetchedObjects.everything(of: log)
        try BlockHistory.catchUp(&history, to: log.tail, source: source)
        let known = try #require(history)
        let cache = SharedBlockCache()
        var fetched = Fetched()
        var count: TreeCount?
        while true {
            let snapshot = CollectionSnapshot(
                history: known, revision: revision, cache: cache, fetched: fetched.blocks)
            do {
                let reply = try StructureReader.answer(
                    .range(.all, .forward, bytesMax: 1 << 20, countMax: 4096), of: snapshot,
                    header: log.headers[Int(revision.rawValue)], collection: log.tail.collection,
                    incarnation: log.tail.incarnation, count: &count)
                guard case .treePage(let page) = reply else { return [] }
                return page.entries
            } catch let missing as MissingBlocks {
                let more = try fetch(
                    snapshot.requests(for: missing.ids, of: log.tail.collection).map {
                        .block($0)
                    })
                fetched.blocks.merge(more.blocks) { _, new in new }
            }
        }
    }
}

/// Proxies that write one tree, and what their clients were told.
struct TreeScene {
    struct Proxy {
        var writer: CollectionWriter
        var cache = SharedBlockCache()
        var history: BlockHistory?
        var attempt: CommitAttempt?
        var isReadingTail = false
        var fetches: [(items: [FetchItem], purpose: FetchPurpose)] = []
        var finalising: [FinaliseEntry] = []
        /// When the last event asked for a tick.
        var wakeAt: Instant?
    }

    var store: TreeStore
    var now = Instant.origin
    var generator: SeededGenerator
    let identifiers: SeededIdentifiers
    var proxies: [Proxy]
    /// By the action's number.
    private(set) var answers: [UInt64: [ClientReply]] = [:]
    private var requestCount: UInt64 = 0

    init(proxyCount: Int = 2, seed: UInt64 = 1, kind: CollectionKind = .tree) {
        store = TreeStore(kind: kind)
        generator = SeededGenerator(seed: seed)
        identifiers = SeededIdentifiers(seed: seed)
        let collection = store.log.tail.collection
        proxies = (0..<proxyCount).map { _ in
            Proxy(writer: CollectionWriter(collection: collection, shardCount: 16))
        }
    }

    mutating func handle(
        _ proxy: Int, _ event: (inout CollectionWriter, inout WriterEffects) -> Void
    ) throws {
        var effects = WriterEffects(
            now: now, wallMilliseconds: 0, makeIdentifier: identifiers.next,
            cache: FetchedObjects(),
            blocks: proxies[proxy].cache, history: proxies[proxy].history)
        event(&proxies[proxy].writer, &effects)
        proxies[proxy].writer.checkInvariants()
        proxies[proxy].history = effects.history
        for (token, reply) in effects.responses {
            answers[token & 0xFFFF_FFFF, default: []].append(reply)
        }
        if effects.wantsTail { proxies[proxy].isReadingTail = true }
        if !effects.wants.isEmpty { proxies[proxy].fetches.append((effects.wants, .scan)) }
        if !effects.wantsToRun.isEmpty {
            proxies[proxy].fetches.append((effects.wantsToRun, .run))
        }
        if !effects.wantsApart.isEmpty {
            proxies[proxy].fetches.append((effects.wantsApart, .apart))
        }
        proxies[proxy].wakeAt = effects.wakeAt
        if let attempt = effects.attempt {
            try #require(proxies[proxy].attempt == nil)
            proxies[proxy].attempt = attempt.commit
        }
        proxies[proxy].finalising += effects.entriesToFinalise
    }

    mutating func act(
        _ number: UInt64, _ action: TreeAction, at proxy: Int = 0, since: Revision? = nil,
        incarnation: Incarnation? = nil
    ) throws {
        try act(number, .tree(action), at: proxy, since: since, incarnation: incarnation)
    }

    mutating func act(
        _ number: UInt64, _ content: ActionContent, at proxy: Int = 0, since: Revision? = nil,
        incarnation: Incarnation? = nil
    ) throws {
        let tail = store.log.tail
        let request = ActionRequest(
            collection: tail.collection, incarnation: incarnation ?? tail.incarnation,
            action: Sample.action(number), firstRevision: since ?? tail.revision,
            content: content)
        let deadline = now.advanced(by: .seconds(10))
        // The action's number, and which request for it this is.
        requestCount += 1
        let token = number | requestCount << 32
        try handle(proxy) {
            $0.act(request, token: token, deadline: deadline, &$1)
            $0.tick(&$1)
        }
    }

    mutating func readTail(of proxy: Int) throws {
        guard proxies[proxy].isReadingTail else { return }
        proxies[proxy].isReadingTail = false
        let tail = store.log.tail
        try handle(proxy) { $0.tailWasRead(.live(tail), &$1) }
    }

    mutating func fetch(for proxy: Int, _ position: Int = 0) throws {
        guard position < proxies[proxy].fetches.count else { return }
        let (items, purpose) = proxies[proxy].fetches.remove(at: position)
        let things = try store.fetch(items)
        try handle(proxy) { $0.wasFetched(things, for: purpose, &$1) }
    }

    /// Brings whatever `proxy` waits for, until it has an attempt on its way or waits for nothing.
    mutating func prepare(_ proxy: Int = 0) throws {
        while proxies[proxy].isReadingTail || !proxies[proxy].fetches.isEmpty {
            try readTail(of: proxy)
            try fetch(for: proxy)
        }
    }

    mutating func answer(_ proxy: Int = 0) throws {
        guard let attempt = proxies[proxy].attempt else { return }
        proxies[proxy].attempt = nil
        let reply = try store.land(attempt)
        try handle(proxy) { $0.attemptEnded(reply, &$1) }
    }

    mutating func finalise(_ proxy: Int = 0, isFinal: Bool = true) throws {
        guard !proxies[proxy].finalising.isEmpty else { return }
        let entry = proxies[proxy].finalising.removeFirst()
        if isFinal { store.finalise(entry) }
        try handle(proxy) { $0.finaliseEnded(entry, isFinal: isFinal, &$1) }
    }

    /// Carries an action through, alone.
    mutating func run(_ number: UInt64, _ action: TreeAction, at proxy: Int = 0) throws {
        try act(number, action, at: proxy)
        while !proxies[proxy].writer.isIdle {
            try prepare(proxy)
            try answer(proxy)
        }
    }
}

extension TreeAction {
    static func put(_ keys: UInt8..., value: UInt8) -> TreeAction {
        TreeAction(operations: keys.map { .put(key: [$0], value: [value]) })
    }
}
