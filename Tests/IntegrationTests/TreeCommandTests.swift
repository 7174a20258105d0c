import BlockDeployment
import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import Testing

/// Runs `optimystic` against a cluster.
struct CommandLine {
    let cluster: LocalCluster

    /// What it prints, when it ends as it should.
    @discardableResult
    func callAsFunction(
        _ arguments: String..., exit: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        try result(arguments, exit: exit, sourceLocation: sourceLocation).output
    }

    /// What it says on stderr.
    func errors(
        _ arguments: String..., exit: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        try result(arguments, exit: exit, sourceLocation: sourceLocation).errors
    }

    private func result(
        _ arguments: [String], exit: Int32, sourceLocation: SourceLocation
    ) throws -> LocalCluster.CommandResult {
        let result = try cluster.run("optimystic", ["--connect", cluster.url] + arguments)
        #expect(
            result.ending == .exited(exit), "\(arguments): \(result.output)\(result.errors)",
            sourceLocation: sourceLocation)
        return result
    }

    /// A revision of the life that a collection is in.
    func position(of name: String, revision: UInt64) throws -> String {
        let tail = try self("inspect", "tail", name, "--output", "json")
        let pairs = try #require(
            try JSONSerialization.jsonObject(with: Data(tail.utf8)) as? [String: Any])
        let parts = try #require(pairs["incarnation"] as? String).split(separator: ":")
        let life = Incarnation(
            generation: try #require(UInt64(parts[0])),
            nonce: try #require(Identifier128(text: String(parts[1]))))
        return "\(revision)@\(CollectionPosition.LifeTag(life))"
    }

    /// A file in the cluster's directory.
    func file(_ name: String, _ text: String) throws -> String {
        let path = cluster.directory + "/" + name
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }
}

