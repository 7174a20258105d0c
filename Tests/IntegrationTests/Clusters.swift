import BlockDeployment
import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import Synchronization
import Testing

/// The real executables, found through OPTIMYSTIC_BIN.
enum Executables {
    static let folder = ProcessInfo.processInfo.environment["OPTIMYSTIC_BIN"]
    static var areKnown: Bool { folder != nil }
    static let hint: Comment = "set OPTIMYSTIC_BIN to the executables' folder (make test does)"

    /// - Throws: When an executable is missing: that is a mistake, not a reason to skip.
    static func require() throws -> String {
        let folder = try #require(folder)
        for name in [
            "storage-peer", "coordinator", "client-proxy", "optimystic", "demo", "bench",
            "load-tester", "chaos",
        ] {
            let isThere = FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)")
            try #require(isThere, "\(folder)/\(name) is missing")
        }
        return folder
    }
}

/// Everything here needs real processes, and the machine's cores: one test after the other.
@Suite(
    "Integration", .serialized, .enabled(if: Executables.areKnown, Executables.hint),
    .timeLimit(.minutes(2)))
enum Integration {}

/// Runs `body` with a running cluster, and leaves nothing of it.
func withCluster(
    _ shape: LocalCluster.Shape = LocalCluster.Shape(),
    _ body: (LocalCluster) async throws -> Void
) async throws {
    let cluster = try LocalCluster(executables: Executables.require(), shape: shape)
    defer { cluster.tearDown() }
    try cluster.startAll()
    do {
        try await body(cluster)
    } catch {
        for member in cluster.members {
            Issue.record("\(member): \(cluster.log(of: member).suffix(1500))")
        }
        throw error
    }
}

/// The same with a connection to it.
func withDatabase(
    _ shape: LocalCluster.Shape = LocalCluster.Shape(),
    _ body: (LocalCluster, Database) async throws -> Void
) async throws {
    try await withCluster(shape) { cluster in
        let database = try await Database.connect(cluster.url)
        defer { database.close() }
        try await body(cluster, database)
    }
}

/// Appends from several writers at once and keeps what was acknowledged.
final class Appending: Sendable {
    struct Acknowledged: Hashable, Sendable {
        let value: String
        let position: LogPosition
    }

    private let acknowledged = Mutex<[Acknowledged]>([])
    private let database: Database
    private let diary: Diary<Bytes>
    private let environment = BlockRuntime.Environment.live()

    init(_ database: Database, _ diary: Diary<Bytes>) {
        self.database = database
        self.diary = diary
    }

    var all: [Acknowledged] { acknowledged.withLock { $0 } }

    /// `writers` append `count` entries each; after the `disturbAt`-th acknowledgement `disturb` is
    /// called, once. An append that fails is sent again under the same id, for `patience`.
    func run(
        writers: Int, count: Int, disturbAt: Int, patience: Duration = .seconds(30),
        _ disturb: @escaping @Sendable () throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for number in 0..<count {
                        let count = try await self.append("\(writer):\(number)", patience)
                        if count == disturbAt { try disturb() }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// - Returns: Which acknowledgement this was: each number is returned once.
    private func append(_ value: String, _ patience: Duration) async throws -> Int {
        let id = database.makeActionID()
        let firstRevision = diary.revision
        let start = environment.now()
        while true {
            do {
                let position = try await diary.append(
                    Bytes(value.utf8), id: id, firstRevision: firstRevision)
                return acknowledged.withLock {
                    $0.append(Acknowledged(value: value, position: position.place))
                    return $0.count
                }
            } catch let error as DatabaseError {
                guard environment.now().since(start) < patience else { throw error }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}

extension Diary<Bytes> {
    /// All values and their positions, oldest first.
    func all() async throws -> [Appending.Acknowledged] {
        var read: [Appending.Acknowledged] = []
        for try await item in entries(timeout: .seconds(20)) {
            read.append(
                Appending.Acknowledged(
                    value: String(decoding: item.value, as: UTF8.self),
                    position: item.position.place))
        }
        return read
    }
}

/// What was acknowledged is there, once, where it was said to be; and nothing else is.
func expectExactlyOnce(
    _ appending: Appending, in diary: Diary<Bytes>,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let read = try await diary.all()
    #expect(Set(read) == Set(appending.all), sourceLocation: sourceLocation)
    #expect(read.count == appending.all.count, sourceLocation: sourceLocation)
    // Each writer's own order.
    var last: [Substring: Int] = [:]
    for entry in read {
        let parts = entry.value.split(separator: ":")
        let number = try #require(Int(parts[1]))
        #expect(number == last[parts[0], default: -1] + 1, sourceLocation: sourceLocation)
        last[parts[0]] = number
    }
}

/// `optimystic verify` as a process of its own.
func expectSound(
    _ cluster: LocalCluster, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let result = try cluster.run(
        "optimystic", ["--connect", cluster.url, "--timeout", "20s", "verify"])
    #expect(
        result.ending == .exited(0), "\(result.output)\(result.errors)",
        sourceLocation: sourceLocation)
}
