import BlockDeployment
import BlockRuntime
import Foundation
import Optimystic
import Testing

extension Integration {
    @Suite("What a person runs")
    struct ToolTests {
        /// The top of the repository.
        private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path

        @Test("The demonstration holds, says so in numbers, and leaves no process behind")
        func demonstration() async throws {
            let folder = try Executables.require()
            // Only its directory for the files of a run is used; nothing of it is started.
            let place = try LocalCluster(executables: folder, shape: LocalCluster.Shape())
            defer { place.tearDown() }
            let result = try place.run("demo", [])
            #expect(result.ending == .exited(0), "\(result.output)\(result.errors)")
            for words in [
                "SIGKILL to storage-peer", "SIGKILL to coordinator", "SIGKILL to client-proxy",
                "7910 records, each once, as in the file", "no two replicas disagree",
                "no process is left", "All of it held.",
            ] {
                #expect(result.output.contains(words), "\(words): \(result.output)")
            }
        }

        @Test("The benchmark measures one part alone and says so as one JSON object a line")
        func benchmark() async throws {
            let folder = try Executables.require()
            // Only its directory for the files of a run is used; nothing of it is started.
            let place = try LocalCluster(executables: folder, shape: LocalCluster.Shape())
            defer { place.tearDown() }
            let result = try place.run(
                "bench", ["--only", "pend", "--runs", "1", "--output", "json"])
            #expect(result.ending == .exited(0), "\(result.errors)")
            var medians: [String: Double] = [:]
            for line in result.output.split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let pairs = try #require(object as? [String: Any])
                #expect(pairs["samples"] as? Int == 1)
                #expect(pairs["unit"] is String)
                medians[try #require(pairs["name"] as? String)] = pairs["median"] as? Double
            }
            let names: Set<String> = [
                "pend.encode", "pend.encode.bytes", "pend.decode", "pend.decode.bytes", "pend.size",
            ]
            #expect(Set(medians.keys) == names)
            #expect(medians.values.allSatisfy { $0 > 0 }, "\(medians)")
            for wrong in [["--runs", "0"], ["--only", "nothing"], ["--output", "xml"]] {
                #expect(try place.run("bench", wrong).ending == .exited(64), "\(wrong)")
            }
        }

        @Test("cluster.sh starts a cluster, says what it does, ends it and leaves no process")
        func clusterScript() async throws {
            let folder = try Executables.require()
            let place = try LocalCluster(executables: folder, shape: LocalCluster.Shape())
            defer { place.tearDown() }
            let directory = place.directory + "/script"
            let variables =
                ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
                .filter { !$0.hasPrefix("OPTIMYSTIC_") }
                + ["OPTIMYSTIC_BIN=\(folder)", "CLUSTER_DIR=\(directory)", "FIRST_PORT=21710"]
            func script(_ word: String) throws -> LocalCluster.CommandResult {
                try place.runTool(
                    "/bin/bash", [Self.root + "/deploy/local/cluster.sh", word],
                    variables: variables)
            }
            let up = try script("up")
            #expect(up.ending == .exited(0), "\(up.errors)")
            let url = try #require(
                up.output.split(separator: "\n").last { $0.hasPrefix("optimystic://") })
            let appended = try place.run(
                "optimystic", ["--connect", String(url), "diary", "append", "events", "hello"])
            #expect(appended.output.hasPrefix("1.0@1-"), "\(appended.errors)")
            let status = try script("status")
            #expect(status.output.contains("3 of 3 storage peers take part"))
            let processes = try FileManager.default.contentsOfDirectory(atPath: directory)
                .filter { $0.hasSuffix(".pid") }
                .compactMap { try? String(contentsOfFile: directory + "/" + $0, encoding: .utf8) }
                .compactMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
            #expect(processes.count == 6)
            #expect(try script("down").ending == .exited(0))
            for process in processes {
                // A zombie that nobody reaped is no process any more.
                let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
                #expect(state.map { $0.contains(") Z ") } ?? true, "\(process) still runs")
            }
        }

        @Test("The command line appends, reads, follows, lists and inspects")
        func commandLine() async throws {
            try await withCluster { cluster in
                func optimystic(_ arguments: String...) throws -> String {
                    let result = try cluster.run(
                        "optimystic", ["--connect", cluster.url] + arguments)
                    #expect(result.ending == .exited(0), "\(arguments): \(result.errors)")
                    return result.output
                }
                let one = try optimystic("diary", "append", "events", "one").dropLast()
                let two = try optimystic("diary", "append", "events", "two").dropLast()
                #expect(one.hasPrefix("1.0@1-") && two.hasPrefix("2.0@1-"))
                let forward = try optimystic("diary", "read", "events")
                #expect(forward == "\(one)\tone\n\(two)\ttwo\n")
                let backward = try optimystic("diary", "read", "events", "--reverse")
                #expect(backward == "\(two)\ttwo\n\(one)\tone\n")
                let rest = try optimystic("diary", "read", "events", "--after", "\(one)")
                #expect(rest == "\(two)\ttwo\n")
                let list = try optimystic("collections")
                #expect(list.contains("events\tdiary") && list.contains("revision 2"))
                let tail = try optimystic("inspect", "tail", "events")
                #expect(tail.contains("revision 2") && tail.contains("chain hash"))
                #expect(try optimystic("status").contains("takes part"))
                #expect(try optimystic("verify").contains("events: sound"))
                // Following never ends by itself: it is ended, and has said what was there.
                let follow = try cluster.runTool(
                    "/usr/bin/timeout",
                    [
                        "-s", "INT", "2", cluster.executables + "/optimystic", "--connect",
                        cluster.url, "diary", "follow", "events",
                    ])
                #expect(follow.output == "\(one)\tone\n\(two)\ttwo\n", "\(follow.errors)")
            }
        }

        @Test("Another language reads the vectors of the protocol files")
        func vectors() async throws {
            try await withCluster { cluster in
                let result = try cluster.runTool(
                    "/usr/bin/python3",
                    ["-B", "-m", "unittest", "discover", "-s", Self.root + "/Tests/python"])
                #expect(result.ending == .exited(0), "\(result.errors)")
                #expect(result.errors.contains("OK"))
            }
        }
    }
}
