import BlockDeployment
import BlockRuntime
import Foundation

/// Three etcd servers on loopback with their data in one directory, for a comparison in one run.
struct EtcdCluster {
    /// What its load program tells of one load.
    struct Result: Decodable {
        let count: Int
        /// Of transfers, that met others.
        let conflicts: Int
        let seconds: Double
        /// Microseconds.
        let p50: Double
        let p99: Double
    }

    private static let names = ["a", "b", "c"]
    private static let startTime = Duration.seconds(20)

    private let directory: String
    private let load: String
    private let endpoints: String
    private let environment: BlockRuntime.Environment
    private let servers: [ChildProcess]

    /// Starts the servers.
    /// - Parameter load: The program that loads them.
    /// - Throws: `.ioFailed` when etcd is not installed.
    init(_ setting: BenchSetting, load: String, directory: String) throws {
        self.directory = directory
        self.load = load
        environment = setting.environment
        var generator = environment.generator()
        let ports = try LoopbackPorts.take(6, using: &generator)
        func address(_ port: Int) -> String { "http://127.0.0.1:\(ports[port])" }
        endpoints = (0..<3).map { "127.0.0.1:\(ports[$0])" }.joined(separator: ",")
        let members = Self.names.indices.map { "\(Self.names[$0])=\(address($0 + 3))" }
        servers = try Self.names.indices.map { index in
            let name = Self.names[index]
            return try ChildProcess.start(
                "/usr/bin/etcd",
                [
                    "--name", name, "--data-dir", "\(directory)/\(name)", "--logger", "zap",
                    "--listen-client-urls", address(index),
                    "--advertise-client-urls", address(index),
                    "--listen-peer-urls", address(index + 3),
                    "--initial-advertise-peer-urls", address(index + 3),
                    "--initial-cluster", members.joined(separator: ","),
                ], output: nil, errors: "\(directory)/\(name).log")
        }
    }

    func stop() {
        for server in servers { server.stop(patience: .seconds(5), environment: environment) }
    }

    /// Writes the keys that are read and put, once there is a leader.
    func fill(keyCount: Int) throws {
        let limit = environment.now().advanced(by: Self.startTime)
        while true {
            do {
                _ = try run("fill", 1, .milliseconds(1), keyCount)
                return
            } catch {
                guard environment.now() < limit else { throw error }
                usleep(200_000)
            }
        }
    }

    /// Loads the servers for a while.
    /// - Parameter kind: `put`, `get`, `range` or `transfer`.
    func measure(
        _ kind: String, clients: Int, duration: Duration, keyCount: Int
    ) throws -> Result {
        try JSONDecoder().decode(
            Result.self, from: Data(try run(kind, clients, duration, keyCount).utf8))
    }

    private func run(
        _ kind: String, _ clients: Int, _ duration: Duration, _ keyCount: Int
    ) throws -> String {
        let (output, errors) = ("\(directory)/load.json", "\(directory)/load.errors")
        let process = try ChildProcess.start(
            load, [endpoints, kind, "\(clients)", "\(duration.milliseconds)", "\(keyCount)"],
            output: output, errors: errors)
        let ending = process.awaitEnd(patience: .seconds(60), environment: environment)
        guard ending == .exited(0) else {
            let said = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
            throw DatabaseError(.ioFailed, "\(load): \(ending) \(said)")
        }
        return try String(contentsOfFile: output, encoding: .utf8)
    }
}
