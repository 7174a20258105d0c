import BlockRuntime

/// One attempt over several collections, complete: it lands in all of them or in none
/// (protocol: home-decides). A coordinator never makes another of it.
package struct TransactionAttempt: Hashable, Sendable {
    /// Names the attempt, its home and everything it touches.
    package let attempt: Attempt
    /// What it does to each collection that it writes, ascending; that of the home among them, if
    /// only as an entry that does nothing.
    package let writes: [CommitAttempt]
    package let wallMilliseconds: UInt64

    /// - Parameters:
    ///   - home: The collection that decides, the same for every try of the same actions.
    ///   - writes: All under one payload, each collection once.
    ///   - reads: Collections that are only read: what was read of them must still be so.
    /// - Precondition: The home is among `writes`, and no collection is named twice.
    package init(
        home: CollectionID, writes: [CommitAttempt], reads: [Participant] = [],
        wallMilliseconds: UInt64
    ) {
        guard let payload = writes.first?.payload else {
            fatalError("invariant: an attempt that writes nothing")
        }
        invariant(writes.allSatisfy { $0.payload == payload }, "one attempt has one payload")
        invariant(reads.allSatisfy { $0.role == .reads }, "a write among the reads")
        let attempt = Attempt(
            payload: payload, home: home, participants: writes.map(\.participant) + reads)
        let collections = Set(attempt.participants.map(\.collection))
        invariant(collections.count == attempt.participants.count, "a collection is named twice")
        self.attempt = attempt
        self.wallMilliseconds = wallMilliseconds
        let anchor = attempt.anchor
        self.writes = writes.map { $0.part(of: attempt, anchor) }
            .sorted { $0.participant < $1.participant }
    }

    /// What it does at the home.
    package var homeWrite: CommitAttempt {
        guard let write = writes.first(where: { $0.participant.collection == attempt.home }) else {
            fatalError("invariant: an attempt has its home as participant")
        }
        return write
    }

    /// What it does to a collection; nil when that is only read.
    package func write(of collection: CollectionID) -> CommitAttempt? {
        writes.first { $0.participant.collection == collection }
    }
}

extension CommitAttempt {
    /// The same as a part of an attempt over several collections, which its pends name.
    fileprivate func part(of attempt: Attempt, _ anchor: AttemptAnchor) -> CommitAttempt {
        let writes = writes.map { write in
            BlockWrite(
                block: write.block, record: write.record.part(of: anchor),
                committed: write.committed)
        }
        return CommitAttempt(
            participant: participant, payload: payload, body: body, writes: writes,
            headerAfter: headerAfter, checkpoint: checkpoint, pendingPolicy: pendingPolicy,
            wallMilliseconds: wallMilliseconds, transaction: attempt)
    }
}

extension PendRecord {
    fileprivate func part(of anchor: AttemptAnchor) -> PendRecord {
        PendRecord(
            transform: transform, baseRevision: baseRevision, basePayload: basePayload,
            baseHash: baseHash, resultHash: resultHash, collection: collection, anchor: anchor,
            bound: bound)
    }
}

/// Asks for one transaction over any number of collections, exactly once.
package struct TransactionRequest: Hashable, Sendable {
    /// The transaction's id: that of its first action in each log.
    package let action: ActionID
    /// The collection that decides: one that is written, the same over all retries
    /// (protocol: home-is-fixed).
    package let home: CollectionID
    /// Ascending by collection, each once.
    package let parts: [TransactionPart]
    /// The id of the first run of the body that this is another run of; nil for the first one. By
    /// it a proxy lets one that has lost to others go first.
    package let first: ActionID?
    /// What it was made of, which the entry at the home keeps.
    package let source: TransactionSource

    package init(
        action: ActionID, home: CollectionID, parts: [TransactionPart], first: ActionID? = nil,
        source: TransactionSource
    ) {
        self.source = source
        self.action = action
        self.first = first
        self.home = home
        self.parts = parts.sorted { $0.collection < $1.collection }
    }

    /// Names the body whose run it is.
    package var body: ActionID { first ?? action }

    /// What is wrong with it as it stands; nil when nothing is.
    package var problem: DatabaseError? {
        func invalid(_ message: String) -> DatabaseError {
            DatabaseError(.invalidArgument, message)
        }
        if let problem = Self.problem(participants: parts.count) { return problem }
        if Set(parts.map(\.collection)).count != parts.count {
            return invalid("a transaction names a collection twice")
        }
        guard let deciding = parts.first(where: { $0.collection == home }), deciding.writes else {
            return invalid("a transaction does not write the collection that is to decide it")
        }
        if let problem = source.problem { return problem }
        for part in parts {
            if Set(part.actions.map(\.kind)).count > 1 {
                return invalid("the actions on one collection are of two kinds")
            }
            if let problem = part.preparationProblem { return invalid(problem) }
            if part.actions.count > Limits.bodyActionCountMax {
                return invalid(
                    "\(part.actions.count) actions on one collection, bodyActionCountMax = "
                        + "\(Limits.bodyActionCountMax)")
            }
            if let problem = part.actions.lazy.compactMap(\.problem).first { return problem }
        }
        return nil
    }

    /// Why no transaction can be over so many collections; nil when it can.
    package static func problem(participants count: Int) -> DatabaseError? {
        guard count > Limits.participantCountMax || count == 0 else { return nil }
        return DatabaseError(
            .invalidArgument,
            "\(count) collections at one moment, of 1 to participantCountMax = "
                + "\(Limits.participantCountMax)")
    }

    /// Bytes that it takes while it waits, about.
    package var byteCount: Int {
        parts.reduce(512 + source.statements.reduce(0) { $0 + $1.count }) { total, part in
            part.actions.reduce(total + 256 + (part.prepared?.byteCount ?? 0)) {
                $0 + 64 + $1.bytes.count
            }
        }
    }

    /// What the entry at the home keeps of it.
    /// - Complexity: O(bytes), with a hash.
    package var record: TransactionRecord {
        let written = parts.filter(\.writes).map { ($0.collection, $0.actions.map(\.bytes)) }
        return TransactionRecord(
            action: action, source: source, hash: source.hash(action, written))
    }

    /// The id of an action of a part: that of the transaction for the first, and one that follows
    /// from it for each of the others.
    package func id(of number: Int) -> ActionID {
        number == 0 ? action : action.following(number)
    }
}

