import BlockDeployment
import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import OptimysticClient
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

        // protocol: execution-is-deterministic
        @Test("A history is executed again, or it is said why it is not, and what differs is found")
        func replay() async throws {
            try await Self.withPlace { place, path in
                func verify(_ words: String...) throws -> LocalCluster.CommandResult {
                    try place.run("optimystic", ["--embedded", path, "verify"] + words)
                }
                let database = try await Database.embedded(at: path, timeout: .seconds(30))
                let tree = try await database.tree("t", key: Int.self, value: Int.self)
                let queue = try await database.queue("q", of: Int.self)
                for number in 0..<200 { try await tree.set(number, to: number) }
                for number in 0..<150 { try await tree.remove(number) }
                try await queue.enqueue(1)
                await database.closeAndWait()
                let sound = try verify("--replay")
                #expect(sound.ending == .exited(0), "\(sound.errors)")
                #expect(sound.output.contains("t: sound, up to revision 350"))
                #expect(sound.output.contains("executed again from its first entry: "))
                #expect(try !verify().output.contains("executed"))
                let json = try verify("--replay", "t", "--output", "json")
                #expect(json.output.contains(#""state":"done""#), "\(json.output)")

                // What is not there is not sound.
                let again = try await Database.embedded(at: path, timeout: .seconds(30))
                try await again.truncate("t", through: Revision(100))
                _ = try await again.createOrOpen("own", Plus.behavior)
                await again.closeAndWait()
                let partly = try verify("--replay")
                #expect(partly.ending == .exited(1), "\(partly.errors)")
                #expect(partly.output.contains("t: not re-executed, up to revision 350"))
                #expect(partly.output.contains("history before revision 101 is gone"))
                #expect(partly.output.contains("own: not re-executed"))
                #expect(partly.output.contains("q: sound"))
                #expect(try verify().ending == .exited(0))
                #expect(
                    try verify("--replay", "own", "--output", "json").output
                        .contains(#""obstacle":"handlersUnknown""#))

                // Somebody says that it did what it did not.
                let last = try await Database.embedded(at: path, timeout: .seconds(30))
                try await EmbeddedCommandTests.lie(in: last.queue("q", of: Int.self), last)
                await last.closeAndWait()
                #expect(try verify("q").ending == .exited(0))
                let lie = try verify("--replay", "q")
                #expect(lie.ending == .exited(65), "\(lie.errors)")
                #expect(lie.output.contains("differentExecution: block "), "\(lie.output)")
                #expect(lie.output.contains(" at 2: execution gives "), "\(lie.output)")
                #expect(lie.output.contains("and not beyond 2"), "\(lie.output)")
            }
        }

        /// Lands an entry with an action that takes a value, and no change of any block.
        private static func lie(in queue: Queue<Int>, _ database: Database) async throws {
            let action = Action(
                id: database.makeActionID(),
                bytes: QueueAction.dequeue(countMax: 1).canonicalBytes,
                outcome: QueueOutcome.dequeued([Bytes("1".utf8)]).canonicalBytes)
            let attempt = CommitAttempt(
                participant: Participant(
                    collection: queue.info.collection, incarnation: queue.info.incarnation,
                    target: queue.revision.next),
                payload: PayloadID(action: database.makeActionID(), execution: 0),
                body: EntryBody(actions: [action]).canonicalBytes, wallMilliseconds: 0)
            let reply = try await database.connection.request(
                .commit(attempt), timeout: .seconds(30))
            guard case .committed = reply else { throw CancellationError() }
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

/// A collection of an application's own.
private enum Plus {
    static let behavior = CollectionBehavior<Int>(
        apply: { number, scope in try scope.set(Bytes("\(number)".utf8), []) })
}
