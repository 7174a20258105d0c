import BlockModel
import BlockRuntime
import CProtocol

// The operations and replies about blocks, as items of the batches between coordinators and peers.

// MARK: - Building

extension WireArena {
    /// - Precondition: `operation` is about a block.
    func fill(
        _ item: inout PeerRequestItemMessage, aboutBlock operation: PeerRequest.Operation
    ) {
        switch operation {
        case .pend(let request):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PEND
            item.pend = message(request)
        case .finalise(let key, let write):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_FINALISE
            item.finalise = message(key, write)
        case .discard(let key, let payload, let target):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_DISCARD
            item.discard = message(key, payload, target: target)
        case .readBlock(let request):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_READ_BLOCK
            item.read_block = message(request)
        case .install(let key, let copy):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_INSTALL
            item.install = message(key, copy)
        case .auditBlock(let key, let revision):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_AUDIT_BLOCK
            item.audit_block = message(key, asOf: revision)
        case .listPends(let after, let countMax):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_LIST_PENDS
            item.list_pends = message(pendsAfter: after, countMax: countMax)
        case .listVersions(let after, let countMax):
            item.operation_case = OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_LIST_VERSIONS
            item.list_versions = message(versionsAfter: after, countMax: countMax)
        default: invariant(false, "an operation that is not about a block")
        }
    }

    /// - Precondition: `reply` is about a block.
    func fill(_ item: inout PeerReplyItemMessage, aboutBlock reply: PeerReply) {
        switch reply {
        case .pended:
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PENDED
            item.pended = nothing
        case .needsBase:
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_NEEDS_BASE
            item.needs_base = nothing
        case .pendMissing:
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PEND_MISSING
            item.pend_missing = nothing
        case .finalised:
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_FINALISED
            item.finalised = nothing
        case .discarded:
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_DISCARDED
            item.discarded = nothing
        case .block(let copy):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_BLOCK
            item.block = message(state: copy)
        case .holding(let copy, let pends):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_HOLDING
            item.holding = make(optimystic__v1__held_block__init) {
                $0.copy = copy.map { message($0) }
                $0.pends = list(pends) { message($0) }
                $0.n_pends = pends.count
            }
        case .pends(let pends, let next):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PENDS
            item.pends = message(pends, next: next)
        case .outstanding(let pends):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_OUTSTANDING
            item.outstanding = make(optimystic__v1__outstanding_pends__init) {
                $0.pends = list(pends) { message($0) }
                $0.n_pends = pends.count
            }
        case .versions(let versions, let isLast):
            item.reply_case = OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_VERSIONS
            item.versions = message(versions, isLast: isLast)
        default: invariant(false, "a reply that is not about a block")
        }
    }
}

// MARK: - Reading

extension PeerRequest.Operation {
    /// The operations about blocks; nil when it is none of them.
    init?(wireOfBlocks item: PeerRequestItemMessage) throws(DatabaseError) {
        switch item.operation_case {
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_PEND:
            self = .pend(try PendRequest(wire: item.pend))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_FINALISE:
            let message = try required(item.finalise, "finalise")
            self = .finalise(
                try BlockKey(wire: message.key, "finalise.key"),
                try CommittedWrite(wire: message.write, "finalise.write"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_DISCARD:
            let message = try required(item.discard, "discard")
            self = .discard(
                try BlockKey(wire: message.key, "discard.key"),
                try PayloadID(wire: message.payload, "discard.payload"),
                target: try Revision(wire: message.target, "discard.target"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_READ_BLOCK:
            self = .readBlock(try BlockReadRequest(wire: item.read_block))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_AUDIT_BLOCK:
            let message = try required(item.audit_block, "audit_block")
            self = .auditBlock(
                try BlockKey(wire: message.key, "audit_block.key"),
                try Revision(wire: message.revision, "audit_block.revision"))
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_LIST_PENDS:
            let (after, countMax) = try pendListing(item.list_pends)
            self = .listPends(after: after, countMax: countMax)
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_LIST_VERSIONS:
            let (after, countMax) = try versionListing(item.list_versions)
            self = .listVersions(after: after, countMax: countMax)
        case OPTIMYSTIC__V1__PEER_REQUEST_ITEM__OPERATION_INSTALL:
            let message = try required(item.install, "install")
            self = .install(
                try BlockKey(wire: message.key, "install.key"),
                try BlockCopy(wire: message.copy, "install.copy"))
        default: return nil
        }
    }
}

extension PeerReply {
    /// The replies about blocks; nil when it is none of them.
    init?(wireOfBlocks item: PeerReplyItemMessage) throws(DatabaseError) {
        switch item.reply_case {
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PENDED: self = .pended
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_NEEDS_BASE: self = .needsBase
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PEND_MISSING: self = .pendMissing
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_FINALISED: self = .finalised
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_DISCARDED: self = .discarded
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_BLOCK:
            let message = try required(item.block, "block")
            self = .block(
                try message.copy == nil ? nil : BlockCopy(wire: message.copy, "block.copy"))
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_PENDS:
            let page = try pendPage(item.pends)
            self = .pends(page.pends, next: page.next)
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_OUTSTANDING:
            let message = try required(item.outstanding, "outstanding")
            self = .outstanding(
                try OutstandingPend.list(message.pends, message.n_pends, "outstanding.pends"))
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_VERSIONS:
            self = try PeerReply.versions(item.versions)
        case OPTIMYSTIC__V1__PEER_REPLY_ITEM__REPLY_HOLDING:
            let message = try required(item.holding, "holding")
            self = .holding(
                try message.copy == nil ? nil : BlockCopy(wire: message.copy, "holding.copy"),
                pends: try OutstandingPend.list(
                    message.pends, message.n_pends, "holding.pends"))
        default: return nil
        }
    }
}
