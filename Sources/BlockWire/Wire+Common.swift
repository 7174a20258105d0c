import BlockModel
import BlockRuntime
import CProtocol

extension Wire {
    /// The payload of ``WireKind/error``.
    package static func encode(_ error: DatabaseError) -> Bytes {
        pack { $0.message(error) }
    }

    /// - Throws: `.malformedMessage` when the bytes are no error themselves.
    package static func decodeError(_ frame: Bytes) throws(DatabaseError) -> DatabaseError {
        try unpack(frame, as: "error", optimystic__v1__error__unpack) {
            message throws(DatabaseError) in try DatabaseError(wire: message)
        }
    }
}

// MARK: - Building

extension WireArena {
    var nothing: UnsafeMutablePointer<NothingMessage> { make(optimystic__v1__nothing__init) }

    /// The cause and the place stay here: they are for the log of this process.
    func message(_ error: DatabaseError) -> UnsafeMutablePointer<ErrorMessage> {
        make(optimystic__v1__error__init) {
            $0.code = error.code.rawValue
            $0.outcome = .init(UInt32(error.outcome.rawValue))
            $0.message = text(error.message.cut(toBytes: Limits.errorMessageBytesMax))
            if let delay = error.retryAfter {
                $0.retry_case = OPTIMYSTIC__V1__ERROR__RETRY_RETRY_AFTER_MS
                let longest = Limits.requestTimeMax.milliseconds
                $0.retry_after_ms = UInt64(min(max(delay.milliseconds, 0), longest))
            }
        }
    }

    func message(_ incarnation: Incarnation) -> UnsafeMutablePointer<IncarnationMessage> {
        make(optimystic__v1__incarnation__init) {
            $0.generation = incarnation.generation
            $0.nonce = identifier(incarnation.nonce)
        }
    }

    func message(_ payload: PayloadID) -> UnsafeMutablePointer<PayloadIDMessage> {
        make(optimystic__v1__payload_id__init) {
            $0.action = identifier(payload.action.rawValue)
            $0.execution = payload.execution
        }
    }

    func message(_ ballot: Ballot) -> UnsafeMutablePointer<BallotMessage> {
        make(optimystic__v1__ballot__init) {
            $0.epoch = ballot.epoch.rawValue
            $0.counter = ballot.counter
            $0.proposer = identifier(ballot.proposer.rawValue)
        }
    }

    func message(_ participant: Participant) -> UnsafeMutablePointer<ParticipantMessage> {
        make(optimystic__v1__participant__init) {
            $0.collection = digest(participant.collection.digest)
            $0.incarnation = message(participant.incarnation)
            $0.target = participant.target.rawValue
            $0.role = .init(UInt32(participant.role.rawValue))
        }
    }

    func message(_ anchor: AttemptAnchor) -> UnsafeMutablePointer<AttemptAnchorMessage> {
        make(optimystic__v1__attempt_anchor__init) {
            $0.attempt = digest(anchor.attempt)
            $0.home = message(anchor.home)
        }
    }

    func message(_ header: CollectionHeader) -> UnsafeMutablePointer<CollectionHeaderMessage> {
        make(optimystic__v1__collection_header__init) {
            $0.kind = .init(UInt32(header.kind.rawValue))
            $0.encoding = .init(UInt32(header.encoding.rawValue))
            $0.capacity = header.capacity
            $0.root = digest(header.root?.digest)
            $0.key_type = text(header.keyType?.text ?? "")
        }
    }

    func message(_ key: SegmentKey) -> UnsafeMutablePointer<SegmentKeyMessage> {
        make(optimystic__v1__segment_key__init) {
            $0.collection = digest(key.collection.digest)
            $0.incarnation = message(key.incarnation)
            $0.index = key.index
            $0.hash = digest(key.hash)
        }
    }

    func message(_ target: AuditTarget) -> UnsafeMutablePointer<AuditTargetMessage> {
        make(optimystic__v1__audit_target__init) {
            switch target {
            case .register(let collection):
                $0.target_case = OPTIMYSTIC__V1__AUDIT_TARGET__TARGET_TAIL_REGISTER
                $0.tail_register = digest(collection.digest)
            case .content(let block):
                $0.target_case = OPTIMYSTIC__V1__AUDIT_TARGET__TARGET_CONTENT
                $0.content = digest(block.digest)
            case .segment(let key):
                $0.target_case = OPTIMYSTIC__V1__AUDIT_TARGET__TARGET_SEGMENT
                $0.segment = message(key)
            case .block(let key, let revision):
                $0.target_case = OPTIMYSTIC__V1__AUDIT_TARGET__TARGET_BLOCK
                $0.block = message(key, asOf: revision)
            }
        }
    }

