import BlockModel
import BlockRuntime
import CProtocol

// What transactions were made of: of clients that send them, and as the log keeps it.

// MARK: - Building

extension WireArena {
    func message(
        _ source: TransactionSource
    ) -> UnsafeMutablePointer<TransactionSourceMessage> {
        make(optimystic__v1__transaction_source__init) {
            $0.stamp = message(source.stamp)
            $0.statements = array(source.statements) { bytes($0) }
            $0.n_statements = source.statements.count
            $0.reads = list(source.reads) { message($0) }
            $0.n_reads = source.reads.count
        }
    }

    private func message(
        _ stamp: TransactionStamp
    ) -> UnsafeMutablePointer<TransactionStampMessage> {
        make(optimystic__v1__transaction_stamp__init) {
            $0.client = identifier(stamp.client)
            $0.engine = bytes(stamp.engine.bytes)
            $0.schema = digestOrNone(stamp.schema)
            $0.time_ms = stamp.milliseconds
            $0.expiry_ms = stamp.expiry
        }
    }

    func message(
        _ record: TransactionRecord
    ) -> UnsafeMutablePointer<TransactionRecordMessage> {
        make(optimystic__v1__transaction_record__init) {
            $0.action = identifier(record.action.rawValue)
            $0.source = message(record.source)
            $0.hash = digest(record.hash)
        }
    }

    private func message(_ read: ReadCollection) -> UnsafeMutablePointer<ReadCollectionMessage> {
        make(optimystic__v1__read_collection__init) {
            $0.collection = digest(read.collection.digest)
            $0.revision = read.revision.rawValue
        }
    }
}

// MARK: - Reading

extension TransactionSource {
    init(
        wire message: UnsafeMutablePointer<TransactionSourceMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            stamp: try TransactionStamp(wire: message.stamp),
            statements: try array(
                message.statements, message.n_statements, "transaction_source.statements",
                countMax: .statementCountMax
            ) { item throws(DatabaseError) in
                try item.bytes("transaction_source.statements", bytesMax: .statementBytesMax)
            },
            reads: try ascending(
                list(
                    message.reads, message.n_reads, "transaction_source.reads",
                    countMax: .participantCountMax
                ) { item throws(DatabaseError) in try ReadCollection(wire: item) },
                "transaction_source.reads"))
    }
}

extension TransactionStamp {
    fileprivate init(
        wire message: UnsafeMutablePointer<TransactionStampMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "transaction_source.stamp")
        let name = try message.engine.bytes(
            "transaction_stamp.engine", bytesMax: .engineNameBytesMax)
        guard let engine = EngineName(name) else {
            throw malformed("transaction_stamp.engine", "is no name of an engine, as actions@1 is")
        }
        self.init(
            client: try message.client.identifier("transaction_stamp.client"), engine: engine,
            schema: try message.schema.digestOrZero("transaction_stamp.schema"),
            milliseconds: message.time_ms, expiry: message.expiry_ms)
    }
}

extension TransactionRecord {
    init(
        wire message: UnsafeMutablePointer<TransactionRecordMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "log_entry.records")
        self.init(
            action: ActionID(
                rawValue: try message.action.identifier("transaction_record.action")),
            source: try TransactionSource(wire: message.source, "transaction_record.source"),
            hash: try message.hash.digest("transaction_record.hash"))
    }
}

extension ReadCollection {
    fileprivate init(
        wire message: UnsafeMutablePointer<ReadCollectionMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "transaction_source.reads")
        self.init(
            collection: try message.collection.collection("read_collection.collection"),
            revision: try Revision(wire: message.revision, "read_collection.revision"))
    }
}
