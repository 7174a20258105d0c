import BlockModel
import BlockRuntime
import CProtocol

// Transactions of clients.

// MARK: - Building

extension WireArena {
    func message(_ request: TransactionRequest) -> UnsafeMutablePointer<TransactMessage> {
        make(optimystic__v1__transact__init) {
            $0.action = identifier(request.action.rawValue)
            $0.home = digest(request.home.digest)
            $0.parts = list(request.parts) { message($0) }
            $0.n_parts = request.parts.count
            if let first = request.first { $0.first = identifier(first.rawValue) }
            $0.source = message(request.source)
        }
    }

    private func message(
        _ part: TransactionPart
    ) -> UnsafeMutablePointer<TransactionPartMessage> {
        make(optimystic__v1__transaction_part__init) {
            $0.collection = digest(part.collection.digest)
            $0.incarnation = message(part.incarnation)
            $0.first_revision = part.firstRevision.rawValue
            if let expected = part.expectedRevision {
                $0.expecting_case = OPTIMYSTIC__V1__TRANSACTION_PART__EXPECTING_EXPECTED_REVISION
                $0.expected_revision = expected.rawValue
            }
            $0.actions = list(part.actions) { message($0) }
            $0.n_actions = part.actions.count
            $0.prepared = part.prepared.map { message($0) }
        }
    }

    private func message(
        _ prepared: PreparedActions
    ) -> UnsafeMutablePointer<PreparedActionsMessage> {
        make(optimystic__v1__prepared_actions__init) {
            $0.writes = list(prepared.writes) { message($0) }
            $0.n_writes = prepared.writes.count
            $0.reads = list(prepared.reads) { message($0) }
            $0.n_reads = prepared.reads.count
            $0.header_after = prepared.headerAfter.map { message($0) }
        }
    }

    private func message(_ content: ActionContent) -> UnsafeMutablePointer<PartActionMessage> {
        make(optimystic__v1__part_action__init) {
            switch content {
            case .append(let value):
                $0.content_case = OPTIMYSTIC__V1__PART_ACTION__CONTENT_APPEND
                $0.append = bytes(value)
            case .tree(let action):
                $0.content_case = OPTIMYSTIC__V1__PART_ACTION__CONTENT_TREE
                $0.tree = message(action)
            case .queue(let action):
                $0.content_case = OPTIMYSTIC__V1__PART_ACTION__CONTENT_QUEUE
                $0.queue = message(action)
            case .custom(let action):
                $0.content_case = OPTIMYSTIC__V1__PART_ACTION__CONTENT_CUSTOM
                $0.custom = bytes(action)
            }
        }
    }

    func message(_ parts: [TransactedPart]) -> UnsafeMutablePointer<TransactedMessage> {
        make(optimystic__v1__transacted__init) {
            $0.parts = list(parts) { part in
                make(optimystic__v1__transacted_part__init) {
                    $0.collection = digest(part.collection.digest)
                    $0.revision = part.revision.rawValue
                    $0.outcomes = list(part.outcomes) { message(outcome: $0) }
                    $0.n_outcomes = part.outcomes.count
                }
            }
            $0.n_parts = parts.count
        }
    }

    func message(_ id: TransactionID) -> UnsafeMutablePointer<TransactionIDMessage> {
        make(optimystic__v1__transaction_id__init) {
            $0.action = identifier(id.action.rawValue)
            $0.home = message(id.home)
            $0.first_revision = id.firstRevision.rawValue
        }
    }

    func message(
        snapshotOf lives: [CollectionLife]
    ) -> UnsafeMutablePointer<ReadSnapshotMessage> {
        make(optimystic__v1__read_snapshot__init) {
            $0.collections = list(lives) { message($0) }
            $0.n_collections = lives.count
        }
    }

    func message(snapshot revisions: [Revision]) -> UnsafeMutablePointer<SnapshotMessage> {
        make(optimystic__v1__snapshot__init) {
            $0.revisions = array(revisions, \.rawValue)
            $0.n_revisions = revisions.count
        }
    }

    private func message(
        outcome: ActionOutcome
    ) -> UnsafeMutablePointer<PartOutcomeMessage> {
        make(optimystic__v1__part_outcome__init) {
            switch outcome {
            case .appended:
                $0.outcome_case = OPTIMYSTIC__V1__PART_OUTCOME__OUTCOME_APPENDED
                $0.appended = nothing
            case .tree(let outcome):
                $0.outcome_case = OPTIMYSTIC__V1__PART_OUTCOME__OUTCOME_TREE
                $0.tree = message(outcome)
            case .queue(let outcome):
                $0.outcome_case = OPTIMYSTIC__V1__PART_OUTCOME__OUTCOME_QUEUE
                $0.queue = message(outcome)
            }
        }
    }
}

// MARK: - Reading

extension TransactionID {
    init(
        wire message: UnsafeMutablePointer<TransactionIDMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            action: ActionID(rawValue: try message.action.identifier("transaction_id.action")),
            home: try CollectionLife(wire: message.home, "transaction_id.home"),
            firstRevision: try Revision(
                wire: message.first_revision, "transaction_id.first_revision"))
    }
}

/// The collections whose snapshot is asked for.
func snapshotLives(
    _ message: UnsafeMutablePointer<ReadSnapshotMessage>?
) throws(DatabaseError) -> [CollectionLife] {
    let message = try required(message, "snapshot")
    let lives = try list(
        message.collections, message.n_collections, "snapshot.collections",
        countMax: .participantCountMax
    ) { item throws(DatabaseError) in try CollectionLife(wire: item, "snapshot.collections") }
    _ = try ascending(lives.map(\.collection), "snapshot.collections")
    return lives
}

