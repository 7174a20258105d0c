import BlockModel
import BlockRuntime
import BlockStructures
import Foundation
import Optimystic
import OptimysticClient
import Testing

@Suite("The tour", .serialized) struct TourTests {
    @Test("Its samples are the ones that are compiled here")
    func sampleIsTheSame() throws {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(
            contentsOf: root.appendingPathComponent(
                "Sources/OptimysticCore/OptimysticCore.docc/Tour.md"), encoding: .utf8)
        let compiled = try String(
            contentsOf: here.appendingPathComponent("TourSample.swift"), encoding: .utf8)
        let blocks = page.components(separatedBy: "```swift\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(blocks.count == 9)
        for block in blocks { #expect(compiled.contains(block), "\(block)") }
    }

    private struct Nothing: BlockSnapshot {
        func block(_ id: BlockID) throws(MissingBlocks) -> SnapshotBlock? { nil }
    }

    private static let collection = CollectionID(name: "tour")

    private static var tracker: Tracker {
        Tracker(
            snapshot: Nothing(), header: CollectionHeader(kind: .queue, encoding: .bytes),
            ids: StructuralBlockIDs(
                incarnation: Incarnation(generation: 1, nonce: Identifier128(3)),
                action: ActionID(rawValue: Identifier128(1))))
    }

    @Test("Blocks and chains are changed beside their snapshot")
    func structures() throws {
        let block = try #require(try blocks(Self.tracker, Self.collection))
        #expect(block[BlockAttribute(1)] == .list(["first".bytes, "second".bytes]))
        #expect(try chain(Self.tracker, Self.collection) == [["third".bytes], ["first".bytes]])
    }

    @Test("Its collections and its transaction do what it says", arguments: DatabaseHome.allCases)
    func collections(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            #expect(try await diary(database) == ["alice in", "alice out"])
            #expect(try await tree(database) == ["Alice", "Bob"])
            #expect(try await counter(database) == 3)
            guard case .committed(let commit)? = try await transaction(database) else {
                Issue.record("the transaction has not taken effect")
                return
            }
            #expect(commit.revisions.elements.map(\.name).sorted() == ["orders", "stock"])
            let stock = try await database.openTree("stock", key: String.self, value: Int.self)
            #expect(try await stock.value(for: "pen") == 9)
        }
    }

    @Test("An entry names the collections of its transaction")
    func log() throws {
        let life = Incarnation(generation: 1, nonce: Identifier128(3))
        let parts = ["a", "b"].map { name in
            Participant(
                collection: CollectionID(name: name), incarnation: life, target: Revision(4))
        }
        let payload = PayloadID(action: ActionID(rawValue: Identifier128(7)), execution: 0)
        let entry = LogEntry(
            revision: Revision(4), payload: payload, body: .empty, headerAfter: nil,
            attempt: Attempt(payload: payload, home: parts[0].collection, participants: parts),
            wallMilliseconds: 0)
        #expect(involved(in: entry).count == 2 && involved(in: entry).values.first == Revision(4))
    }
}
