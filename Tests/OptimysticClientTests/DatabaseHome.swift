import Foundation
import Optimystic
import Synchronization
import Testing

/// Where a test opens its databases: what holds of a cluster holds of an embedded one.
enum DatabaseHome: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// Three storage peers, two coordinators and two proxies over a loopback network.
    case cluster
    /// One process on RocksDB.
    case embedded

    var testDescription: String { rawValue }

    /// Runs `body` with a way to connect; what it connected to is gone afterwards.
    ///
    /// Only one opens a directory at a time, so all connections to an embedded database are one.
    func run(
        _ body: @Sendable (_ connect: @Sendable () async throws -> Database) async throws -> Void
    ) async throws {
        switch self {
        case .cluster:
            try await LoopbackCluster.run { cluster in
                try await body { try await cluster.connect() }
            }
        case .embedded:
            try await TemporaryPath.run { path in
                let database = try await Database.embedded(
                    at: path, timeout: TestTime.generous)
                do {
                    try await body { database }
                } catch {
                    await database.closeAndWait()
                    throw error
                }
                await database.closeAndWait()
            }
        }
    }
}

/// A name in the file system that nothing has yet, and that is removed afterwards.
enum TemporaryPath {
    static func run(_ body: @Sendable (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("optimystic-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }
}
