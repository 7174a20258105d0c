import BlockModel
import BlockRuntime
import CProtocol

// Pages of a log.

// MARK: - Building

extension WireArena {
    func message(_ read: LogReadRequest) -> UnsafeMutablePointer<ReadLogMessage> {
        make(optimystic__v1__read_log__init) {
            $0.collection = digest(read.collection.digest)
            $0.incarnation = message(read.incarnation)
            $0.after = read.after.rawValue
            $0.bytes_max = read.bytesMax
            $0.wait_ms = read.waitMilliseconds
        }
    }

    func message(_ page: LogPage) -> UnsafeMutablePointer<LogPageMessage> {
        make(optimystic__v1__log_page__init) {
            $0.entries = list(page.entries) { message($0) }
            $0.n_entries = page.entries.count
            $0.revision = page.revision.rawValue
            $0.header = message(page.header)
            $0.checkpoint = page.checkpoint.revision.rawValue
            $0.lagging = list(page.checkpoint.lagging) { message($0) }
            $0.n_lagging = page.checkpoint.lagging.count
            $0.shard_count = page.shardCount
            $0.header_revision = page.headerRevision.rawValue
        }
    }

    private func message(_ entry: LogEntry) -> UnsafeMutablePointer<LogEntryMessage> {
        make(optimystic__v1__log_entry__init) {
            $0.revision = entry.revision.rawValue
            $0.payload = message(entry.payload)
            $0.actions = list(entry.body.actions) { message($0) }
            $0.n_actions = entry.body.actions.count
            $0.blocks = list(entry.body.blocks) { message($0) }
            $0.n_blocks = entry.body.blocks.count
            $0.reads = list(entry.body.reads) { message($0) }
            $0.n_reads = entry.body.reads.count
            $0.records = list(entry.body.records) { message($0) }
            $0.n_records = entry.body.records.count
            $0.header_after = entry.headerAfter.map { message($0) }
            $0.home = digest(entry.attempt?.home.digest)
            let participants = entry.attempt?.participants ?? []
            $0.participants = list(participants) { message($0) }
            $0.n_participants = participants.count
            $0.wall_ms = entry.wallMilliseconds
        }
    }

    private func message(_ action: Action) -> UnsafeMutablePointer<LoggedActionMessage> {
        make(optimystic__v1__logged_action__init) {
            $0.id = identifier(action.id.rawValue)
            $0.content = bytes(action.bytes)
            $0.outcome = bytes(action.outcome)
        }
    }

    private func message(_ touched: TouchedBlock) -> UnsafeMutablePointer<TouchedBlockMessage> {
        make(optimystic__v1__touched_block__init) {
            $0.block = digest(touched.block.digest)
            $0.base_revision = touched.baseRevision.rawValue
            $0.base_payload = touched.basePayload.map { message($0) }
            $0.transform_hash = digest(touched.transformHash)
            $0.result_hash = digestOrNone(touched.resultHash)
        }
    }

    func message(_ read: ReadDependency) -> UnsafeMutablePointer<ReadDependencyMessage> {
        make(optimystic__v1__read_dependency__init) {
            $0.block = digest(read.block.digest)
            $0.revision = read.revision.rawValue
        }
    }
}

// MARK: - Reading

extension LogReadRequest {
    init(wire message: UnsafeMutablePointer<ReadLogMessage>?) throws(DatabaseError) {
        let message = try required(message, "read_log")
        self.init(
            collection: try message.collection.collection("read_log.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "read_log.incarnation"),
            after: try Revision(wire: message.after, "read_log.after"),
            bytesMax: try bounded(
                message.bytes_max, "read_log.bytes_max", from: 0, through: .pageBytesMax),
            waitMilliseconds: try bounded(
                message.wait_ms, "read_log.wait_ms",
                from: 0, through: .requestTimeMax))
    }
}

extension LogPage {
    init(wire message: UnsafeMutablePointer<LogPageMessage>?) throws(DatabaseError) {
        let message = try required(message, "log_page")
        let entries = try list(
            message.entries, message.n_entries, "log_page.entries",
            countMax: .pageItemCountMax
        ) { item throws(DatabaseError) in try LogEntry(wire: item) }
        for (left, right) in zip(entries, entries.dropFirst())
        where right.revision != left.revision.next {
            throw malformed("log_page.entries", "\(right.revision) after \(left.revision)")
        }
        self.init(
            entries: entries, revision: try Revision(wire: message.revision, "log_page.revision"),
            header: try CollectionHeader(wire: message.header, "log_page.header"),
            headerRevision: try Revision(
                wire: message.header_revision, "log_page.header_revision"),
            checkpoint: try Checkpoint(
                wire: message.checkpoint, message.lagging, message.n_lagging,
                "log_page.checkpoint"),
            shardCount: try bounded(
                message.shard_count, "log_page.shard_count", from: 1, through: .shardCountMax))
    }
}

extension LogEntry {
    fileprivate init(
        wire message: UnsafeMutablePointer<LogEntryMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "log_page.entries")
        self.init(
            revision: try Revision(wire: message.revision, "log_entry.revision"),
            payload: try PayloadID(wire: message.payload, "log_entry.payload"),
            body: try EntryBody(wire: message),
            headerAfter: try message.header_after == nil
                ? nil : CollectionHeader(wire: message.header_after, "log_entry.header_after"),
            attempt: try partOf(message),
            wallMilliseconds: message.wall_ms)
    }
}

