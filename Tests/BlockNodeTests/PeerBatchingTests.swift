import BlockModel
import BlockNode
import BlockRuntime
import BlockWire
import Testing

@Suite("Batches between coordinators and peers")
struct PeerBatchingTests {
    private static func requests(_ sizes: [Int]) -> [PeerBatchItem] {
        sizes.enumerated().map { index, size in
            let bytes = Bytes(repeating: 1, count: size)
            let request = PeerRequest(
                shard: ShardID(rawValue: 0), epoch: .first,
                operation: .putContent(BlockID(content: []), bytes, for: .unknown))
            return PeerBatchItem(id: UInt64(index), request: request)
        }
    }

    @Test("What fits one frame is one message; more is cut in order, and every part fits a frame")
    func cut() throws {
        let body = Limits.bodyBytesMax
        let cases: [(sizes: [Int], messageCount: Int)] = [
            ([], 0), ([0], 1), (Array(repeating: 100, count: 1000), 1),
            (Array(repeating: 0, count: Limits.batchRequestCountMax), 1),
            (Array(repeating: 0, count: Limits.batchRequestCountMax + 1), 2),
            ([body], 1), ([body, body, body], 3), ([body, 100, body / 2], 1),
        ]
        for (sizes, messageCount) in cases {
            let items = Self.requests(sizes)
            let messages = PeerBatching.messages(of: items)
            #expect(messages.count == messageCount, "\(sizes.count) items")
            #expect(messages.flatMap { Array($0) } == items)
            for message in messages {
                let payload = Wire.encode(Array(message))
                #expect(payload.count <= Limits.frameBytesMax)
                #expect(try Wire.decodePeerBatch(payload) == Array(message))
            }
            let replies = items.map { PeerReplyItem(id: $0.id, reply: $0.request.answer) }
            for message in PeerBatching.messages(of: replies) {
                let reply = PeerBatchReply(
                    peer: PeerID(rawValue: .zero), epoch: .first, items: Array(message))
                #expect(Wire.encode(reply).count <= Limits.frameBytesMax)
            }
        }
    }
}

extension PeerRequest {
    /// A reply as large as the request.
    fileprivate var answer: PeerReply {
        if case .putContent(_, let bytes, _) = operation { return .content(bytes) }
        return .stored
    }
}
