import BlockDeployment
import BlockRuntime
import Foundation
import Optimystic
import OptimysticEmbedded
import Testing

extension Integration {
    @Suite("The command line on a directory, and its shell")
    struct EmbeddedCommandTests {
        /// Its directory is used; nothing of it is started.
        private static func withPlace(
            _ body: (LocalCluster, _ path: String) async throws -> Void
        ) async throws {
            let place = try LocalCluster(executables: Executables.require())
            defer { place.tearDown() }
            try await body(place, place.directory + "/database")
        }

        @Test("At a terminal keys, completion and characters of every kind do what they say")
        func interrupt() async throws {
            try await Self.withPlace { place, path in
                let folder = try Executables.require()
                let result = try place.runTool(
                    "/usr/bin/python3",
                    ["-B", pythonPath("run_shell.py"), "\(folder)/optimystic", path])
                #expect(result.output == "run_shell: all of it held\n", "\(result.errors)")
            }
        }

        @Test(
            "What comes from outside is bytes, and nothing asked for is lost without a word",
            arguments: [
                "argument_bytes", "exact_text", "standard_input", "dashes", "closed_output",
                "messages", "shell", "answers", "retries", "keys", "remedies", "signals",
                "transactions",
            ])
        func outside(group: String) async throws {
            try await Self.withPlace { place, path in
                let folder = try Executables.require()
                let result = try place.runTool(
                    "/usr/bin/python3",
                    [
                        "-B", pythonPath("run_command.py"), "\(folder)/optimystic",
                        place.directory, group,
                    ])
                #expect(result.output == "run_command: \(group) held\n", "\(result.errors)")
            }
        }

        @Test("A shell runs the lines of a file, and ends with the first that fails")
        func shell() async throws {
            try await Self.withPlace { place, path in
                func shell(_ lines: String, _ options: String...) throws
                    -> LocalCluster.CommandResult
                {
                    let file = place.directory + "/lines"
                    try lines.write(toFile: file, atomically: false, encoding: .utf8)
                    return try place.run(
                        "optimystic", ["--embedded", path] + options + ["shell"], input: file)
                }
                let sound = try shell(
                    """
                    # A comment, then three kinds of collections.
                    tree put t a=1 "b b=two words"

                    tree range t --reverse
                    diary append d 'an entry'
                    queue enqueue q x y
                    queue dequeue q
                    tree get t nothing
                    tree count t
                    exit
                    tree count nowhere
                    """)
                #expect(sound.ending == .exited(0), "\(sound.errors)")
                // The life that a position names differs from run to run.
                let output = sound.output.replacing(#/@1-[a-z2-7]{8}/#, with: "")
                #expect(output == "1\nb b\ttwo words\na\t1\n1.0\n1\nx\n2\n")
                #expect(sound.errors.contains("no value for key nothing"))
                let json = try shell("tree count t", "--output", "json")
                #expect(json.output == #"{"count":2}"# + "\n")
                let failed = try shell("tree count nowhere\ntree count t\n")
                #expect(failed.ending == .exited(65) && failed.output.isEmpty)
                #expect(failed.errors.contains("collectionNotFound"))
                #expect(try shell("tree count 't").ending == .exited(64))
                #expect(try shell("shell").ending == .exited(64))
                #expect(try shell("tree nonsense").ending == .exited(64))
                let help = try shell("help tree put")
                #expect(help.ending == .exited(0) && help.output.contains("--if-absent"))
            }
        }

        @Test("Two commands do not open one directory at a time, and options exclude each other")
        func exclusion() async throws {
            try await Self.withPlace { place, path in
                let database = try await Database.embedded(at: path, timeout: .seconds(30))
                let locked = try place.run("optimystic", ["--embedded", path, "collections"])
                #expect(locked.ending == .exited(75), "\(locked.errors)")
                #expect(locked.errors.contains("directoryLocked"))
                await database.closeAndWait()
                let both = try place.run(
                    "optimystic",
                    ["--embedded", path, "--connect", "optimystic://a:1/b", "collections"])
                #expect(both.ending == .exited(64))
            }
        }

        @Test("An import that is killed leaves whole actions, and goes on when it is run again")
        func killed() async throws {
            try await Self.withPlace { place, path in
                let file = place.directory + "/records.csv"
                let lines = (0..<40_000).map { "\($0),value \($0)" }
                try (["key,value"] + lines).joined(separator: "\n")
                    .write(toFile: file, atomically: false, encoding: .utf8)
                let importer = try ChildProcess.start(
                    place.executables + "/optimystic",
                    [
                        "--embedded", path, "tree", "import", "t", file, "--key", "key",
                        "--value", "value", "--batch", "10", "--encoding", "bytes",
                    ], output: nil, errors: nil)
                try await Task.sleep(for: .milliseconds(400))
                #expect(importer.kill(environment: place.environment) == .killed(signal: SIGKILL))
                let database = try await Database.embedded(at: path, timeout: .seconds(30))
                let tree = try await database.openTree(named: "t")
                // What landed is whole actions: the first records of the file, but for those that
                // were under way together.
                let count = try await tree.count()
                #expect(count % 10 == 0 && count > 0 && count < 40_000, "\(count)")
                #expect(try await database.verify().isSound)
                await database.closeAndWait()
                let again = try place.run(
                    "optimystic",
                    [
                        "--embedded", path, "tree", "import", "t", file, "--key", "key",
                        "--value", "value", "--batch", "1000", "--encoding", "bytes",
                    ])
                #expect(again.ending == .exited(0), "\(again.errors)")
                let counted = try place.run(
                    "optimystic", ["--embedded", path, "tree", "count", "t"])
                #expect(counted.output == "40000\n")
            }
        }
    }
}
