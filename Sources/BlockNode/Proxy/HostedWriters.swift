import BlockModel
import BlockRuntime
import BlockTransactions

/// The writers of the collections that a proxy changes, bounded in number and bytes.
struct HostedWriters: Sendable {
    private var writers: [CollectionID: CollectionWriter] = [:]
    private var weights = CollectionWeights()
    /// Those that are not at work and have made everything final, in the order of their last event.
    private var resting = RecencyList<CollectionID>()
    /// Those that are not at work and have not.
    private var quiet = RecencyList<CollectionID>()
    private let shardCount: Int
    private let makeIdentifier: @Sendable () -> Identifier128
    private let wallMilliseconds: @Sendable () -> UInt64

    init(
        shardCount: Int, makeIdentifier: @escaping @Sendable () -> Identifier128,
        wallMilliseconds: @escaping @Sendable () -> UInt64
    ) {
        invariant(shardCount > 0, "writers of a cluster without shards")
        self.shardCount = shardCount
        self.makeIdentifier = makeIdentifier
        self.wallMilliseconds = wallMilliseconds
    }

    var count: Int { writers.count }
    /// Bytes of what they remember of their logs, about.
    var byteCount: Int { weights.total }

    func contains(_ collection: CollectionID) -> Bool { writers[collection] != nil }

    /// What a transaction begins with that has the collection.
    func sourceForTransaction(of collection: CollectionID) -> BatchSource {
        invariant(contains(collection), "a transaction has a collection that nobody writes")
        return writers[collection]?.sourceForTransaction ?? BatchSource(collection: collection)
    }

    /// Whether a history must stay, because a writer has not made all of it final.
    func needsHistory(of collection: CollectionID) -> Bool {
        writers[collection].map(\.needsHistory) ?? false
    }

    // MARK: Events

    /// Gives an event to the writer of a collection, which is made for it if there is none, and
    /// retired behind it when nothing is left for it to do.
    /// - Returns: What the writer needs, in order.
    mutating func run(
        _ collection: CollectionID, _ caches: inout ProxyCaches, now: Instant,
        _ step: (inout CollectionWriter, inout WriterEffects) -> Void
    ) -> [ProxyStep] {
        caches.noteUse(of: collection)
        var writer =
            writers.removeValue(forKey: collection)
            ?? CollectionWriter(collection: collection, shardCount: shardCount)
        var effects = WriterEffects(
            now: now, wallMilliseconds: wallMilliseconds(), makeIdentifier: makeIdentifier,
            cache: caches.objects, blocks: caches.blocks,
            history: caches.takeHistory(of: collection))
        step(&writer, &effects)
        #if SIMULATION_HOOKS
        writer.checkInvariants()
        #endif
        invariant(writers[collection] == nil, "the writer of \(collection) ran within itself")
        caches.keep(effects.history, of: collection, isNeeded: writer.needsHistory)
        var needs: [ProxyStep] = []
        if writer.isForgettable && !effects.wantsTail {
            needs = retire(&writer, of: collection, &caches, now)
        } else {
            writers[collection] = writer
            weights.set(collection, writer.weight)
            rank(writer, of: collection)
        }
        return needs + [.room] + effects.needs(of: collection)
    }

    /// Notes whether a writer may go, and when it was at work last.
    private mutating func rank(_ writer: CollectionWriter, of collection: CollectionID) {
        if writer.isQuiet && writer.isFinal {
            resting.use(collection)
        } else {
            resting.remove(collection)
        }
        if writer.isQuiet && !writer.isFinal {
            quiet.use(collection)
        } else {
            quiet.remove(collection)
        }
    }

    /// A try of the attempt of a writer is out, or has failed.
    mutating func attemptProgress(
        of collection: CollectionID, isTrying: Bool, trouble: DatabaseError?
    ) {
        invariant(isTrying == (trouble == nil), "a try is out or it has failed")
        writers[collection]?.attemptProgress(isTrying: isTrying, trouble: trouble)
    }

