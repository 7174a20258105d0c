import BlockModel
import BlockRuntime
import BlockWire

/// Cuts what goes to one receiver into as few messages as the limits of a frame allow: one, as a
/// rule.
package enum PeerBatching {
    /// Bytes of an item beside what it carries, at most: ids, ballots and lengths.
    private static let itemBytes = 512

    package static func messages(of items: [PeerBatchItem]) -> [ArraySlice<PeerBatchItem>] {
        cut(items) { $0.request.operation.payloadBytes }
    }

    package static func messages(of items: [PeerReplyItem]) -> [ArraySlice<PeerReplyItem>] {
        cut(items) { $0.reply.payloadBytes }
    }

    private static func cut<Item>(
        _ items: [Item], payloadBytes: (Item) -> Int
    ) -> [ArraySlice<Item>] {
        var messages: [ArraySlice<Item>] = []
        var start = 0
        var byteCount = 0
        for (index, item) in items.enumerated() {
            let itemBytes = itemBytes + payloadBytes(item)
            let isFull =
                byteCount + itemBytes > Limits.peerBatchBytesMax
                || index - start >= Limits.batchRequestCountMax
            if isFull, index > start {
                messages.append(items[start..<index])
                start = index
                byteCount = 0
            }
            byteCount += itemBytes
        }
        if start < items.count { messages.append(items[start...]) }
        return messages
    }
}

extension PeerRequest.Operation {
    fileprivate var payloadBytes: Int {
        switch self {
        case .accept(_, _, let value): value.count
        case .putContent(_, let bytes), .putSegment(_, let bytes): bytes.count
        case .pend(let request):
            request.record.transform.count + request.committed.count * 64
        case .readBlock(let request): request.committed.count * 64
        case .install(_, let copy): copy.bytes?.count ?? 0
        case .prepare, .query, .getContent, .getSegment, .listRegisters, .status, .rebind,
            .finalise, .discard:
            0
        }
    }
}

extension PeerReply {
    /// Bytes of one register in a page, and of one collection in a status beside its name.
    private static let rowBytes = 128

    fileprivate var payloadBytes: Int {
        switch self {
        case .promise(_, _, let value): value.count
        case .register(_, _, let value): value?.count ?? 0
        case .content(let bytes): bytes?.count ?? 0
        case .block(let copy): copy?.bytes?.count ?? 0
        case .registers(let summaries, _): summaries.count * PeerReply.rowBytes
        case .status(let status):
            status.revisions.reduce(status.refusedShards.count * 8) {
                $0 + PeerReply.rowBytes + $1.name.utf8.count
            }
        case .refused(let error): error.message.utf8.count
        case .accepted, .rejected, .stored, .pended, .needsBase, .pendMissing, .finalised,
            .discarded:
            0
        }
    }
}
