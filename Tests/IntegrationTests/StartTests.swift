import BlockDeployment
import BlockRuntime
import Foundation
import Testing

extension Integration {
    @Suite("Starting and stopping")
    struct StartTests {
        private static let peer = LocalCluster.Member(.storagePeer, 1)

        /// Starts a service that must not start, and checks that it says why in one line.
        private func expectRefusal(
            _ cluster: LocalCluster, _ member: LocalCluster.Member, _ arguments: [String],
            exit code: Int32, saying words: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let result = try cluster.run(
                member.role.rawValue, arguments, timeout: .seconds(20))
            #expect(
                result.ending == .exited(code), "\(result.errors)", sourceLocation: sourceLocation)
            #expect(
                result.errors.contains(words), "\(result.errors)", sourceLocation: sourceLocation)
            #expect(!result.errors.contains("\"ready\""), sourceLocation: sourceLocation)
        }

        /// Names and sizes of the files of a directory, however deep.
        private func contents(of directory: String) throws -> [String: Int] {
            var sizes: [String: Int] = [:]
            for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
                let attributes = try FileManager.default.attributesOfItem(
                    atPath: "\(directory)/\(name)")
                sizes[name] = attributes[.size] as? Int
            }
            return sizes
        }

        @Test("A port in use and a locked directory end a second process, and not the first")
        func taken() async throws {
            try await withCluster { cluster in
                for member in cluster.members where member.role != .storagePeer {
                    try expectRefusal(
                        cluster, member, cluster.arguments(of: member), exit: 75,
                        saying: "addressInUse")
                }
                try expectRefusal(
                    cluster, Self.peer, cluster.arguments(of: Self.peer), exit: 75,
                    saying: "directoryLocked")
                for member in cluster.members {
                    #expect(cluster.process(of: member)?.isRunning == true)
                }
                // Its directory is free now, but not its port.
                #expect(cluster.stop(Self.peer) == .exited(0))
                let before = try contents(of: cluster.dataDirectory(of: Self.peer) + "/store")
                    .filter { $0.key.hasSuffix(".sst") }
                let busy = cluster.address(of: LocalCluster.Member(.coordinator, 1))
                try expectRefusal(
                    cluster, Self.peer,
                    [
                        "--cluster-file", cluster.clusterFile, "--listen", busy,
                        "--data-directory", cluster.dataDirectory(of: Self.peer),
                    ], exit: 75, saying: "addressInUse")
                let after = try contents(of: cluster.dataDirectory(of: Self.peer) + "/store")
                #expect(before.allSatisfy { after[$0.key] == $0.value })
                try cluster.start(Self.peer)
                try cluster.waitUntilReady(Self.peer)
            }
        }

        @Test("A directory that is foreign, of a newer format or of another cluster is refused")
        func directories() async throws {
            let cluster = try LocalCluster(executables: Executables.require())
            defer { cluster.tearDown() }
            let other = try LocalCluster(executables: Executables.require())
            defer { other.tearDown() }
            func arguments(_ directory: String, of owner: LocalCluster) -> [String] {
                [
                    "--cluster-file", owner.clusterFile, "--data-directory", directory,
                    "--listen", "tcp://127.0.0.1:*",
                ]
            }
            let foreign = cluster.directory + "/foreign"
            try FileManager.default.createDirectory(
                atPath: foreign, withIntermediateDirectories: false)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: foreign + "/notes.txt"))
            try expectRefusal(
                cluster, Self.peer, arguments(foreign, of: cluster), exit: 78,
                saying: "directoryForeign")
            try expectRefusal(
                cluster, Self.peer, ["init", "--data-directory", foreign], exit: 78,
                saying: "directoryForeign")
            #expect(try contents(of: foreign) == ["notes.txt": 4])
            try expectRefusal(
                cluster, Self.peer, arguments(cluster.directory + "/none", of: cluster), exit: 78,
                saying: "pathNotFound")

            let newer = cluster.dataDirectory(of: LocalCluster.Member(.storagePeer, 2))
            let identity = URL(fileURLWithPath: newer + "/IDENTITY")
            let text = try String(contentsOf: identity, encoding: .utf8)
            let edited = text.replacingOccurrences(
                of: "\nformat [0-9]+\n", with: "\nformat 999\n", options: .regularExpression)
            #expect(edited != text)
            try edited
                .write(to: identity, atomically: false, encoding: .utf8)
            try expectRefusal(
                cluster, Self.peer, arguments(newer, of: cluster), exit: 65,
                saying: "formatUnsupported")

            // Not named by the other cluster's file.
            let mine = cluster.dataDirectory(of: Self.peer)
            try expectRefusal(
                cluster, Self.peer, arguments(mine, of: other), exit: 78,
                saying: "configurationInvalid")
            // Named by it, but bound to another cluster already.
            #expect(
                try other.run(
                    "storage-peer",
                    [
                        "init", "--data-directory", other.directory + "/bound", "--cluster-file",
                        other.clusterFile,
                    ]
                ).ending == .exited(0))
            let plan = try cluster.run(
                "optimystic",
                [
                    "cluster", "plan", "--name", "third", "--replicas", "1", "--peer",
                    other.directory + "/bound=tcp://127.0.0.1:7001", "--coordinator",
                    "tcp://127.0.0.1:7002", "--proxy", "tcp://127.0.0.1:7003", "--out",
                    cluster.directory + "/third.json",
                ])
            #expect(plan.ending == .exited(0), "\(plan.errors)")
            #expect(plan.errors.contains("one replica"))
            try expectRefusal(
                cluster, Self.peer,
                [
                    "--cluster-file", cluster.directory + "/third.json", "--data-directory",
                    other.directory + "/bound", "--listen", "tcp://127.0.0.1:*",
                ], exit: 76, saying: "wrongCluster")
        }

        @Test("A cluster file that is missing or wrong, and a wrong flag, are said and refused")
        func configuration() async throws {
            let cluster = try LocalCluster(executables: Executables.require())
            defer { cluster.tearDown() }
            let broken = cluster.directory + "/broken.json"
            let text = try String(contentsOfFile: cluster.clusterFile, encoding: .utf8)
            try text.replacingOccurrences(of: "\"replicas\"", with: "\"replicaz\"")
                .write(toFile: broken, atomically: false, encoding: .utf8)
            for role in LocalCluster.Member.Role.allCases {
                let member = LocalCluster.Member(role, 1)
                let data = role == .storagePeer ? ["--data-directory", "/nowhere"] : []
                try expectRefusal(
                    cluster, member, ["--cluster-file", "/nowhere.json"] + data, exit: 78,
                    saying: "/nowhere.json")
                try expectRefusal(
                    cluster, member, ["--cluster-file", broken] + data, exit: 78,
                    saying: "replicaz")
                try expectRefusal(
                    cluster, member, ["--cluster-fiel", broken], exit: 64, saying: "cluster-fiel")
                try expectRefusal(cluster, member, data, exit: 64, saying: "cluster-file")
                let printed = try cluster.run(
                    role.rawValue, ["--print-configuration", "--cluster-file", "a.json"] + data,
                    variables: ["OPTIMYSTIC_\(variable(role))_LOG_LEVEL=debug"])
                #expect(printed.ending == .exited(0))
                let rows = printed.output.split(separator: "\n").map { row in
                    row.split(separator: " ").map(String.init)
                }
                #expect(rows.contains(["cluster-file", "a.json", "flag"]))
                #expect(rows.contains { $0.starts(with: ["log-level", "debug", "environment"]) })
                #expect(rows.contains(["log-format", "json", "default"]))
            }
        }

        private func variable(_ role: LocalCluster.Member.Role) -> String {
            role.rawValue.uppercased().replacingOccurrences(of: "-", with: "_")
        }

        @Test("SIGTERM ends every service with 0, and its log with a line that says so")
        func stopping() async throws {
            try await withCluster { cluster in
                let endings = cluster.stopAll()
                for member in cluster.members {
                    #expect(endings[member] == .exited(0), "\(member)")
                    let log = cluster.log(of: member)
                    #expect(log.contains("\"msg\":\"stopped\""), "\(member)")
                    #expect(log.contains("libzmq 4."), "\(member)")
                    let isPeer = member.role == .storagePeer
                    #expect(log.contains(#/"rocksdb":"\d+\.\d/#) == isPeer, "\(member)")
                    for line in log.split(separator: "\n") {
                        let parsed = try? JSONSerialization.jsonObject(with: Data(line.utf8))
                        #expect(parsed is [String: Any], "not a JSON line: \(line)")
                    }
                }
            }
        }
    }
}
