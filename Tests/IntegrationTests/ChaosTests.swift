import BlockDeployment
import Foundation
import Testing

extension Integration {
    @Suite("Chaos")
    struct ChaosTests {
        /// Runs `chaos` with a scratch directory for the files it is told to write.
        private func withPlace(_ body: (LocalCluster) throws -> Void) throws {
            // Only its directory is used; nothing of it is started.
            let place = try LocalCluster(executables: Executables.require())
            defer { place.tearDown() }
            try body(place)
        }

        @Test("A short run fires every fault, passes, and its tampered history does not")
        func short() throws {
            try withPlace { place in
                let file = place.directory + "/history.jsonl"
                let result = try place.run(
                    "chaos",
                    [
                        "--seconds", "8", "--seed", "1", "--output", "json", "--history", file,
                    ])
                #expect(result.ending == .exited(0), "\(result.output)\(result.errors)")
                let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
                let report = try #require(object as? [String: Any])
                #expect(report["verdict"] as? String == "valid")
                let faults = try #require(report["faults"] as? [String: Int])
                #expect(faults.count == 8 && faults.values.allSatisfy { $0 > 0 }, "\(faults)")
                #expect((report["killedRoles"] as? [String])?.count == 3)
                let operations = try #require(report["operations"] as? [String: Int])
                #expect(operations["acknowledged", default: 0] > 400, "\(operations)")
                let clients = try #require(report["clients"] as? [String: Int])
                #expect(clients["brokenConnections", default: 0] > 0, "\(clients)")
                let transactions = try #require(report["transactions"] as? [String: Int])
                #expect(transactions["committed", default: 0] > 50, "\(transactions)")
                #expect(transactions["aborted", default: 0] > 5, "\(transactions)")

                // The same checks over the file; then with one acknowledged entry taken away.
                #expect(try place.run("chaos", ["check", file]).ending == .exited(0))
                let text = try String(contentsOfFile: file, encoding: .utf8)
                let appended = #/"outcome":"appended"[^\n]*"value":"(?<value>[0-9]+:[0-9]+)"/#
                let value = try #require(text.firstMatch(of: appended)).output.value
                let hex = (value + "|").utf8.map { String(format: "%02x", $0) }.joined()
                try text.replacing("\"bytes\":\"\(hex)", with: "\"bytes\":\"7c\(hex)")
                    .write(toFile: file, atomically: true, encoding: .utf8)
                let check = try place.run("chaos", ["check", file])
                #expect(check.ending == .exited(1), "\(check.output)")
                #expect(check.output.contains("was acknowledged and is lost"), "\(check.output)")
            }
        }

        #if SIMULATION_HOOKS
        /// The services of the tests' own build, which can carry a planted bug.
        @Test("A bug planted in real services is found, and what shows it is kept")
        func planted() throws {
            try withPlace { place in
                let runner = try FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/self/exe")
                let chaos = (runner as NSString).deletingLastPathComponent + "/chaos"
                try #require(FileManager.default.isExecutableFile(atPath: chaos), "\(chaos)")
                let variables = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
                let result = try place.runTool(
                    chaos, ["--seconds", "12", "--seed", "1", "--output", "json"],
                    variables: variables + ["OPTIMYSTIC_PLANTED_BUG=noDedupeScan"])
                #expect(result.ending == .exited(1), "\(result.output)\(result.errors)")
                let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
                let report = try #require(object as? [String: Any])
                #expect(report["verdict"] as? String == "invalid")
                let directory = try #require(report["directory"] as? String)
                defer { try? FileManager.default.removeItem(atPath: directory) }
                for file in ["history.jsonl", "storage-peer-1.log", "client-proxy-1.log.1"] {
                    #expect(FileManager.default.fileExists(atPath: directory + "/" + file))
                }
                let check = try place.run("chaos", ["check", directory + "/history.jsonl"])
                #expect(check.ending == .exited(1), "\(check.output)")
            }
        }
        #endif

        @Test("A run that is too slow counts for nothing, and says so with a status of its own")
        func tooSlow() throws {
            try withPlace { place in
                let result = try place.run(
                    "chaos", ["--seconds", "8", "--rate-min", "1000000", "--output", "json"])
                #expect(result.ending == .exited(4), "\(result.output)\(result.errors)")
                let report = try Self.report(result.output)
                defer { Self.remove(report) }
                #expect(report["verdict"] as? String == "tooSlow")
                let faults = try #require(report["faults"] as? [String: Int])
                #expect(faults.values.allSatisfy { $0 == 0 }, "there was nothing to disturb")
                #expect(try place.run("chaos", ["--rate-min", "99"]).ending == .exited(64))
            }
        }

        @Test("A run whose clients are not done in the time given is stuck")
        func stuck() throws {
            try withPlace { place in
                let result = try place.run(
                    "chaos", ["--seconds", "8", "--settle-seconds", "0", "--output", "json"])
                #expect(result.ending == .exited(3), "\(result.output)\(result.errors)")
                let report = try Self.report(result.output)
                defer { Self.remove(report) }
                #expect(report["verdict"] as? String == "stuck")
                let reasons = try #require(report["reasons"] as? [String])
                #expect(reasons.contains { $0.hasSuffix("is not done") }, "\(reasons)")
                #expect(try place.run("chaos", ["--settle-seconds", "61"]).ending == .exited(64))
            }
        }

        private static func report(_ output: String) throws -> [String: Any] {
            try #require(
                try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        }

        /// Takes away what a run that did not pass has kept.
        private static func remove(_ report: [String: Any]) {
            guard let directory = report["directory"] as? String else { return }
            try? FileManager.default.removeItem(atPath: directory)
        }

        @Test("What cannot be checked is neither valid nor invalid, and wrong words are usage")
        func endings() throws {
            try withPlace { place in
                func ending(_ arguments: String...) throws -> ChildProcess.Ending {
                    try place.run("chaos", arguments).ending
                }
                let empty = place.directory + "/empty"
                try "".write(toFile: empty, atomically: true, encoding: .utf8)
                #expect(try ending("check", empty) == .exited(2))
                try "nonsense\n".write(toFile: empty, atomically: true, encoding: .utf8)
                #expect(try ending("check", empty) == .exited(2))
                #expect(try ending("check", place.directory + "/missing") == .exited(2))
                #expect(try ending("--seconds", "7") == .exited(64))
                let plans = try (0..<2).map { _ in
                    try place.run("chaos", ["--seed", "5", "--plan"]).output
                }
                #expect(plans[0] == plans[1] && plans[0].contains("kill storage-peer"))
            }
        }
    }
}
