import BlockModel
import BlockRuntime
import CProtocol

// Lists of the pends that replicas keep.

// MARK: - Building

extension WireArena {
    func message(_ key: PendKey) -> UnsafeMutablePointer<PendPositionMessage> {
        make(optimystic__v1__pend_position__init) {
            $0.key = message(key.key)
            $0.payload = message(key.payload)
        }
    }

    func message(
        pendsAfter cursor: PendKey?, countMax: UInt32
    ) -> UnsafeMutablePointer<ListPendsMessage> {
        make(optimystic__v1__list_pends__init) {
            $0.after = cursor.map { message($0) }
            $0.count_max = countMax
        }
    }

    func message(_ pends: [KeptPend], next: PendKey?) -> UnsafeMutablePointer<PendPageMessage> {
        make(optimystic__v1__pend_page__init) {
            $0.pends = list(pends) { kept in
                make(optimystic__v1__kept_pend__init) {
                    $0.key = message(kept.key.key)
                    $0.collection = digest(kept.collection.digest)
                    $0.transaction = kept.transaction.map { message($0) }
                    $0.pend = message(kept.pend)
                }
            }
            $0.n_pends = pends.count
            $0.next = next.map { message($0) }
        }
    }
}

// MARK: - Reading

extension PendKey {
    init(
        wire message: UnsafeMutablePointer<PendPositionMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            try BlockKey(wire: message.key, field),
            payload: try PayloadID(wire: message.payload, field))
    }
}

/// The cursor and the bound of a list of pends.
func pendListing(
    _ message: UnsafeMutablePointer<ListPendsMessage>?
) throws(DatabaseError) -> (after: PendKey?, countMax: UInt32) {
    let message = try required(message, "list_pends")
    return (
        try message.after == nil ? nil : PendKey(wire: message.after, "list_pends.after"),
        try bounded(message.count_max, "list_pends.count_max", from: 1, through: .pendPageCountMax)
    )
}

/// A page of pends. Those of several replicas together may be more than one replica lists.
func pendPage(
    _ page: UnsafeMutablePointer<PendPageMessage>?
) throws(DatabaseError) -> (pends: [KeptPend], next: PendKey?) {
    let page = try required(page, "pends")
    let pends = try list(
        page.pends, page.n_pends, "pends",
        countMax: .reportedPendCountMax
    ) { item throws(DatabaseError) in
        let item = try required(item, "pends")
        return KeptPend(
            block: try BlockKey(wire: item.key, "pends.key"),
            collection: try item.collection.collection("pends.collection"),
            transaction: try item.transaction == nil
                ? nil : AttemptAnchor(wire: item.transaction, "pends.transaction"),
            pend: try OutstandingPend(wire: item.pend, "pends.pend"))
    }
    _ = try ascending(pends.map(\.key), "pends")
    return (pends, try page.next == nil ? nil : PendKey(wire: page.next, "pends.next"))
}
