import BlockRuntime

/// What a transaction was made of: with it anyone can execute the transaction again.
package struct TransactionSource: Hashable, Sendable {
    package let stamp: TransactionStamp
    /// What its engine was given; none of ``EngineName/actions``, whose statements are the actions
    /// that it lands.
    package let statements: [Bytes]
    /// The revisions that everything was read as of, ascending by collection: one moment.
    package let reads: [ReadCollection]

    package init(
        stamp: TransactionStamp, statements: [Bytes] = [], reads: [ReadCollection] = []
    ) {
        self.stamp = stamp
        self.statements = statements
        self.reads = reads.sorted()
    }

    /// What is wrong with it as it stands; nil when nothing is.
    package var problem: DatabaseError? {
        let bytes = statements.reduce(0) { $0 + $1.count }
        if bytes > Limits.statementBytesMax || statements.count > Limits.statementCountMax {
            return DatabaseError(
                .valueTooLarge,
                "\(statements.count) statements of \(bytes) bytes, statementCountMax = "
                    + "\(Limits.statementCountMax), statementBytesMax = "
                    + "\(Limits.statementBytesMax)")
        }
        if stamp.engine == .actions, !statements.isEmpty {
            return DatabaseError(
                .invalidArgument, "statements beside the actions, for \(stamp.engine)")
        }
        guard reads.count <= Limits.participantCountMax,
            zip(reads, reads.dropFirst()).allSatisfy({ $0.collection != $1.collection })
        else {
            return DatabaseError(
                .invalidArgument, "a transaction reads a collection as of two revisions")
        }
        return nil
    }

    /// Over all of it and the actions that it became, of each collection that gets an entry,
    /// ascending: what two tries under one id must have in common.
    package func hash(
        _ action: ActionID, _ parts: [(collection: CollectionID, actions: [Bytes])]
    ) -> Digest {
        var encoder = CanonicalEncoder()
        encoder.append(action)
        encoder.append(self)
        encoder.append(UInt32(parts.count))
        for part in parts {
            encoder.append(part.collection)
            encoder.append(UInt32(part.actions.count))
            for action in part.actions { encoder.append(action) }
        }
        return Digest(domain: "optimystic/transaction/1", encoder.bytes)
    }
}

extension TransactionSource: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(stamp)
        encoder.append(UInt32(statements.count))
        for statement in statements { encoder.append(statement) }
        encoder.append(reads)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let stamp = try TransactionStamp(from: &decoder)
        let count = try decoder.uint32()
        guard count <= Limits.statementCountMax else {
            throw decoder.malformed("\(count) statements")
        }
        var statements: [Bytes] = []
        for _ in 0..<count {
            statements.append(try decoder.byteString(countMax: Limits.statementBytesMax))
        }
        self.init(
            stamp: stamp, statements: statements,
            reads: try decoder.ascendingList(
                of: ReadCollection.self, countMax: Limits.participantCountMax))
    }
}
