import BlockDeployment
import BlockRuntime
import Foundation
import Glibc
import Testing

extension Integration {
    @Suite("The edges of the command line and of the services")
    struct CommandEdgeTests {
        /// Types lines into a command whose standard input is a pipe with a name.
        private struct Keyboard {
            private let pipe: Int32

            init(at path: String) throws {
                try #require(mkfifo(path, 0o600) == 0)
                // Open for both, so that nobody waits for the other.
                pipe = open(path, O_RDWR)
                try #require(pipe >= 0)
            }

            func type(_ lines: String) { _ = write(pipe, lines, lines.utf8.count) }
            func close() { Glibc.close(pipe) }
        }

        private static let environment = BlockRuntime.Environment.live()

        private static func send(_ signal: Int32, to cluster: LocalCluster) {
            for member in cluster.members where member.role == .storagePeer {
                cluster.process(of: member)?.send(signal)
            }
        }

        @Test("A signal ends a write with how to find out what became of it, and that is true")
        func interrupted() async throws {
            try await withCluster { cluster in
                for number in [SIGINT, SIGTERM, SIGHUP] {
                    let lines = cluster.directory + "/lines-\(number)"
                    let errors = cluster.directory + "/errors-\(number)"
                    let positions = cluster.directory + "/positions-\(number)"
                    let keyboard = try Keyboard(at: lines)
                    defer { keyboard.close() }
                    let process = try ChildProcess.start(
                        Executables.require() + "/optimystic",
                        [
                            "--connect", cluster.url, "--timeout", "60s", "diary", "append", "d",
                            "-",
                        ],
                        input: lines, output: positions, errors: errors)
                    keyboard.type("safe\n")
                    let end = Self.environment.now().advanced(by: .seconds(20))
                    func isEmpty(_ file: String) -> Bool {
                        (try? String(contentsOfFile: file, encoding: .utf8))?.isEmpty != false
                    }
                    while isEmpty(positions) {
                        try #require(Self.environment.now() < end, "nothing is appended")
                        usleep(20_000)
                    }
                    Self.send(SIGSTOP, to: cluster)
                    keyboard.type("under way\n")
                    usleep(500_000)
                    process.send(number)
                    let ending = process.wait(
                        timeout: .seconds(20), environment: Self.environment)
                    Self.send(SIGCONT, to: cluster)
                    #expect(ending == .killed(signal: number))
                    let told = try String(contentsOfFile: errors, encoding: .utf8)
                    #expect(
                        told.contains("; 1 entries were appended; what was sent last"), "\(told)")
                    let hint = try #require(
                        told.components(separatedBy: "to resolve it: optimystic ").last)
                    // It was sent: it lands as soon as the storage peers go on.
                    usleep(1_000_000)
                    let result = try cluster.run(
                        "optimystic",
                        ["--connect", cluster.url]
                            + hint.split(whereSeparator: \.isWhitespace).map(String.init))
                    #expect(result.ending == .exited(0), "\(hint): \(result.errors)")
                    #expect(result.output.contains("landed"), "\(result.output)")
                }
                try expectSound(cluster)
            }
        }

        @Test("A signal ends a transaction with its id, by which its fate is told")
        func interruptedTransaction() async throws {
            try await withCluster { cluster in
                let base = ["--connect", cluster.url, "--timeout", "60s"]
                for words in [["tree", "put", "t", "a=1"], ["diary", "append", "d", "x"]] {
                    let made = try cluster.run("optimystic", base + words)
                    try #require(made.ending == .exited(0), "\(made.errors)")
                }
                let lines = cluster.directory + "/lines"
                let errors = cluster.directory + "/errors"
                let output = cluster.directory + "/output"
                let keyboard = try Keyboard(at: lines)
                defer { keyboard.close() }
                let process = try ChildProcess.start(
                    Executables.require() + "/optimystic", base + ["shell"], input: lines,
                    output: output, errors: errors)
                keyboard.type("begin\ntree put t a=2\ndiary append d y\ntree get t a\n")
                let end = Self.environment.now().advanced(by: .seconds(20))
                while (try? String(contentsOfFile: output, encoding: .utf8)) != "2\n" {
                    try #require(Self.environment.now() < end, "nothing is read")
                    usleep(20_000)
                }
                Self.send(SIGSTOP, to: cluster)
                keyboard.type("commit\n")
                usleep(700_000)
                process.send(SIGTERM)
                let ending = process.wait(timeout: .seconds(20), environment: Self.environment)
                Self.send(SIGCONT, to: cluster)
                #expect(ending == .killed(signal: SIGTERM))
                let told = try String(contentsOfFile: errors, encoding: .utf8)
                let hint = try #require(
                    told.components(separatedBy: "to resolve it: optimystic ").last)
                // It was sent: it lands as soon as the storage peers go on.
                usleep(1_000_000)
                let result = try cluster.run(
                    "optimystic",
                    ["--connect", cluster.url]
                        + hint.split(whereSeparator: \.isWhitespace).map(String.init))
                #expect(result.ending == .exited(0), "\(told): \(result.errors)")
                #expect(result.output.contains("committed"), "\(result.output)")
            }
        }

        @Test("Services are started by hand as the page on operating says, word by word")
        func byHand() async throws {
            let folder = try Executables.require()
            let place = try LocalCluster(executables: folder)
            defer { place.tearDown() }
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent().path
            let page = try String(contentsOfFile: root + "/deploy/README.md", encoding: .utf8)
            let section = try #require(page.components(separatedBy: "## By hand\n").last)
            let parts = section.components(separatedBy: "```")
            var script = try #require(parts.dropFirst().first).replacingOccurrences(
                of: "$PWD/.build/release", with: folder)
            #expect(script.hasPrefix("sh\nPATH=\(folder):$PATH\n"))
            script.removeFirst(3)
            // Other tests may be at its ports.
            let ports = [7711, 7712, 7713, 7721, 7722, 7730]
            var generator = Self.environment.generator()
            for (port, free) in zip(ports, try LoopbackPorts.take(ports.count, using: &generator)) {
                script = script.replacingOccurrences(
                    of: "127.0.0.1:\(port)", with: "127.0.0.1:\(free)")
            }
            let result = try place.runTool(
                "/bin/bash", ["-ec", "cd '\(place.directory)'\n\(script)"])
            #expect(result.ending == .exited(0), "\(result.errors)")
            #expect(result.output.contains(" of 3 storage peers take part"), "\(result.output)")
            #expect(result.output.contains("\thello\n"), "\(result.output)")
            let names = [
                "peer-1", "peer-2", "peer-3", "coordinator-1", "coordinator-2", "proxy-1",
            ]
            for name in names {
                let log = try String(
                    contentsOfFile: place.directory + "/cluster/\(name).log", encoding: .utf8)
                #expect(
                    log.contains("\"ready\"") && log.contains("\"stopped\""), "\(name): \(log)")
                #expect(!log.contains("\"listening\""), "\(name): \(log)")
            }
        }

        @Test("A service that listens where nobody is sent says so, and asks which one it is")
        func listening() async throws {
            try await withCluster { cluster in
                let coordinator = LocalCluster.Member(.coordinator, 1)
                cluster.stop(coordinator)
                let asked = try cluster.run(
                    "coordinator", ["--cluster-file", cluster.clusterFile], timeout: .seconds(20))
                #expect(asked.ending == .exited(64), "\(asked.errors)")
                #expect(asked.errors.contains("coordinator-1, coordinator-2"), "\(asked.errors)")
                let errors = cluster.directory + "/elsewhere"
                let elsewhere = try ChildProcess.start(
                    Executables.require() + "/coordinator",
                    ["--cluster-file", cluster.clusterFile, "--listen", "127.0.0.1:0"],
                    output: nil, errors: errors)
                defer { elsewhere.kill(environment: Self.environment) }
                let end = Self.environment.now().advanced(by: .seconds(15))
                var log = ""
                while !log.contains("\"ready\"") {
                    try #require(Self.environment.now() < end, "\(log)")
                    usleep(50_000)
                    log = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
                }
                #expect(log.contains("the cluster file sends nobody"), "\(log)")
            }
        }
    }
}