    func message(
        collectionsAfter cursor: CollectionID?, countMax: UInt32
    ) -> UnsafeMutablePointer<ListCollectionsMessage> {
        make(optimystic__v1__list_collections__init) {
            $0.after = digest(cursor?.digest)
            $0.count_max = countMax
        }
    }
}

extension String {
    /// The longest prefix of whole Unicode scalars within `bytesMax` bytes of UTF-8.
    func cut(toBytes bytesMax: Int) -> String {
        guard utf8.count > bytesMax else { return self }
        var end = utf8.index(startIndex, offsetBy: bytesMax)
        // A byte 10xxxxxx continues a scalar.
        while utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}

// MARK: - Reading

extension DatabaseError {
    init(wire message: ErrorMessage) throws(DatabaseError) {
        guard message.code != 0 else { throw malformed("error.code", "0 is no code") }
        var delay: Duration?
        if message.retry_case == OPTIMYSTIC__V1__ERROR__RETRY_RETRY_AFTER_MS {
            delay = .milliseconds(
                try bounded(
                    message.retry_after_ms, "error.retry_after_ms", from: 0,
                    through: .requestTimeMax))
        }
        self.init(
            ErrorCode(rawValue: message.code),
            try message.message.text("error.message", bytesMax: .errorMessageBytesMax),
            outcome: try known(message.outcome, "error.outcome"), retryAfter: delay)
    }

    init(
        wire message: UnsafeMutablePointer<ErrorMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        try self.init(wire: try required(message, field))
    }
}

extension Incarnation {
    init(
        wire message: UnsafeMutablePointer<IncarnationMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            generation: try counted(message.generation, "incarnation.generation"),
            nonce: try message.nonce.identifier("incarnation.nonce"))
    }
}

extension PayloadID {
    init(
        wire message: UnsafeMutablePointer<PayloadIDMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            action: ActionID(rawValue: try message.action.identifier("payload.action")),
            execution: message.execution)
    }
}

extension Ballot {
    init(
        wire message: UnsafeMutablePointer<BallotMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            epoch: Epoch(message.epoch), counter: try counted(message.counter, "ballot.counter"),
            proposer: ProposerID(rawValue: try message.proposer.identifier("ballot.proposer")))
    }
}

extension Participant {
    init(
        wire message: UnsafeMutablePointer<ParticipantMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            collection: try message.collection.collection("participant.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "participant.incarnation"),
            target: try Revision(wire: message.target, "participant.target"),
            role: try known(message.role, "participant.role"))
    }
}

extension AttemptAnchor {
    init(
        wire message: UnsafeMutablePointer<AttemptAnchorMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            attempt: try message.attempt.digest(field),
            home: try Participant(wire: message.home, field))
    }
}

extension CollectionHeader {
    init(
        wire message: UnsafeMutablePointer<CollectionHeaderMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        let root = try message.root.len == 0 ? nil : message.root.block("header.root")
        self.init(
            kind: try known(message.kind, "header.kind"),
            encoding: try known(message.encoding, "header.encoding"),
            keyType: try message.key_type.keyType("header.key_type"),
            capacity: message.capacity, root: root)
    }
}

extension SegmentKey {
    init(
        wire message: UnsafeMutablePointer<SegmentKeyMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            collection: try message.collection.collection("segment_key.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "segment_key.incarnation"),
            index: try counted(message.index, "segment_key.index"),
            hash: try message.hash.digest("segment_key.hash"))
    }
}

extension AuditTarget {
    init(
        wire message: UnsafeMutablePointer<AuditTargetMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        switch message.target_case {
        case OPTIMYSTIC__V1__AUDIT_TARGET__TARGET_TAIL_REGISTER:
            self = .register(try message.tail_register.collection("audit.tail_register"))
        case OPTIMYSTIC__V1__AUDIT_TARGET__TARGET_CONTENT:
            self = .content(try message.content.block("audit.content"))
        case OPTIMYSTIC__V1__AUDIT_TARGET__TARGET_SEGMENT:
            self = .segment(try SegmentKey(wire: message.segment, "audit.segment"))
        case OPTIMYSTIC__V1__AUDIT_TARGET__TARGET_BLOCK:
            let block = try required(message.block, "audit.block")
            self = .block(
                try BlockKey(wire: block.key, "audit.block.key"),
                try Revision(wire: block.revision, "audit.block.revision"))
        default: throw unset("audit.target")
        }
    }
}

/// The cursor and the bound of a list request.
func listing(
    _ message: UnsafeMutablePointer<ListCollectionsMessage>?
) throws(DatabaseError) -> (after: CollectionID?, countMax: UInt32) {
    let message = try required(message, "list_collections")
    return (
        try message.after.collectionIfAny("list_collections.after"),
        try bounded(
            message.count_max, "list_collections.count_max", from: 1, through: .pageItemCountMax)
    )
}
