import BlockChaos
import BlockModel
import BlockRuntime
import BlockTransportZeroMQ
import BlockWorkloads
import Optimystic
import OptimysticClient

/// Reads what is there at the end, through the services.
struct FinalReader {
    private static let timeout = Duration.seconds(20)

    private let connection: Connection
    private let database: Database

    init(_ url: String) async throws {
        let parsed = try DatabaseURL(url)
        let environment = BlockRuntime.Environment.live()
        connection = try await Connection.open(
            addresses: parsed.addresses, clusterName: parsed.clusterName,
            environment: environment
        ) { () throws(DatabaseError) in
            TransportLink(over: try ZeroMQTransport(), environment: environment)
        }
        database = try await Database.connect(to: parsed)
    }

    func close() {
        connection.close()
        database.close()
    }

    /// The log of each collection that was created.
    func logs(of collections: [String]) async throws -> [String: ChaosRecord.FinalLog] {
        var logs: [String: ChaosRecord.FinalLog] = [:]
        for collection in collections { logs[collection] = try await log(of: collection) }
        return logs
    }

    private func log(of name: String) async throws -> ChaosRecord.FinalLog? {
        let tail: TailValue
        do {
            let reply = try await connection.request(
                .inspectTail(name: name), timeout: FinalReader.timeout)
            guard case .tail(let value, _) = reply else { throw FinalReader.unexpectedReply(reply) }
            tail = value
        } catch let error as DatabaseError where error.code == .collectionNotFound {
            return nil
        }
        guard let live = tail.live else { return nil }
        var entries: [[Action]] = []
        var payloads: [PayloadID] = []
        while entries.count < Int(live.revision.rawValue) {
            let after = Revision(UInt64(entries.count))
            let request = LogReadRequest(
                collection: live.collection, incarnation: live.incarnation, after: after)
            let reply = try await connection.request(
                .readLog(request), timeout: FinalReader.timeout)
            guard case .logPage(let page) = reply, page.entries.first?.revision == after.next
            else { throw FinalReader.unexpectedReply(reply) }
            entries += page.entries.map(\.body.actions)
            payloads += page.entries.map(\.payload)
        }
        return ChaosRecord.FinalLog(
            kind: live.header.kind, incarnation: live.incarnation, entries: entries,
            payloads: payloads, createdBy: live.createdBy)
    }

    /// Reads every tree that transactions were made on, as one more transaction each.
    func readLast(_ history: inout TransactionHistory, _ environment: BlockRuntime.Environment)
        async throws
    {
        for collection in history.collections {
            guard let workload = history.transactions(on: collection).first?.workload else {
                continue
            }
            let open = OpenCollection(name: collection, kind: .tree, encoding: nil)
            let id = history.invoke(
                workload, on: collection, by: 0, at: environment.now(), isLast: true)
            let opened = try await connection.request(
                .openCollection(open), timeout: FinalReader.timeout)
            switch opened {
            case .collection(let info):
                history.note(
                    id,
                    reads: try await entries(of: info).map {
                        TransactionHistory.Read(key: $0.key, value: $0.value)
                    })
            // No client came to create it.
            case .absent: break
            default: throw FinalReader.unexpectedReply(opened)
            }
            history.complete(id, .committed, at: environment.now())
        }
    }

    private func entries(of info: CollectionInfo) async throws -> [TreeEntry] {
        var entries: [TreeEntry] = []
        var range = KeyRange.all
        var asOf: Revision?
        while true {
            let query = TreeQuery.range(
                range, .forward, bytesMax: 1 << 20, countMax: UInt32(Limits.pageItemCountMax))
            let reply = try await connection.request(
                .readTree(
                    TreeReadRequest(
                        collection: info.collection, incarnation: info.incarnation, asOf: asOf,
                        query: query)), timeout: FinalReader.timeout)
            guard case .treePage(let page) = reply else { throw FinalReader.unexpectedReply(reply) }
            entries += page.entries
            guard !page.isLast, let last = page.entries.last else { return entries }
            asOf = page.asOf
            range.lower = KeyBound(last.key, isInclusive: false)
        }
    }

    private static func unexpectedReply(_ reply: ClientReply) -> DatabaseError {
        DatabaseError(.malformedMessage, "the proxy answered something else than was asked")
    }

    /// What `verify` finds wrong in any collection.
    func findings() async throws -> [String] {
        let report = try await database.verify(timeout: FinalReader.timeout)
        return report.collections.flatMap { collection in
            collection.findings.map { "\(collection.name): \($0)" }
        }
    }
}
