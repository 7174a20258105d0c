import BlockModel
import BlockRuntime
import CProtocol

// What replicas tell of the blocks they hold: part of the replies of all three families.

// MARK: - Building

extension WireArena {
    func message(
        _ key: BlockKey, asOf revision: Revision
    ) -> UnsafeMutablePointer<BlockAsOfMessage> {
        make(optimystic__v1__block_as_of__init) {
            $0.key = message(key)
            $0.revision = revision.rawValue
        }
    }

    func message(_ pend: OutstandingPend) -> UnsafeMutablePointer<OutstandingPendMessage> {
        make(optimystic__v1__outstanding_pend__init) {
            $0.payload = message(pend.payload)
            $0.target = pend.target.rawValue
            $0.result_hash = digestOrNone(pend.resultHash)
            if let transform = pend.transform {
                $0.content_case = OPTIMYSTIC__V1__OUTSTANDING_PEND__CONTENT_TRANSFORM
                $0.transform = bytes(transform)
            }
        }
    }

    func message(_ holding: BlockHolding) -> UnsafeMutablePointer<BlockHoldingMessage> {
        make(optimystic__v1__block_holding__init) {
            $0.version = holding.version.map { message($0) }
            $0.pends = list(holding.pends) { message($0) }
            $0.n_pends = holding.pends.count
        }
    }
}

// MARK: - Reading

extension OutstandingPend {
    init(
        wire message: UnsafeMutablePointer<OutstandingPendMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        let hasTransform =
            message.content_case == OPTIMYSTIC__V1__OUTSTANDING_PEND__CONTENT_TRANSFORM
        self.init(
            payload: try PayloadID(wire: message.payload, field),
            target: try Revision(wire: message.target, field),
            resultHash: try message.result_hash.digestOrZero(field),
            transform: try hasTransform
                ? message.transform.bytes(field, bytesMax: .transformBytesMax) : nil)
    }

    /// The pends of one block, strictly ascending by payload.
    static func list(
        _ pends: UnsafeMutablePointer<UnsafeMutablePointer<OutstandingPendMessage>?>?,
        _ count: Int, _ field: StaticString
    ) throws(DatabaseError) -> [OutstandingPend] {
        try ascending(
            try BlockWire.list(pends, count, field, countMax: .blockPendCountMax) {
                item throws(DatabaseError) in try OutstandingPend(wire: item, field)
            }, field)
    }
}

extension BlockHolding {
    init(
        wire message: UnsafeMutablePointer<BlockHoldingMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            version: try message.version == nil
                ? nil : CommittedWrite(wire: message.version, field),
            pends: try OutstandingPend.list(message.pends, message.n_pends, field))
    }
}
