import BlockDeployment
import BlockRuntime
import Foundation

/// The programs of others that are measured beside this database, and those that load both.
struct PeerPrograms: Sendable {
    private static let patience = Duration.seconds(60)

    /// The server.
    let etcd: String
    /// Loads it through its own library: `Tests/peers/etcd_load.go`.
    let etcdLoad: String
    /// Loads it with requests that were encoded beforehand; of the system.
    let h2load = "/usr/bin/h2load"
    /// Loads a proxy likewise: `Tests/peers/wire_load.c`.
    let wireLoad: String

    /// - Parameter folder: Where `make bench-peers` has put them.
    init(in folder: String) {
        etcd = "\(folder)/etcd"
        etcdLoad = "\(folder)/etcd-load"
        wireLoad = "\(folder)/wire-load"
    }

    /// Runs one of them to its end.
    /// - Returns: What it printed.
    /// - Throws: `.ioFailed` with what it said when it fails.
    func run(
        _ program: String, _ arguments: [String], in directory: String,
        _ environment: BlockRuntime.Environment
    ) throws -> String {
        let (output, errors) = ("\(directory)/load.output", "\(directory)/load.errors")
        let process = try ChildProcess.start(program, arguments, output: output, errors: errors)
        let ending = process.awaitEnd(patience: Self.patience, environment: environment)
        guard ending == .exited(0) else {
            let said = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
            throw DatabaseError(.ioFailed, "\(program): \(ending) \(said)")
        }
        return try String(contentsOfFile: output, encoding: .utf8)
    }
}