/// The attempt over several collections that an entry is a part of.
private func partOf(_ message: LogEntryMessage) throws(DatabaseError) -> Attempt? {
    guard let home = try message.home.collectionIfAny("log_entry.home") else { return nil }
    let participants = try list(
        message.participants, message.n_participants, "log_entry.participants",
        countMax: .participantCountMax
    ) { item throws(DatabaseError) in try Participant(wire: item, "log_entry.participants") }
    _ = try ascending(participants.map(\.collection), "log_entry.participants")
    guard participants.contains(where: { $0.collection == home }) else {
        throw malformed("log_entry.home", "is no participant")
    }
    return Attempt(
        payload: try PayloadID(wire: message.payload, "log_entry.payload"), home: home,
        participants: participants)
}

extension EntryBody {
    fileprivate init(wire message: LogEntryMessage) throws(DatabaseError) {
        let actions = try list(
            message.actions, message.n_actions, "log_entry.actions",
            countMax: .bodyActionCountMax
        ) { item throws(DatabaseError) in try Action(wire: item) }
        _ = try ascending(actions.map(\.id).sorted(), "log_entry.actions.id")
        self.init(
            actions: actions,
            blocks: try ascending(
                list(
                    message.blocks, message.n_blocks, "log_entry.blocks",
                    countMax: .bodyDigestCountMax
                ) { item throws(DatabaseError) in try TouchedBlock(wire: item) },
                "log_entry.blocks"),
            reads: try ascending(
                list(
                    message.reads, message.n_reads, "log_entry.reads", countMax: .bodyDigestCountMax
                ) { item throws(DatabaseError) in try ReadDependency(wire: item) },
                "log_entry.reads"),
            records: try ascending(
                list(
                    message.records, message.n_records, "log_entry.records",
                    countMax: .bodyActionCountMax
                ) { item throws(DatabaseError) in try TransactionRecord(wire: item) },
                "log_entry.records"))
    }
}

extension Action {
    fileprivate init(
        wire message: UnsafeMutablePointer<LoggedActionMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "log_entry.actions")
        self.init(
            id: ActionID(rawValue: try message.id.identifier("logged_action.id")),
            bytes: try message.content.bytes(
                "logged_action.content", bytesMax: .actionBytesMax),
            outcome: try message.outcome.bytes(
                "logged_action.outcome", bytesMax: .actionBytesMax))
    }
}

extension TouchedBlock {
    fileprivate init(
        wire message: UnsafeMutablePointer<TouchedBlockMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "log_entry.blocks")
        self.init(
            block: try message.block.block("touched_block.block"),
            baseRevision: try Revision(
                wire: message.base_revision, "touched_block.base_revision"),
            basePayload: try message.base_payload == nil
                ? nil : PayloadID(wire: message.base_payload, "touched_block.base_payload"),
            transformHash: try message.transform_hash.digest("touched_block.transform_hash"),
            resultHash: try message.result_hash.digestOrZero("touched_block.result_hash"))
    }
}

extension ReadDependency {
    init(wire message: UnsafeMutablePointer<ReadDependencyMessage>?) throws(DatabaseError) {
        let message = try required(message, "log_entry.reads")
        self.init(
            block: try message.block.block("read_dependency.block"),
            revision: try Revision(wire: message.revision, "read_dependency.revision"))
    }
}
