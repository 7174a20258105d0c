import BlockDeployment
import Foundation
import Testing

extension LocalCluster {
    /// Runs a script of `Tests/python` against the first proxy: what other languages have to go by
    /// is `Protos/`, so that is all the scripts use.
    /// - Returns: What it printed.
    func runPython(_ script: String, _ name: String) throws -> String {
        let python = "/usr/bin/python3"
        let check = try runTool(python, ["-c", "import zmq, google.protobuf"])
        try #require(
            check.ending == .exited(0),
            "python3-zmq and python3-protobuf are missing; make setup")
        let proxy = address(of: LocalCluster.Member(.clientProxy, 1))
        let result = try runTool(python, ["-B", pythonPath(script), proxy, shape.name, name])
        #expect(result.ending == .exited(0), "\(result.errors)")
        return result.output
    }
}

/// Where a script of `Tests/python` is.
func pythonPath(_ script: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("python/\(script)").path
}

extension Integration {
    @Suite("Trees and queues from another language")
    struct LanguageTests {
        @Test("The Python client acts on trees and queues with nothing but the protocol files")
        func structures() async throws {
            try await withCluster { cluster in
                let output = try cluster.runPython("run_structures.py", "from-python")
                #expect(output.contains("a tree of 202 entries, and 221 values through a queue"))
                #expect(output.contains("a transaction over 3 collections"))
                try expectSound(cluster)
            }
        }
    }
}
