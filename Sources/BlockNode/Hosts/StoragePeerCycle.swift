import BlockConsensus
import BlockModel
import BlockRuntime
import BlockStorage
import BlockWire

/// What a storage peer does with everything that arrived in one turn of its loop: all requests
/// through the machine, then one synced batch, then the replies.
///
/// Knows no transport, clock or thread, so that a simulated peer runs exactly what a real one does.
package struct StoragePeerCycle {
    /// What one run did, for logs and counters.
    package struct Report: Equatable {
        /// Requests answered.
        package var requestCount = 0
        /// Whether anything had to be written, and so synced.
        package var wroteBatch = false
        /// What the machine found that must be impossible.
        package var alarms: [String] = []
        /// What the machine could not read because it is damaged.
        package var damages: [String] = []
        package init() {}
    }

    private var peer: StoragePeer
    private let epoch: Epoch
    /// nil exactly when the peer takes no part.
    private let repository: StorageRepository?
    /// nil exactly when the peer takes no part, or keeps no journal.
    private let journal: AckJournal?

    /// A peer that takes part.
    /// - Parameters:
    ///   - journal: Advanced by ``afterReplies(now:)``.
    ///   - memoBytesMax: Bytes of blocks kept ready.
    package init(
        identity: PeerID, map: ClusterMap, repository: StorageRepository, journal: AckJournal?,
        memoBytesMax: Int = Limits.blockMemoBytesMax
    ) {
        peer = StoragePeer(
            identity: identity, map: map, refusal: nil, memoBytesMax: memoBytesMax)
        epoch = map.epoch
        self.repository = repository
        self.journal = journal
    }

    /// A peer that answers its status and refuses everything else, because of `refusal`.
    package init(identity: PeerID, map: ClusterMap, refusal: DatabaseError) {
        invariant(refusal.outcome == .notApplied, "a refusal that leaves doubt: \(refusal)")
        peer = StoragePeer(identity: identity, map: map, refusal: refusal)
        epoch = map.epoch
        repository = nil
        journal = nil
    }

    package var identity: PeerID { peer.identity }

    /// Answers `batches`, which all arrived before any of them is answered.
    ///
    /// A request sees the writes of those before it. `reply` is called once for each batch, in
    /// order, after everything that it says is durable.
    /// - Throws: What the engine threw. Nothing was handed to `reply`, what is on disk is unknown,
    ///   and the process must end: a write or sync is never tried again.
    package mutating func run<Sender>(
        _ batches: [(sender: Sender, items: [PeerBatchItem])],
        reply: (Sender, PeerBatchReply) -> Void
    ) throws -> Report {
        invariant(!hasStagedWrites, "what an earlier turn wrote was never synced")
        var report = Report()
        var replies: [(sender: Sender, items: [PeerReplyItem])] = []
        replies.reserveCapacity(batches.count)
        for batch in batches { replies.append((batch.sender, try stage(batch.items, &report))) }
        report.wroteBatch = hasStagedWrites
        if !planted(.replyBeforeSync) { try commit() }
        invariant(replies.count == batches.count, "a batch has no answer")
        invariant(
            !hasStagedWrites || planted(.replyBeforeSync), "a reply leaves before its sync")
        for batch in replies {
            reply(
                batch.sender,
                PeerBatchReply(peer: peer.identity, epoch: epoch, items: batch.items))
        }
        if planted(.replyBeforeSync) { try commit() }
        return report
    }

    /// Answers `items` over what is durable and what is staged, and stages what they write.
    ///
    /// Only for a caller that dies with this peer may an answer be seen before ``commit()``.
    package mutating func stage(
        _ items: [PeerBatchItem], _ report: inout Report
    ) throws(DatabaseError) -> [PeerReplyItem] {
        var answers: [PeerReplyItem] = []
        answers.reserveCapacity(items.count)
        for item in items {
            answers.append(PeerReplyItem(id: item.id, reply: try answer(item, &report)))
        }
        invariant(
            zip(items, answers).allSatisfy { $0.id == $1.id } && items.count == answers.count,
            "an answer has the id of another request")
        report.requestCount += answers.count
        return answers
    }

    /// Whether ``commit()`` has anything to write.
    package var hasStagedWrites: Bool { repository?.hasStagedWrites ?? false }

    /// Makes everything staged durable: one batch, one sync.
    /// - Throws: As ``run(_:reply:)``.
    package func commit() throws {
        try repository?.commitCycle()
        invariant(!hasStagedWrites, "a commit left something to write")
    }

    /// Notes in the ack journal what was answered. Off the way of the replies: call it after they
    /// left, and again at ``nextWake``.
    /// - Throws: As ``AckJournal/acknowledge(_:at:)``; the process must end.
    package func afterReplies(now: Instant) throws {
        invariant(!hasStagedWrites, "a turn ended before what it wrote was synced")
        guard let repository else { return }
        try repository.reclaimSpace(now: now)
        guard let journal else { return }
        try journal.acknowledge(repository.writeSequence, at: now)
    }

    /// When ``afterReplies(now:)`` has something to do; nil when it has not.
    package var nextWake: Instant? { journal?.nextWrite }

    private mutating func answer(
        _ item: PeerBatchItem, _ report: inout Report
    ) throws(DatabaseError) -> PeerReply {
        let directives =
            if let repository {
                peer.receive(item.request, view: repository)
            } else {
                peer.receive(item.request, view: UnreadableStore())
            }
        var answer: PeerReply?
        for directive in directives {
            switch directive {
            case .write(let write):
                invariant(repository != nil, "a peer that takes no part writes nothing")
                try repository?.apply(write)
            case .reply(let reply):
                invariant(answer == nil, "a request is answered once")
                answer = reply
            case .alarm(let message): report.alarms.append(message)
            case .damage(let message): report.damages.append(message)
            }
        }
        guard let answer else {
            throw DatabaseError(.internalError, "request \(item.id) got no answer")
        }
        return answer
    }
}

