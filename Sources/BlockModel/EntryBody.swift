import BlockRuntime

/// One client's action inside a body.
package struct Action: Hashable, Sendable {
    package let id: ActionID
    /// What the client asked for, see ``ActionContent``; for a diary, the entry appended.
    package let bytes: Bytes
    /// What came of it, see ``ActionOutcome``; nothing for a diary.
    package let outcome: Bytes

    package init(id: ActionID, bytes: Bytes, outcome: Bytes = []) {
        self.id = id
        self.bytes = bytes
        self.outcome = outcome
    }
}

/// A block that an entry writes.
package struct TouchedBlock: Hashable, Sendable, Comparable {
    package let block: BlockID
    /// The block's last committed write below the entry; zero for a new block.
    package let baseRevision: Revision
    /// The payload of that write; nil for a new block.
    package let basePayload: PayloadID?
    package let transformHash: Digest
    package let resultHash: Digest

    package init(
        block: BlockID, baseRevision: Revision, basePayload: PayloadID?, transformHash: Digest,
        resultHash: Digest
    ) {
        self.block = block
        self.baseRevision = baseRevision
        self.basePayload = basePayload
        self.transformHash = transformHash
        self.resultHash = resultHash
    }

    package static func < (left: Self, right: Self) -> Bool { left.block < right.block }
}

/// A block that an entry read, and the revision it saw.
package struct ReadDependency: Hashable, Sendable, Comparable {
    package let block: BlockID
    package let revision: Revision

    package init(block: BlockID, revision: Revision) {
        self.block = block
        self.revision = revision
    }

    package static func < (left: Self, right: Self) -> Bool { left.block < right.block }
}

/// A collection, and the revision that a transaction read it as of.
package struct ReadCollection: Hashable, Sendable, Comparable {
    package let collection: CollectionID
    package let revision: Revision

    package init(collection: CollectionID, revision: Revision) {
        self.collection = collection
        self.revision = revision
    }

    package static func < (left: Self, right: Self) -> Bool { left.collection < right.collection }
}

/// What an entry did: the actions of one or many clients, in the order they ran, and what they
/// touched. Atomic as a whole.
package struct EntryBody: Hashable, Sendable {
    package let actions: [Action]
    package let blocks: [TouchedBlock]
    package let reads: [ReadDependency]
    /// At the home of an attempt over several collections, of each transaction that it carries out.
    package let records: [TransactionRecord]

    /// - Precondition: No action id occurs twice, and at most ``Limits/bodyActionCountMax`` do.
    package init(
        actions: [Action], blocks: [TouchedBlock] = [], reads: [ReadDependency] = [],
        records: [TransactionRecord] = []
    ) {
        self.actions = actions
        self.blocks = blocks.sorted()
        self.reads = reads.sorted()
        self.records = records.sorted()
        invariant(actions.count <= Limits.bodyActionCountMax, "\(actions.count) actions in a body")
    }

    /// The body of entries that carry no action.
    package static let empty = EntryBody(actions: [])

    /// The ids of all actions, ascending: the first field of the encoding.
    package var actionIDs: [ActionID] { actions.map(\.id).sorted() }
}

extension Action: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(id)
        encoder.append(bytes)
        encoder.append(outcome)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            id: try ActionID(from: &decoder),
            bytes: try decoder.byteString(countMax: Limits.actionBytesMax),
            outcome: try decoder.byteString(countMax: Limits.actionBytesMax))
    }
}

extension TouchedBlock: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(block)
        encoder.append(baseRevision)
        encoder.append(basePayload)
        encoder.append(transformHash)
        encoder.append(resultHash)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            block: try BlockID(from: &decoder), baseRevision: try Revision(from: &decoder),
            basePayload: try decoder.optional(PayloadID.self),
            transformHash: try decoder.digest(), resultHash: try decoder.digest())
    }
}

extension ReadDependency: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(block)
        encoder.append(revision)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(block: try BlockID(from: &decoder), revision: try Revision(from: &decoder))
    }
}

extension ReadCollection: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(collection)
        encoder.append(revision)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            collection: try CollectionID(from: &decoder), revision: try Revision(from: &decoder))
    }
}

extension EntryBody: CanonicalCodable {
    package static let version = FormVersion(2)

    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(Self.version)
        encoder.append(actionIDs)
        encoder.append(actions)
        encoder.append(blocks)
        encoder.append(reads)
        encoder.append(records)
    }

    /// The canonical bytes of a body without records, with some.
    package static func canonicalBytes(
        of body: Bytes, with records: [TransactionRecord]
    ) -> Bytes {
        var encoder = CanonicalEncoder()
        encoder.append([TransactionRecord]())
        let nothing = encoder.bytes
        invariant(body.suffix(nothing.count) == nothing[...], "a body that has records")
        var list = CanonicalEncoder()
        list.append(records.sorted())
        return body.dropLast(nothing.count) + list.bytes
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        try decoder.version(Self.version, of: "the body of an entry")
        let ids = try decoder.ascendingList(
            of: ActionID.self, countMax: Limits.bodyActionCountMax)
        let actions = try decoder.list(of: Action.self, countMax: Limits.bodyActionCountMax)
        guard actions.map(\.id).sorted() == ids else {
            throw decoder.malformed("an id list that is not that of the actions")
        }
        let itemCountMax = Limits.bodyBytesMax / Digest.byteCount
        self.init(
            actions: actions,
            blocks: try decoder.ascendingList(of: TouchedBlock.self, countMax: itemCountMax),
            reads: try decoder.ascendingList(of: ReadDependency.self, countMax: itemCountMax),
            records: try decoder.ascendingList(
                of: TransactionRecord.self, countMax: Limits.bodyActionCountMax))
    }
}
