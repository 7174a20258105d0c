import BlockModel
import BlockRuntime
import CProtocol

// Giving space back: ends of lives and of history.

// MARK: - Building

extension WireArena {
    func message(_ life: CollectionLife) -> UnsafeMutablePointer<CollectionLifeMessage> {
        make(optimystic__v1__collection_life__init) {
            $0.collection = digest(life.collection.digest)
            $0.incarnation = message(life.incarnation)
        }
    }

    func message(_ owner: ContentOwner) -> UnsafeMutablePointer<ContentOwnerMessage>? {
        if owner == .unknown { return nil }
        return make(optimystic__v1__content_owner__init) {
            $0.life = message(owner.life)
            $0.target = owner.target.rawValue
        }
    }

    func message(
        _ lives: [CollectionLife], next: Bytes?
    ) -> UnsafeMutablePointer<LivesPageMessage> {
        make(optimystic__v1__lives_page__init) {
            $0.lives = list(lives) { message($0) }
            $0.n_lives = lives.count
            $0.next = bytes(next ?? [])
        }
    }

    func message(
        _ ends: [LifeEnd], after: Bytes?, through: Bytes?
    ) -> UnsafeMutablePointer<ForgetRecordsMessage> {
        make(optimystic__v1__forget_records__init) {
            $0.ends = list(ends) { message($0) }
            $0.n_ends = ends.count
            $0.after = bytes(after ?? [])
            $0.through = bytes(through ?? [])
        }
    }

    private func message(_ end: LifeEnd) -> UnsafeMutablePointer<LifeEndMessage> {
        make(optimystic__v1__life_end__init) {
            $0.life = message(end.life)
            if let through = end.truncatedThrough {
                $0.lives_on_case = OPTIMYSTIC__V1__LIFE_END__LIVES_ON_TRUNCATED_THROUGH
                $0.truncated_through = through.rawValue
            }
        }
    }

    func message(
        sweepOf peer: PeerID, after: Bytes?
    ) -> UnsafeMutablePointer<SweepPeerMessage> {
        make(optimystic__v1__sweep_peer__init) {
            $0.peer = identifier(peer.rawValue)
            $0.after = bytes(after ?? [])
        }
    }

    func message(_ report: SweepReport) -> UnsafeMutablePointer<SweepReportMessage> {
        make(optimystic__v1__sweep_report__init) {
            $0.removed_count = report.removedCount
            $0.removed_bytes = report.removedBytes
            $0.next = bytes(report.next ?? [])
        }
    }

    func message(
        _ request: TruncateCollection
    ) -> UnsafeMutablePointer<TruncateCollectionMessage> {
        make(optimystic__v1__truncate_collection__init) {
            $0.collection = digest(request.collection.digest)
            $0.incarnation = message(request.incarnation)
            $0.through = request.through.rawValue
        }
    }

    func message(_ request: RetainHistory) -> UnsafeMutablePointer<RetainHistoryMessage> {
        make(optimystic__v1__retain_history__init) {
            $0.collection = digest(request.collection.digest)
            $0.incarnation = message(request.incarnation)
            $0.count = request.retention.wireCount
        }
    }

    func message(_ state: HistoryState) -> UnsafeMutablePointer<HistoryStateMessage> {
        make(optimystic__v1__history_state__init) {
            $0.truncated_through = state.truncatedThrough.rawValue
            $0.final_through = state.finalThrough.rawValue
            $0.retained_count = state.retention.wireCount
        }
    }
}

extension Retention {
    fileprivate var wireCount: UInt64 {
        switch self {
        case .all: 0
        case .last(let count): count
        }
    }

    fileprivate init(wire count: UInt64, _ field: StaticString) throws(DatabaseError) {
        guard count <= Limits.counterMax else {
            throw over(field, "\(count) revisions", .counterMax)
        }
        self = count == 0 ? .all : .last(count)
    }
}

