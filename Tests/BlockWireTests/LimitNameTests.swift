import BlockModel
import BlockRuntime
import BlockWire
import Foundation
import Testing

@Suite("Whoever is refused by a limit is told which one it was")
struct LimitNameTests {
    private func refusal(_ request: ClientRequest) -> DatabaseError? {
        do throws(DatabaseError) {
            _ = try Wire.decodeClientRequest(Wire.encode(request))
            return nil
        } catch {
            return error
        }
    }

    private func expect(
        _ text: String, of request: ClientRequest, as code: ErrorCode = .malformedMessage
    ) {
        let error = refusal(request)
        #expect(error?.message == text && error?.code == code, "\(String(describing: error))")
    }

    private func act(_ content: ActionContent) -> ClientRequest {
        .act(
            ActionRequest(
                collection: CollectionID(name: "x"),
                incarnation: Incarnation(generation: 1, nonce: Identifier128(1)),
                action: ActionID(rawValue: .zero), firstRevision: .zero, content: content))
    }

    @Test("a text, a number, a count, and a key or a value that an application stores")
    func requests() {
        let long = String(repeating: "n", count: 5000)
        expect(
            "field open_collection.name: 5000 bytes, limit nameBytesMax = \(Limits.nameBytesMax)",
            of: .openCollection(OpenCollection(name: long, kind: .tree, encoding: .bytes)))
        expect(
            "field open_collection.name: 0 bytes, at least 1, limit nameBytesMax = "
                + "\(Limits.nameBytesMax)",
            of: .openCollection(OpenCollection(name: "", kind: .tree, encoding: .bytes)))
        expect(
            "field list_collections.count_max: 4000000000, limit pageItemCountMax = "
                + "\(Limits.pageItemCountMax)",
            of: .listCollections(after: nil, countMax: 4_000_000_000))
        expect(
            "field list_collections.count_max: 0, at least 1, limit pageItemCountMax = "
                + "\(Limits.pageItemCountMax)",
            of: .listCollections(after: nil, countMax: 0))
        let key = Bytes(repeating: 1, count: Limits.keyBytesMax + 1)
        expect(
            "field tree_operation.key: \(key.count) bytes, limit keyBytesMax = "
                + "\(Limits.keyBytesMax)",
            of: act(.tree(TreeAction(operations: [.delete(key: key)]))), as: .valueTooLarge)
        let values = Array(repeating: Bytes(), count: Limits.queueValueCountMax + 1)
        expect(
            "field queue_action.enqueue: \(values.count) items, limit queueValueCountMax = "
                + "\(Limits.queueValueCountMax)",
            of: act(.queue(.enqueue(values))), as: .valueTooLarge)
    }

    @Test("a frame as a whole, and a list in a message between services")
    func others() {
        let frame = Bytes(repeating: 0, count: Limits.frameBytesMax + 1)
        refuses([
            "field client_request: \(frame.count) bytes, limit frameBytesMax = "
                + "\(Limits.frameBytesMax)"
        ]) { () throws(DatabaseError) in _ = try Wire.decodeClientRequest(frame) }
        let item = PeerBatchItem(
            id: 1,
            request: PeerRequest(
                shard: ShardID(rawValue: 0), epoch: Epoch(rawValue: 1), operation: .status))
        let batch = Array(repeating: item, count: Limits.batchRequestCountMax + 1)
        refuses([
            "\(batch.count) items, limit batchRequestCountMax = \(Limits.batchRequestCountMax)"
        ]) { () throws(DatabaseError) in _ = try Wire.decodePeerBatch(Wire.encode(batch)) }
    }

    /// A name that is not that of its figure misleads.
    @Test("every limit of the table has its own name") func table() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("Sources/BlockWire/WireLimit.swift"),
            encoding: .utf8)
        let rows = text.matches(of: /static let (\w+) = WireLimit\(\s*"(\w+)", (.*)\)/)
        #expect(rows.count > 30)
        for row in rows {
            #expect(row.1 == row.2 && row.3.contains("Limits.\(row.2)"), "\(row.0)")
        }
    }
}