/// What a transaction does to one collection.
package struct TransactionPart: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// As in ``ActionRequest/firstRevision``.
    package let firstRevision: Revision
    /// The revision that the collection must still be at when the transaction takes effect; nil
    /// when its actions say themselves what they rely on.
    package let expectedRevision: Revision?
    /// In order; none of a collection that is only looked at.
    package let actions: [ActionContent]
    /// What the actions on a custom collection do at ``expectedRevision``; nil of any other kind.
    package let prepared: PreparedActions?

    package init(
        collection: CollectionID, incarnation: Incarnation, firstRevision: Revision,
        expectedRevision: Revision? = nil, actions: [ActionContent],
        prepared: PreparedActions? = nil
    ) {
        self.prepared = prepared
        self.collection = collection
        self.incarnation = incarnation
        self.firstRevision = firstRevision
        self.expectedRevision = expectedRevision
        self.actions = actions
    }

    /// Whether it gets an entry; otherwise only what was read of it must still be so.
    package var writes: Bool {
        actions.contains { action in
            if case .tree(let tree) = action { !tree.operations.isEmpty } else { true }
        }
    }

    /// What is wrong with what was prepared, in words; nil when nothing is.
    fileprivate var preparationProblem: String? {
        guard actions.first?.kind == .custom else {
            return prepared == nil ? nil : "only the actions of a custom collection come prepared"
        }
        guard let prepared else {
            return "the actions of a custom collection come without what they do"
        }
        guard expectedRevision != nil else {
            return "the actions of a custom collection were prepared at no revision"
        }
        guard Set(prepared.writes.map(\.block)).count == prepared.writes.count else {
            return "one block is written twice"
        }
        let isSound = prepared.writes.allSatisfy {
            $0.record.collection == collection && $0.record.anchor == nil
        }
        return isSound ? nil : "a prepared write is another collection's, or another attempt's"
    }
}

/// What the actions on a custom collection do to its blocks, as its handlers have found on a
/// snapshot: its client runs them, for no service has them.
package struct PreparedActions: Hashable, Sendable {
    /// Each block once, with the writes of it up to the snapshot that may not be final.
    package let writes: [BlockWrite]
    /// What the handlers have read and not written, ascending.
    package let reads: [ReadDependency]
    /// The header part from the entry on; nil when they do not change it.
    package let headerAfter: CollectionHeader?

    package init(
        writes: [BlockWrite], reads: [ReadDependency], headerAfter: CollectionHeader?
    ) {
        self.writes = writes
        self.reads = reads.sorted()
        self.headerAfter = headerAfter
    }

    /// Bytes that it takes, about.
    var byteCount: Int {
        writes.reduce(reads.count * 48) {
            $0 + 256 + $1.record.transform.count + $1.committed.count * 64
        }
    }
}

/// What became of one collection's part of a transaction that landed.
package struct TransactedPart: Hashable, Sendable {
    package let collection: CollectionID
    /// Of its entry; of what was only read, the revision that was read.
    package let revision: Revision
    /// One for each action, in order.
    package let outcomes: [ActionOutcome]

    package init(collection: CollectionID, revision: Revision, outcomes: [ActionOutcome]) {
        self.collection = collection
        self.revision = revision
        self.outcomes = outcomes
    }
}
