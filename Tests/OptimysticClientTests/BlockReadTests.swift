import BlockModel
import BlockRuntime
import BlockTransport
import BlockTransportLoopback
import Optimystic
import OptimysticClient
import Testing

/// Blocks at transactor level, against the real services in this process.
@Suite("Blocks", .serialized) struct BlockReadTests {
    private func open(_ cluster: LoopbackCluster) async throws -> Connection {
        let network = cluster.network
        return try await Connection.open(
            addresses: ["loopback://proxy0"], clusterName: "demo",
            environment: cluster.environment
        ) { [environment = cluster.environment] () throws(DatabaseError) in
            TransportLink(
                over: try LoopbackTransport(network: network), environment: environment)
        }
    }

    @Test("One block that is asked for as of two revisions comes as it was at each")
    func twoRevisions() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect()
            defer { database.close() }
            let tree = try await database.tree("letters", key: String.self, value: String.self)
            try await tree.set("a", to: "first")
            try await tree.set("a", to: "second")
            let connection = try await open(cluster)
            defer { connection.close() }
            let log = LogReadRequest(
                collection: tree.info.collection, incarnation: tree.info.incarnation, after: .zero)
            guard
                case .logPage(let page) = try await connection.request(
                    .readLog(log), timeout: .seconds(5))
            else {
                Issue.record("no log")
                return
            }
            let block = try #require(page.entries.last?.body.blocks.first?.block)
            let requests = page.entries.map { last in
                let until = page.entries.filter { $0.revision <= last.revision }
                let listed = until.flatMap { entry in
                    entry.body.blocks.filter { $0.block == block }.map {
                        CommittedWrite(
                            revision: entry.revision, payload: entry.payload,
                            resultHash: $0.resultHash)
                    }
                }
                return BlockReadRequest(
                    key: BlockKey(block: block, incarnation: tree.info.incarnation),
                    revision: last.revision, committed: listed, collection: tree.info.collection)
            }
            guard
                case .blocks(let copies) = try await connection.request(
                    .readBlocks(requests), timeout: .seconds(5))
            else {
                Issue.record("no blocks")
                return
            }
            #expect(copies.map { $0?.write } == requests.map(\.committed.last))
            #expect(Set(copies.map { $0?.write.revision }).count == 2)
        }
    }

    @Test("Blocks below what is truncated, or of a life that is over, are refused with words")
    func truncated() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect()
            defer { database.close() }
            let tree = try await database.tree("letters", key: String.self, value: Int.self)
            for number in 1...80 { try await tree.set("a", to: number) }
            for _ in 0..<300 {
                let through = Revision(60)
                let state = try await database.truncate("letters", through: through)
                if state.truncatedThrough >= through { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            let connection = try await open(cluster)
            defer { connection.close() }
            let info = tree.info
            let header = BlockKey(
                block: BlockID(info.collection.digest), incarnation: info.incarnation)
            func read(_ revisions: UInt64...) async throws -> ClientReply {
                let requests = revisions.map {
                    BlockReadRequest(
                        key: header, revision: Revision($0), collection: info.collection)
                }
                do {
                    return try await connection.request(
                        .readBlocks(requests), timeout: .seconds(5))
                } catch {
                    return .failed(error as? DatabaseError ?? DatabaseError(.internalError, ""))
                }
            }
            for revisions in [[60], [61, 80]] as [[UInt64]] {
                var copies: [BlockCopy?] = []
                for revision in revisions {
                    guard case .blocks(let found) = try await read(revision) else { continue }
                    copies += found
                }
                #expect(copies.count == revisions.count)
            }
            func code(_ reply: ClientReply) -> ErrorCode? {
                if case .failed(let error) = reply { error.code } else { nil }
            }
            #expect(code(try await read(59)) == .historyTruncated)
            #expect(code(try await read(1)) == .historyTruncated)
            // One that cannot be told is not told by the others.
            #expect(code(try await read(80, 12)) == .historyTruncated)
            try await database.drop("letters")
            #expect(code(try await read(80)) == .collectionNotFound)
            _ = try await database.tree("letters", key: String.self, value: Int.self)
            #expect(code(try await read(80)) == .collectionNotFound)
        }
    }
}
