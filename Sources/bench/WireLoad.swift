import BlockDeployment
import BlockModel
import BlockRuntime
import BlockWire
import Foundation
import Optimystic

/// Requests of this database and of etcd that were encoded beforehand, sent by programs that cost
/// next to nothing: what is measured then is what the servers do, and no client library.
///
/// Ours are sent by `Tests/peers/wire_load.c`, those of etcd by nghttp2's `h2load`.
struct WireLoad {
    /// What is asked for, over and over.
    enum Kind: String, CaseIterable {
        case append
        case update
        case get
        case range

        /// The field of `ClientReply` that answers it.
        fileprivate var replyField: Int {
            switch self {
            case .append: 12
            case .update: 21
            case .get: 22
            case .range: 23
            }
        }

        /// The method of etcd that stands beside it.
        fileprivate var method: String {
            switch self {
            case .append, .update: "Put"
            case .get, .range: "Range"
            }
        }
    }

    /// What both programs tell of one load.
    struct Result: Decodable {
        let count: Int
        let seconds: Double
        /// Microseconds.
        let p50: Double
        let p99: Double

        var rate: Double { Double(count) / seconds }
    }

    /// Of values, and entries of a range: as of the loads through client libraries.
    private static let value = Bytes(repeating: 7, count: 256)
    private static let rangeCount = 100
    /// Keys that are updated in turn, and once more with other values.
    private static let updateCount = CommitLoad.treeEntryCount / 2
    private static let readCount = 2000
    /// Clients that share a connection to etcd, as through its own library, and connections.
    private static let clientsOfConnection = 16
    private static let connectionsMax = 32

    let programs: PeerPrograms
    let directory: String
    let environment: BlockRuntime.Environment

    // MARK: This database

    /// Writes the file of requests of a kind.
    func prepare(_ kind: Kind, clusterName: String, of collection: CollectionInfo) throws {
        var file = Bytes()
        func add(_ request: ClientRequest, id: ActionID? = nil) {
            let bytes = Wire.encode(request)
            let place = id.flatMap { Self.place(of: $0.rawValue.bytes, in: bytes) }
            for number in [UInt32(clamping: place ?? Int(UInt32.max)), UInt32(bytes.count)] {
                withUnsafeBytes(of: number.bigEndian) { file += $0 }
            }
            file += bytes
        }
        add(.hello(clusterName: clusterName))
        func act(_ content: ActionContent) {
            let id = ActionID(rawValue: environment.identifier())
            add(
                .act(
                    ActionRequest(
                        collection: collection.collection, incarnation: collection.incarnation,
                        action: id, firstRevision: collection.revision, content: content)), id: id)
        }
        func read(_ query: TreeQuery) {
            add(
                .readTree(
                    TreeReadRequest(
                        collection: collection.collection, incarnation: collection.incarnation,
                        query: query)))
        }
        switch kind {
        case .append: act(.append(Self.value))
        case .update:
            for number in 0..<2 * Self.updateCount {
                // Another value each time, because the same one would change no block.
                var value = Self.value
                value[0] = number < Self.updateCount ? 1 : 2
                let key = try CommitLoad.place(0, number % Self.updateCount).keyBytes
                act(.tree(TreeAction(operations: [.put(key: key, value: value)])))
            }
        case .get:
            for number in 0..<Self.readCount {
                read(.values([try CommitLoad.place(0, number).keyBytes]))
            }
        case .range:
            for number in 0..<Self.readCount {
                let first =
                    CommitLoad.place(0, number) % (CommitLoad.treeEntryCount - Self.rangeCount)
                read(
                    .range(
                        KeyRange(
                            lower: KeyBound(try first.keyBytes),
                            upper: KeyBound(
                                try (first + Self.rangeCount).keyBytes, isInclusive: false)),
                        .forward, bytesMax: UInt32(Limits.pageBytesMax),
                        countMax: UInt32(Self.rangeCount)))
            }
        }
        try Data(file).write(to: URL(fileURLWithPath: path(of: kind)))
    }

    private static func place(of id: Bytes, in bytes: Bytes) -> Int? {
        (0...max(0, bytes.count - id.count)).first { bytes[$0...].starts(with: id) }
    }

    private func path(of kind: Kind) -> String { "\(directory)/\(kind.rawValue).frames" }

    /// Loads a proxy.
    func run(_ kind: Kind, on address: String, clients: Int, for time: Duration) throws -> Result {
        let output = try programs.run(
            programs.wireLoad,
            [
                address, path(of: kind), "\(kind.replyField)", "\(clients)",
                "\(time.milliseconds)",
            ], in: directory, environment)
        return try JSONDecoder().decode(Result.self, from: Data(output.utf8))
    }

    // MARK: etcd

    /// Loads a server of etcd.
    func runEtcd(
        _ kind: Kind, on endpoint: String, clients: Int, for time: Duration
    ) throws -> Result {
        let (body, log) = ("\(directory)/body", "\(directory)/h2load.log")
        try Data(Self.grpcFrame(kind)).write(to: URL(fileURLWithPath: body))
        try? FileManager.default.removeItem(atPath: log)
        let connections = min(
            Self.connectionsMax, max(1, clients / Self.clientsOfConnection))
        let said = try programs.run(
            programs.h2load,
            [
                "--duration", "\(time.milliseconds)ms", "--clients", "\(connections)",
                "--max-concurrent-streams", "\(clients / connections)", "--log-file", log,
                "--header", "content-type: application/grpc", "--header", "te: trailers",
                "--data", body, "http://\(endpoint)/etcdserverpb.KV/\(kind.method)",
            ], in: directory, environment)
        // One line for each request: when it began, its status, and its microseconds.
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        let latencies = lines.compactMap { line -> Double? in
            let parts = line.split(separator: "\t")
            return parts.count >= 3 && parts[1] == "200" ? Double(parts[2]) : nil
        }
        guard latencies.count > 1, latencies.count == lines.count else {
            throw DatabaseError(.ioFailed, "h2load: \(latencies.count) of \(lines.count): \(said)")
        }
        let sorted = latencies.sorted()
        return Result(
            count: sorted.count, seconds: time.seconds, p50: sorted[sorted.count / 2],
            p99: sorted[sorted.count * 99 / 100])
    }

    /// A message as gRPC frames it: not compressed, its length, its bytes.
    private static func grpcFrame(_ kind: Kind) -> Bytes {
        func field(_ number: UInt8, _ bytes: some Collection<UInt8>) -> Bytes {
            var length = bytes.count
            var field = [number << 3 | 2]
            while length > 0x7f {
                field.append(UInt8(length & 0x7f) | 0x80)
                length >>= 7
            }
            return field + [UInt8(length)] + bytes
        }
        let message: Bytes =
            switch kind {
            case .append, .update: field(1, "key-00000001".utf8) + field(2, value)
            case .get: field(1, "key-00000001".utf8)
            case .range: field(1, "key-00000001".utf8) + field(2, "key-00000101".utf8)
            }
        var frame: Bytes = [0]
        withUnsafeBytes(of: UInt32(message.count).bigEndian) { frame += $0 }
        return frame + message
    }
}
