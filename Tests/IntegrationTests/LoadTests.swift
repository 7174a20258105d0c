import BlockDeployment
import BlockRuntime
import Foundation
import Testing

extension Integration {
    @Suite("The load tester")
    struct LoadTests {
        /// What it printed: its objects by their names.
        private func objects(_ output: String) throws -> [String: [String: Any]] {
            var objects: [String: [String: Any]] = [:]
            for line in output.split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let pairs = try #require(object as? [String: Any])
                objects[try #require(pairs["name"] as? String)] = pairs
            }
            return objects
        }

        private func arguments(_ workload: String, _ more: [String] = []) -> [String] {
            [
                "--workload", workload, "--clients", "8", "--records", "2000", "--warm-up", "0",
                "--output", "json",
            ] + more
        }

        @Test(
            "A short run measures each operation and finds everything that was acknowledged",
            arguments: [
                ("a", ["read", "update"]), ("e", ["scan", "insert"]),
                ("f", ["read", "readModifyWrite"]), ("append", ["append"]),
                ("bank", ["transfer"]), ("bank-uniform", ["transfer"]),
            ])
        func short(workload: String, kinds: [String]) async throws {
            let folder = try Executables.require()
            // Only its directory for the files of a run is used; nothing of it is started.
            let place = try LocalCluster(executables: folder, shape: LocalCluster.Shape())
            defer { place.tearDown() }
            let variables = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
                .filter { !$0.hasPrefix("OPTIMYSTIC_URL=") }
            let result = try place.run(
                "load-tester", arguments(workload, ["--seconds", "2"]), variables: variables)
            #expect(result.ending == .exited(0), "\(result.output)\(result.errors)")
            let objects = try objects(result.output)
            #expect(Set(objects.keys) == Set(kinds + ["run"]))
            for kind in kinds {
                let figures = try #require(objects[kind])
                let p50 = try #require(figures["p50"] as? Int)
                let max = try #require(figures["max"] as? Int)
                #expect(p50 > 0 && p50 <= max, "\(kind)")
                #expect(figures["unit"] as? String == "us")
                #expect(figures["workload"] as? String == workload)
            }
            let run = try #require(objects["run"])
            #expect(run["passed"] as? Bool == true)
            #expect((run["violations"] as? [String]) == [])
            #expect(run["clients"] as? Int == 8)
            let counts = kinds.compactMap { objects[$0]?["count"] as? Int }
            #expect(run["operations"] as? Int == counts.reduce(0, +))
            // Where clients are told where their writes landed, every write is in some entry.
            let shared = run["writesPerEntry"] as? Double
            let isTransaction = workload == "f" || workload.hasPrefix("bank")
            #expect(isTransaction ? shared == nil : (shared ?? 0) >= 1)
            // Every acknowledged operation that wrote, and every record, was looked at.
            let checks = try #require(run["checks"] as? Int)
            let isCounted = workload == "append" || workload.hasPrefix("bank")
            #expect(checks >= (isCounted ? counts[0] : 2000))
        }

        @Test(
            "A storage peer that is killed during a run costs nothing that was acknowledged",
            arguments: ["a", "f", "append"])
        func kill(workload: String) async throws {
            try await withCluster { cluster in
                let files = cluster.directory + "/load"
                let process = try ChildProcess.start(
                    cluster.executables + "/load-tester",
                    arguments(workload, ["--seconds", "5", "--connect", cluster.url]),
                    output: files + ".out", errors: files + ".err")
                defer { process.kill(environment: cluster.environment) }
                try await Task.sleep(for: .seconds(3))
                #expect(process.isRunning)
                cluster.kill(LocalCluster.Member(.storagePeer, 2))
                let ending = process.wait(
                    timeout: .seconds(60), environment: cluster.environment)
                let output = try String(contentsOfFile: files + ".out", encoding: .utf8)
                let errors = try String(contentsOfFile: files + ".err", encoding: .utf8)
                #expect(ending == .exited(0), "\(output)\(errors)")
                let run = try #require(try objects(output)["run"])
                #expect(run["passed"] as? Bool == true)
                #expect((run["operations"] as? Int ?? 0) > 0)
                // What it worked on is dropped again.
                let list = try cluster.run("optimystic", ["--connect", cluster.url, "collections"])
                #expect(list.ending == .exited(0), "\(list.errors)")
                #expect(!list.output.contains("load-"), "\(list.output)")
            }
        }

        @Test("A record that somebody takes away during a run is missed, and the run fails with 70")
        func tampered() async throws {
            try await withCluster { cluster in
                func optimystic(_ arguments: String...) throws -> Substring {
                    let result = try cluster.run(
                        "optimystic", ["--connect", cluster.url] + arguments)
                    #expect(result.ending == .exited(0), "\(arguments): \(result.errors)")
                    return try #require(result.output.split(separator: "\n").first)
                }
                let files = cluster.directory + "/load"
                let process = try ChildProcess.start(
                    cluster.executables + "/load-tester",
                    arguments("a", ["--seconds", "4", "--connect", cluster.url]),
                    output: files + ".out", errors: files + ".err")
                defer { process.kill(environment: cluster.environment) }
                try await Task.sleep(for: .seconds(3))
                let name = try String(
                    #require(optimystic("collections").split(separator: "\t").first))
                #expect(name.hasPrefix("load-a-"))
                let first = try optimystic(
                    "--output", "json", "tree", "range", name, "--limit", "1")
                let entry = try JSONSerialization.jsonObject(with: Data(first.utf8))
                let key = try #require((entry as? [String: Any])?["key"] as? String)
                let deleting = try cluster.run(
                    "optimystic", ["--connect", cluster.url, "tree", "delete", name, key])
                #expect(deleting.ending == .exited(0), "\(deleting.errors)")
                // A client that writes the record from here on finds that it was not there.
                let ending = process.wait(
                    timeout: .seconds(60), environment: cluster.environment)
                let output = try String(contentsOfFile: files + ".out", encoding: .utf8)
                #expect(ending == .exited(70), "\(output)")
                let run = try #require(try objects(output)["run"])
                #expect(run["passed"] as? Bool == false)
                #expect((run["violations"] as? [String])?.isEmpty == false)
                // It is left for people to look at.
                #expect(try optimystic("collections").hasPrefix(name))
            }
        }

        @Test("A run that nobody acknowledges anything of, or that is asked wrongly, fails")
        func failures() async throws {
            try await withCluster { cluster in
                func ending(_ arguments: [String]) throws -> ChildProcess.Ending {
                    try cluster.run("load-tester", arguments).ending
                }
                for wrong in [
                    ["--clients", "0"], ["--workload", "g"], ["--value-bytes", "8"],
                    ["--seconds", "0"], ["--connections", "65"], ["--connect", "nowhere"],
                ] {
                    #expect(try ending(wrong) == .exited(64), "\(wrong)")
                }
                for number in 1...3 { cluster.kill(LocalCluster.Member(.storagePeer, number)) }
                let run = try ending(
                    ["--seconds", "1", "--connect", cluster.url + "?timeout=500ms"])
                #expect([.exited(69), .exited(75)].contains(run), "\(run)")
            }
        }
    }
}