    /// The writer of a collection waits for something that is in trouble.
    mutating func learned(_ trouble: DatabaseError, of collection: CollectionID) {
        writers[collection]?.learned(trouble)
    }

    /// A chosen tail was read: readers of it are given the blocks that its writer has made.
    func share(with tail: Tail, in blocks: SharedBlockCache) {
        writers[tail.collection]?.share(with: tail, in: blocks)
    }

    /// Retires one writer that is not at work, if there are too many: what it knows of its log can
    /// be read again. Rather one that has made everything final; of another one, that is begun for
    /// the last time.
    /// - Complexity: O(1).
    mutating func makeRoom(_ caches: inout ProxyCaches, now: Instant) -> [ProxyStep] {
        guard
            count > Limits.writerCountMax || byteCount > Limits.writerBytesMax
                || buggify("buggify.proxy.forgetsWriter")
        else { return [] }
        guard let collection = resting.oldest ?? quiet.oldest,
            var writer = writers.removeValue(forKey: collection)
        else { return [] }
        mark("proxy.writerForgotten")
        return retire(&writer, of: collection, &caches, now)
    }

    /// Has made final what a writer leaves that it had not.
    private mutating func retire(
        _ writer: inout CollectionWriter, of collection: CollectionID,
        _ caches: inout ProxyCaches, _ now: Instant
    ) -> [ProxyStep] {
        invariant(writer.isQuiet, "the writer of \(collection) is at work and is to go")
        invariant(writers[collection] == nil, "the writer of \(collection) is still hosted")
        weights.set(collection, nil)
        resting.remove(collection)
        quiet.remove(collection)
        let deadline = now.advanced(by: Limits.sharedCallTime)
        let entries = writer.leave(caches.histories[collection])
        caches.releaseHistory(of: collection)
        return entries.map { .call(.finalise($0), .finalising(collection), deadline: deadline) }
            + [.rest(.writer(collection))]
    }

    /// Stops the process unless every writer is weighed.
    /// - Complexity: O(1).
    func checkInvariants() {
        invariant(count == weights.count, "\(count) writers, \(weights.count) weighed")
        invariant(
            resting.count + quiet.count <= count,
            "\(resting.count) and \(quiet.count) of \(count) writers are not at work")
    }
}

extension CollectionWriter {
    /// Whether what is known of the newest writes must stay: not all of it is final.
    fileprivate var needsHistory: Bool { !isQuiet || !isFinal }
}

extension WriterEffects {
    /// What a writer asks for. It has no client of its own: it goes on while any client waits.
    fileprivate func needs(of collection: CollectionID) -> [ProxyStep] {
        var needs = responses.map { ProxyStep.answer($0.token, $0.reply) }
        if wantsTail { needs.append(.askForTail(collection, .writer)) }
        func fetch(_ items: [FetchItem], _ purpose: FetchPurpose, _ time: Duration) {
            guard !items.isEmpty else { return }
            let deadline = now.advanced(by: time)
            needs.append(.fetch(items, .writer(collection, purpose), deadline: deadline))
        }
        fetch(wants, .scan, Limits.sharedCallTime)
        fetch(wantsToRun, .run, Limits.runFetchTime)
        fetch(wantsApart, .apart, Limits.runFetchTime)
        if let attempt {
            needs.append(
                .call(.commit(attempt.commit), .writer(collection), deadline: attempt.deadline))
        }
        let finaliseDeadline = now.advanced(by: Limits.finaliseTime)
        for entry in entriesToFinalise {
            needs.append(
                .call(.finalise(entry), .finalising(collection), deadline: finaliseDeadline))
        }
        if let wakeAt { needs.append(.wake(.writer(collection), at: wakeAt)) }
        if isHeld { needs.append(.writerRests(collection)) }
        return needs
    }
}
