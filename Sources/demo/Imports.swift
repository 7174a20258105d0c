import BlockDeployment
import BlockRuntime
import Foundation
import Optimystic

/// `optimystic tree import`, in a process for each file, all at once.
struct Imports {
    /// Records in one action: few, so that there is time for something to go wrong.
    private static let batchCount = 2
    private static let patience = Duration.seconds(100)
    private static let pause = Duration.milliseconds(20)

    let files: [IsoFile]
    private let cluster: LocalCluster
    private let processes: [ChildProcess]

    /// Starts them.
    init(_ files: [IsoFile], _ cluster: LocalCluster) throws {
        self.files = files
        self.cluster = cluster
        processes = try files.map { file in
            try ChildProcess.start(
                cluster.executables + "/optimystic",
                [
                    "--connect", cluster.url, "--timeout", "20s", "tree", "import", file.name,
                    file.path, "--key", file.key, "--batch", "\(Imports.batchCount)",
                ], output: nil, errors: Imports.log(of: file, cluster))
        }
    }

    var recordCount: Int { files.reduce(0) { $0 + $1.records.count } }

    /// Waits until so much has landed, in percent.
    /// - Returns: The number of records that have.
    func reach(_ percent: Int, in database: Database) async throws -> Int {
        let end = cluster.environment.now().advanced(by: Imports.patience)
        while true {
            var landed = 0
            for file in files {
                let tree = try await database.tree(
                    file.name, key: String.self, coding: .rawJSON, timeout: .seconds(20))
                landed += try await tree.count(timeout: .seconds(20))
            }
            if landed * 100 >= recordCount * percent { return landed }
            guard cluster.environment.now() < end else {
                throw DatabaseError(
                    .deadlineExceeded, "the imports stand still at \(landed) records")
            }
            try await Task.sleep(for: Imports.pause)
        }
    }

    /// Waits for their ends.
    /// - Returns: What went wrong; nothing when all has landed.
    func finish() -> [String] {
        zip(files, processes).compactMap { file, process in
            let ending = process.wait(timeout: Imports.patience, environment: cluster.environment)
            if ending == .exited(0) { return nil }
            let log = try? String(contentsOfFile: Imports.log(of: file, cluster), encoding: .utf8)
            return "\(file.name): \(ending.map { "\($0)" } ?? "no end") \(log ?? "")"
        }
    }

    private static func log(of file: IsoFile, _ cluster: LocalCluster) -> String {
        cluster.directory + "/import-\(file.name).log"
    }
}