// MARK: - Reading

extension ProtobufCBinaryData {
    /// A place in a peer's store; nil: none.
    func placeIfAny(_ field: StaticString) throws(DatabaseError) -> Bytes? {
        len == 0 ? nil : try bytes(field, bytesMax: .storePlaceBytesMax)
    }
}

extension CollectionLife {
    init(
        wire message: UnsafeMutablePointer<CollectionLifeMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            collection: try message.collection.collection(field),
            incarnation: try Incarnation(wire: message.incarnation, field))
    }
}

extension ContentOwner {
    init(wire message: UnsafeMutablePointer<ContentOwnerMessage>?) throws(DatabaseError) {
        guard let message = message?.pointee else {
            self = .unknown
            return
        }
        self.init(
            life: try CollectionLife(wire: message.life, "put_content.owner"),
            target: try Revision(wire: message.target, "put_content.owner.target"))
    }
}

extension LifeEnd {
    fileprivate init(
        wire message: UnsafeMutablePointer<LifeEndMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "forget.ends")
        let livesOn = message.lives_on_case == OPTIMYSTIC__V1__LIFE_END__LIVES_ON_TRUNCATED_THROUGH
        self.init(
            life: try CollectionLife(wire: message.life, "forget.ends.life"),
            truncatedThrough: try livesOn
                ? Revision(wire: message.truncated_through, "forget.ends.truncated_through") : nil)
    }
}

extension PeerRequest.Operation {
    static func forget(
        wire message: UnsafeMutablePointer<ForgetRecordsMessage>?
    ) throws(DatabaseError) -> Self {
        let message = try required(message, "forget")
        return .forget(
            try list(
                message.ends, message.n_ends, "forget.ends", countMax: .sweepPageCountMax
            ) { item throws(DatabaseError) in try LifeEnd(wire: item) },
            after: try message.after.placeIfAny("forget.after"),
            through: try message.through.placeIfAny("forget.through"))
    }
}

extension PeerReply {
    static func lives(
        wire message: UnsafeMutablePointer<LivesPageMessage>?
    ) throws(DatabaseError) -> PeerReply {
        let message = try required(message, "lives")
        let lives = try list(
            message.lives, message.n_lives, "lives", countMax: .sweepPageCountMax
        ) { item throws(DatabaseError) in try CollectionLife(wire: item, "lives") }
        return .lives(
            try ascending(lives, "lives"), next: try message.next.placeIfAny("lives.next"))
    }
}

extension SweepReport {
    init(wire message: UnsafeMutablePointer<SweepReportMessage>?) throws(DatabaseError) {
        let message = try required(message, "swept")
        self.init()
        removedCount = message.removed_count
        removedBytes = message.removed_bytes
        next = try message.next.placeIfAny("swept.next")
    }
}

extension TruncateCollection {
    init(wire message: UnsafeMutablePointer<TruncateCollectionMessage>?) throws(DatabaseError) {
        let message = try required(message, "truncate")
        self.init(
            collection: try message.collection.collection("truncate.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "truncate.incarnation"),
            through: try Revision(wire: message.through, "truncate.through"))
    }
}

extension RetainHistory {
    init(wire message: UnsafeMutablePointer<RetainHistoryMessage>?) throws(DatabaseError) {
        let message = try required(message, "retain")
        self.init(
            collection: try message.collection.collection("retain.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "retain.incarnation"),
            retention: try Retention(wire: message.count, "retain.count"))
    }
}

extension HistoryState {
    init(wire message: UnsafeMutablePointer<HistoryStateMessage>?) throws(DatabaseError) {
        let message = try required(message, "history")
        self.init(
            truncatedThrough: try Revision(
                wire: message.truncated_through, "history.truncated_through"),
            finalThrough: try Revision(wire: message.final_through, "history.final_through"),
            retention: try Retention(wire: message.retained_count, "history.retained_count"))
    }
}