func snapshotRevisions(
    _ message: UnsafeMutablePointer<SnapshotMessage>?
) throws(DatabaseError) -> [Revision] {
    let message = try required(message, "snapshot")
    return try array(
        message.revisions, message.n_revisions, "snapshot.revisions",
        countMax: .participantCountMax
    ) { number throws(DatabaseError) in try Revision(wire: number, "snapshot.revisions") }
}

extension TransactionRequest {
    init(wire message: UnsafeMutablePointer<TransactMessage>?) throws(DatabaseError) {
        let message = try required(message, "transact")
        let parts = try list(
            message.parts, message.n_parts, "transact.parts",
            countMax: .participantCountMax
        ) { item throws(DatabaseError) in try TransactionPart(wire: item) }
        _ = try ascending(parts.map(\.collection), "transact.parts")
        self.init(
            action: ActionID(rawValue: try message.action.identifier("transact.action")),
            home: try message.home.collection("transact.home"), parts: parts,
            first: message.first.len == 0
                ? nil : ActionID(rawValue: try message.first.identifier("transact.first")),
            source: try TransactionSource(wire: message.source, "transact.source"))
    }
}

extension TransactionPart {
    fileprivate init(
        wire message: UnsafeMutablePointer<TransactionPartMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "transact.parts")
        let isExpecting =
            message.expecting_case == OPTIMYSTIC__V1__TRANSACTION_PART__EXPECTING_EXPECTED_REVISION
        self.init(
            collection: try message.collection.collection("transact.parts.collection"),
            incarnation: try Incarnation(
                wire: message.incarnation, "transact.parts.incarnation"),
            firstRevision: try Revision(
                wire: message.first_revision, "transact.parts.first_revision"),
            expectedRevision: try isExpecting
                ? Revision(wire: message.expected_revision, "transact.parts.expected_revision")
                : nil,
            actions: try list(
                message.actions, message.n_actions, "transact.parts.actions",
                countMax: .bodyActionCountMax
            ) { item throws(DatabaseError) in try ActionContent(wire: item) },
            prepared: try message.prepared == nil
                ? nil : PreparedActions(wire: message.prepared))
    }
}

extension PreparedActions {
    fileprivate init(
        wire message: UnsafeMutablePointer<PreparedActionsMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "transact.parts.prepared")
        self.init(
            writes: try list(
                message.writes, message.n_writes, "transact.parts.prepared.writes",
                countMax: .transformBlockCountMax
            ) { item throws(DatabaseError) in try BlockWrite(wire: item) },
            reads: try ascending(
                list(
                    message.reads, message.n_reads, "transact.parts.prepared.reads",
                    countMax: .bodyDigestCountMax
                ) { item throws(DatabaseError) in try ReadDependency(wire: item) },
                "transact.parts.prepared.reads"),
            headerAfter: try message.header_after == nil
                ? nil
                : CollectionHeader(
                    wire: message.header_after, "transact.parts.prepared.header_after"))
    }
}

extension ActionContent {
    fileprivate init(
        wire message: UnsafeMutablePointer<PartActionMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "transact.parts.actions")
        switch message.content_case {
        case OPTIMYSTIC__V1__PART_ACTION__CONTENT_APPEND:
            self = .append(try message.append.value("transact.parts.actions.append"))
        case OPTIMYSTIC__V1__PART_ACTION__CONTENT_TREE:
            self = .tree(try TreeAction(wire: message.tree, "transact.parts.actions.tree"))
        case OPTIMYSTIC__V1__PART_ACTION__CONTENT_QUEUE:
            self = .queue(try QueueAction(wire: message.queue, "transact.parts.actions.queue"))
        case OPTIMYSTIC__V1__PART_ACTION__CONTENT_CUSTOM:
            self = .custom(
                try message.custom.bytes(
                    "transact.parts.actions.custom", bytesMax: .actionBytesMax))
        default: throw unset("transact.parts.actions.content")
        }
    }
}

/// What became of each part of a transaction.
func transactedParts(
    _ message: UnsafeMutablePointer<TransactedMessage>?
) throws(DatabaseError) -> [TransactedPart] {
    let message = try required(message, "transacted")
    return try list(
        message.parts, message.n_parts, "transacted.parts", countMax: .participantCountMax
    ) { item throws(DatabaseError) in
        let item = try required(item, "transacted.parts")
        return TransactedPart(
            collection: try item.collection.collection("transacted.parts.collection"),
            revision: try Revision(wire: item.revision, "transacted.parts.revision"),
            outcomes: try list(
                item.outcomes, item.n_outcomes, "transacted.parts.outcomes",
                countMax: .bodyActionCountMax
            ) { item throws(DatabaseError) in try ActionOutcome(wire: item) })
    }
}

extension ActionOutcome {
    fileprivate init(
        wire message: UnsafeMutablePointer<PartOutcomeMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "transacted.parts.outcomes")
        switch message.outcome_case {
        case OPTIMYSTIC__V1__PART_OUTCOME__OUTCOME_APPENDED: self = .appended
        case OPTIMYSTIC__V1__PART_OUTCOME__OUTCOME_TREE:
            self = .tree(try TreeOutcome(wire: message.tree))
        case OPTIMYSTIC__V1__PART_OUTCOME__OUTCOME_QUEUE:
            self = .queue(try QueueOutcome(wire: message.queue))
        default: throw unset("transacted.parts.outcomes.outcome")
        }
    }
}