extension Integration {
    @Suite("Trees and queues on the command line")
    struct TreeCommandTests {
        @Test("What is put is found, in ranges of both directions, as of any revision")
        func reading() async throws {
            try await withCluster { cluster in
                let run = CommandLine(cluster: cluster)
                #expect(try run("tree", "put", "t", "a=1", "b=2", "c=x=y") == "1\n")
                #expect(try run("tree", "get", "t", "c") == "x=y\n")
                #expect(try run("tree", "get", "t", "a", "b") == "a\t1\nb\t2\n")
                #expect(try run("tree", "put", "t", "d=4", "--delete", "a") == "2\n")
                #expect(try run("tree", "range", "t") == "b\t2\nc\tx=y\nd\t4\n")
                #expect(try run("tree", "range", "t", "--reverse", "--limit", "1") == "d\t4\n")
                #expect(try run("tree", "range", "t", "--after", "b", "--to", "d") == "c\tx=y\n")
                #expect(
                    try run("tree", "range", "t", "--from", "c", "--through", "d", "--reverse")
                        == "d\t4\nc\tx=y\n")
                #expect(try run("tree", "range", "t", "--prefix", "b") == "b\t2\n")
                #expect(try run("tree", "range", "t", "--limit", "0") == "")
                #expect(try run("tree", "range", "t", "--as-of", "1", "--to", "b") == "a\t1\n")
                #expect(try run("tree", "count", "t") == "3\n")
                #expect(try run("tree", "count", "t", "--from", "c") == "2\n")
                #expect(try run("tree", "get", "t", "a", "--as-of", "1") == "1\n")
                #expect(try run("tree", "get", "t", "a", "b", exit: 1) == "b\t2\n")
                #expect(
                    try run("tree", "get", "t", "a", "b", "--output", "json", exit: 1)
                        == #"{"found":false,"key":"a"}"# + "\n" + #"{"key":"b","text":"2"}"# + "\n")
                #expect(try run("tree", "delete", "t", "b", "zz") == "3\n")
                #expect(try run("tree", "count", "t", "--output", "json") == "{\"count\":2}\n")
                // Numbers in the order of numbers, and bytes that are no text.
                try run("tree", "put", "n", "--key-type", "int", "--", "10=x", "-5=y", "7=z")
                #expect(
                    try run("tree", "range", "n", "--key-type", "int") == "-5\ty\n7\tz\n10\tx\n")
                #expect(
                    try run("--output", "json", "tree", "get", "n", "--key-type", "int", "7")
                        == "{\"key\":7,\"text\":\"z\"}\n")
                try run("tree", "range", "n", "--key-type", "uuid", exit: 65)
                try run("tree", "put", "h", "--key-type", "hex", "--hex", "00ff=ff")
                #expect(try run("tree", "get", "h", "00ff", "--key-type", "hex", "--hex") == "ff\n")
                // The tree knows what its keys are: nobody need say it, and nobody puts others.
                #expect(try run("tree", "range", "n") == "-5\ty\n7\tz\n10\tx\n")
                #expect(try run("tree", "get", "h", "00ff", "--hex") == "ff\n")
                try run("tree", "put", "n", "seven=7", exit: 64)
                try run("tree", "put", "n", "--key-type", "text", "seven=7", exit: 65)
                try run("tree", "put", "n", "--key-type", "hex", "736576656e=7", exit: 64)
                try run("tree", "put", "t", "--key-type", "hex", "ff=7", exit: 64)
                #expect(try run("tree", "count", "n") == "3\n")
                try run("tree", "get", "missing", "a", exit: 65)
                try expectSound(cluster)
            }
        }

        @Test("Conditions and retries of an action are told from its success by the exit code")
        func conditions() async throws {
            try await withCluster { cluster in
                let run = CommandLine(cluster: cluster)
                #expect(try run("tree", "put", "t", "a=1", "--if-absent") == "1\n")
                try run("tree", "put", "t", "a=2", "--if-absent", exit: 75)
                try run("tree", "put", "t", "a=2", "b=3", "--if-present", exit: 75)
                try run("tree", "put", "t", "a=2", "--if-value", "9", exit: 75)
                #expect(try run("tree", "get", "t", "a") == "1\n")
                try run("tree", "get", "t", "b", exit: 1)
                try run("tree", "put", "t", "a=2", "--if-value", "1")
                #expect(try run("tree", "get", "t", "a") == "2\n")

                let id = "00000000-0000-0000-0000-0000000000aa"
                let start = try run.position(of: "t", revision: 0)
                let status = try run("tree", "action", "t", id, "--first-revision", start)
                #expect(status.hasPrefix("not landed up to revision"))
                func put(_ pair: String, exit: Int32 = 0) throws -> String {
                    try run(
                        "tree", "put", "t", pair, "--action", id, "--first-revision", start,
                        exit: exit)
                }
                let first = try put("r=1")
                try run("tree", "delete", "t", "r")
                // The same action again is the one that landed, and changes nothing.
                #expect(try put("r=1") == first)
                try run("tree", "get", "t", "r", exit: 1)
                #expect(
                    try run("tree", "action", "t", id, "--first-revision", start)
                        == "landed at \(first)")
                _ = try put("r=2", exit: 65)

                try run("tree", "put", "j", "k={\"a\": 1}", "--encoding", "json")
                try run("tree", "put", "j", "k=no", exit: 65)
                #expect(
                    try run("tree", "get", "j", "k", "--output", "json")
                        == #"{"key":"k","value":{"a": 1}}"# + "\n")
                try run("diary", "append", "j", "x", exit: 65)
                try expectSound(cluster)
            }
        }

        @Test("A queue gives each value out once, in order, and says when it is empty")
        func queues() async throws {
            try await withCluster { cluster in
                let run = CommandLine(cluster: cluster)
                #expect(try run("queue", "enqueue", "q", "a", "b", "c") == "1\n")
                #expect(try run("queue", "peek", "q", "--count", "2") == "a\nb\n")
                #expect(try run("queue", "dequeue", "q") == "a\n")
                #expect(try run("queue", "count", "q") == "2\n")
                #expect(try run("queue", "count", "q", "--as-of", "1") == "3\n")
                let id = "00000000-0000-0000-0000-0000000000bb"
                let start = try run.position(of: "q", revision: 0)
                for _ in 0..<2 {
                    #expect(
                        try run(
                            "queue", "dequeue", "q", "--action", id, "--first-revision", start,
                            "--output", "json") == "{\"text\":\"b\"}\n")
                }
                #expect(try run("queue", "dequeue", "q", "--count", "9") == "c\n")
                #expect(try run("queue", "dequeue", "q", exit: 1) == "")
                #expect(try run("queue", "peek", "q", exit: 1) == "")
                try run("queue", "enqueue", "j", "[1]", "--encoding", "json")
                try run("queue", "enqueue", "j", "no", exit: 65)
                #expect(
                    try run("queue", "dequeue", "j", "--output", "json") == "{\"value\":[1]}\n")
                try expectSound(cluster)
            }
        }

        @Test("A file with bad records is stopped at the first, or imported without them")
        func badRecords() async throws {
            try await withCluster { cluster in
                let run = CommandLine(cluster: cluster)
                let lines = try run.file(
                    "a.jsonl",
                    """
                    {"id": "a", "n": 1.50}
                    {"id": "b", "n": 1}
                    {"no": "id"}
                    {"id": "b", "n": 2}
                    [3]
                    {"id": 4, "x": null}
                    """)
                let stopped = try run.errors("tree", "import", "t", lines, "--key", "id", exit: 65)
                #expect(stopped.contains("a.jsonl, line 3: it has no field \"id\""))
                #expect(stopped.contains("--from-line 3"))
                #expect(
                    try run("tree", "export", "t")
                        == #"{"id":"a","n":1.50}"# + "\n" + #"{"id":"b","n":1}"# + "\n")
                let report = try run(
                    "--output", "json", "tree", "import", "t", lines, "--key", "id",
                    "--from-line", "3", "--skip-bad")
                #expect(
                    report.contains(
                        #""landed":2,"replaced":1,"revision":2,"skipped":2,"stoppedAtLine":null"#))
                #expect(
                    try run("tree", "range", "t")
                        == "4\t{\"id\":4,\"x\":null}\na\t{\"id\":\"a\",\"n\":1.50}\n"
                        + "b\t{\"id\":\"b\",\"n\":2}\n")
                let missing = cluster.directory + "/missing.csv"
                try run("tree", "import", "t", missing, "--key", "id", exit: 64)
            }
        }

        @Test("Of records with one key the last one stays, however many actions are under way")
        func order() async throws {
            try await withCluster { cluster in
                let run = CommandLine(cluster: cluster)
                var text = "id,n\r\n"
                for number in 0..<2000 { text += "\(number % 7),\(number)\r\n" }
                let file = try run.file("a.csv", text)
                let report = try run(
                    "tree", "import", "t", file, "--key", "id", "--batch", "3", "--key-type", "int")
                #expect(
                    report.hasPrefix("2000 records landed, 1993 of them in the place of others"))
                for key in 0..<7 {
                    let last = (1993..<2000).first { $0 % 7 == key } ?? 0
                    #expect(
                        try run("tree", "get", "t", "\(key)", "--key-type", "int")
                            == "{\"id\":\"\(key)\",\"n\":\"\(last)\"}\n")
                }
            }
        }

        @Test("What is exported in any format is imported as it was, of JSON and of bytes")
        func roundTrip() async throws {
            try await withCluster { cluster in
                let run = CommandLine(cluster: cluster)
                let source = try run.file(
                    "a.json",
                    #"{"x": [{"k":"1","a":"","b":"q\"\r\n,"}, {"k":"2"}, {"k":"3","c":"é"}]}"#)
                try run("tree", "import", "json", source, "--key", "k")
                let expected = try run("tree", "export", "json", "--pairs")
                for format in ["json", "jsonl", "csv"] {
                    let file = try run.file(
                        "b.\(format)", try run("tree", "export", "json", "--format", format))
                    try run("tree", "import", "from-\(format)", file, "--key", "k")
                    #expect(try run("tree", "export", "from-\(format)", "--pairs") == expected)
                }
                try run("tree", "put", "bytes", "k=v,\"w\"", "e=")
                try run("tree", "put", "bytes", "x=00ff", "--hex")
                let bytes = try run("tree", "export", "bytes", "--hex")
                try run("tree", "export", "bytes", exit: 65)
                for format in ["json", "jsonl", "csv"] {
                    let file = try run.file(
                        "c.\(format)",
                        try run("tree", "export", "bytes", "--hex", "--format", format))
                    try run(
                        "tree", "import", "bytes-\(format)", file, "--key", "key", "--value",
                        "value", "--encoding", "bytes", "--hex")
                    #expect(try run("tree", "export", "bytes-\(format)", "--hex") == bytes)
                }
                #expect(try run("tree", "export", "json", "--as-of", "0") == "")
                try expectSound(cluster)
            }
        }
    }
}