/// The store of a peer that takes no part: nothing in it may be read.
private struct UnreadableStore: PeerStoreView {
    private static let refusal = DatabaseError(
        .notParticipating, "the store of this peer is not read")

    func register(_ collection: CollectionID) throws(DatabaseError) -> RegisterRecord {
        throw Self.refusal
    }

    func content(_ block: BlockID) throws(DatabaseError) -> Bytes? { throw Self.refusal }

    func segment(_ key: SegmentKey) throws(DatabaseError) -> Bytes? { throw Self.refusal }

    func pend(_ key: PendKey) throws(DatabaseError) -> PendRecord? { throw Self.refusal }

    func pends(
        of key: BlockKey
    ) throws(DatabaseError) -> [(payload: PayloadID, record: PendRecord)] { throw Self.refusal }

    func pendLoad(of key: BlockKey) throws(DatabaseError) -> PendLoad { throw Self.refusal }

    func version(
        of key: BlockKey, at revision: Revision
    ) throws(DatabaseError) -> VersionRecord? { throw Self.refusal }

    func newestVersion(
        of key: BlockKey, through revision: Revision
    ) throws(DatabaseError) -> VersionRecord? { throw Self.refusal }

    func pendKeys(
        from lowest: BlockID, after: PendKey?, countMax: Int
    ) throws(DatabaseError) -> [PendKey] { throw Self.refusal }

    func versionPositions(
        from lowest: BlockID, after: VersionPosition?, countMax: Int
    ) throws(DatabaseError) -> [VersionPosition] { throw Self.refusal }

    func registers(
        from lowest: CollectionID, countMax: Int
    ) throws(DatabaseError) -> [(CollectionID, RegisterRecord)] {
        throw Self.refusal
    }

    func storedRecords(
        after: Bytes?, through: Bytes?, countMax: Int
    ) throws(DatabaseError) -> [StoredRecord] { throw Self.refusal }

    func contentOwners(of block: BlockID) throws(DatabaseError) -> [Incarnation] {
        throw Self.refusal
    }

    func contentOwner(
        of block: BlockID, in incarnation: Incarnation
    ) throws(DatabaseError) -> ContentOwner? { throw Self.refusal }

    var statistics: PeerStoreStatistics { PeerStoreStatistics() }
}
