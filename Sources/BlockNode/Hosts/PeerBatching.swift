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
                || buggify("buggify.peerBatching.full")
            if isFull, index > start {
                messages.append(items[start..<index])
                start = index
                byteCount = 0
            }
            byteCount += itemBytes
        }
        if start < items.count { messages.append(items[start...]) }
        invariant(
            messages.reduce(0) { $0 + $1.count } == items.count
                && messages.allSatisfy {
                    !$0.isEmpty && $0.count <= Limits.batchRequestCountMax
                }, "an item is in no message, or in one that is too long")
        return messages
    }
}
