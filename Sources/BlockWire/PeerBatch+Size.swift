import BlockModel
import BlockRuntime

/// What a listed write takes on the wire, about: its hash, its payload id and the frames of both.
private let committedWriteBytes = 96
/// What a register, a pend or a revision takes in a page, about, beside its variable parts.
private let rowBytes = 128

extension PeerRequest.Operation {
    /// Bytes of the values inside, about: all that makes one message larger than another.
    package var payloadBytes: Int {
        switch self {
        case .accept(_, _, let bytes, _), .putContent(_, let bytes, _), .putSegment(_, let bytes):
            bytes.count
        case .pend(let request):
            request.record.transform.count + request.committed.count * committedWriteBytes
        case .readBlock(let request): request.committed.count * committedWriteBytes
        case .install(_, let copy): copy.bytes?.count ?? 0
        case .forget(let ends, _, _): ends.count * rowBytes
        case .listLives: 0
        case .prepare, .query, .getContent, .getSegment, .listRegisters, .status, .finalise,
            .discard, .auditBlock, .listVersions, .listPends:
            0
        }
    }
}

extension PeerReply {
    /// Bytes of the values inside, about: all that makes one message larger than another.
    package var payloadBytes: Int {
        switch self {
        case .promise(_, _, let value): value.count
        case .register(_, _, let bytes), .content(let bytes): bytes?.count ?? 0
        case .block(let copy): copy?.bytes?.count ?? 0
        case .holding(let copy, let pends):
            (copy?.bytes?.count ?? 0) + pends.reduce(0) { $0 + $1.payloadBytes }
        case .pends(let pends, _): pends.count * 2 * rowBytes
        case .outstanding(let pends): pends.reduce(0) { $0 + $1.payloadBytes }
        case .registers(let summaries, _): summaries.count * rowBytes
        case .lives(let lives, _): lives.count * rowBytes
        case .forgotten: 0
        case .versions(let versions, _): versions.count * 2 * rowBytes
        case .status(let status):
            status.revisions.reduce(status.refusedShards.count * 8) {
                $0 + rowBytes + $1.name.utf8.count
            }
        case .refused(let error): error.message.utf8.count
        case .accepted, .rejected, .stored, .pended, .needsBase, .pendMissing, .finalised,
            .discarded:
            0
        }
    }
}

extension OutstandingPend {
    fileprivate var payloadBytes: Int { rowBytes + (transform?.count ?? 0) }
}
