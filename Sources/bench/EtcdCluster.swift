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
    private let programs: PeerPrograms
    /// Of the servers, for clients.
    let endpoints: [String]
    private let environment: BlockRuntime.Environment
    private let servers: [ChildProcess]

    /// Starts the servers.
    /// - Throws: `.ioFailed` when etcd is not there.
    init(_ setting: BenchSetting, _ programs: PeerPrograms, directory: String) throws {
        self.directory = directory
        self.programs = programs
        environment = setting.environment
        var generator = environment.generator()
        let ports = try LoopbackPorts.take(6, using: &generator)
        func address(_ port: Int) -> String { "http://127.0.0.1:\(ports[port])" }
        endpoints = (0..<3).map { "127.0.0.1:\(ports[$0])" }
        let members = Self.names.indices.map { "\(Self.names[$0])=\(address($0 + 3))" }
        servers = try Self.names.indices.map { index in
            let name = Self.names[index]
            return try ChildProcess.start(
                programs.etcd,
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

    /// Microseconds of processor time that all servers have used.
    var processor: Double {
        let ticks = servers.reduce(0) { $0 + ($1.processorTicks ?? 0) }
        return Double(ticks) * 1_000_000 / Double(sysconf(Int32(_SC_CLK_TCK)))
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
        try programs.run(
            programs.etcdLoad,
            [
                endpoints.joined(separator: ","), kind, "\(clients)", "\(duration.milliseconds)",
                "\(keyCount)",
            ], in: directory, environment)
    }
}
