import BlockModel
import BlockRuntime
import BlockTransport
import Optimystic
import OptimysticClient
import Testing

/// Blocks at transactor level, against the real services in this process.
@Suite("Blocks", .serialized) struct BlockReadTests {
    @Test("One block that is asked for as of two revisions comes as it was at each")
    func twoRevisions() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect()
            defer { database.close() }
            let tree = try await database.tree("letters", key: String.self, value: String.self)
            try await tree.set("a", to: "first")
            try await tree.set("a", to: "second")
            let network = cluster.network
            let connection = try await Connection.open(
                addresses: ["loopback://proxy0"], clusterName: "demo",
                environment: cluster.environment
            ) { [environment = cluster.environment] () throws(DatabaseError) in
                TransportLink(
                    over: try LoopbackTransport(network: network), environment: environment)
            }
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
}
