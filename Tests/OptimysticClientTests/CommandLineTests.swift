import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic
import OptimysticCommand
import Testing

/// Words of a test, at spaces.
enum CommandWords {
    static func split(_ words: String) -> [Bytes] {
        words.split(separator: " ").map { Array($0.utf8) }
    }
}

@Suite("Command line") struct CommandLineTests {
    private func parse<Command>(_ words: String, as _: Command.Type) throws -> Command {
        try #require(try CommandRun.command(CommandWords.split(words)) as? Command)
    }

    @Test("Options of a cluster may stand before or behind the words of the command")
    func optionPlaces() throws {
        for words in [
            "--connect optimystic://a:1/x --output=json --timeout 2s diary read events --limit 3",
            "diary read events --limit 3 --timeout 2s --output json --connect optimystic://a:1/x",
        ] {
            let read = try parse(words, as: DiaryReadCommand.self)
            #expect(read.name == "events" && read.limit == 3 && !read.reverse)
            #expect(read.options.output == .json)
            #expect(read.options.timeout?.duration == .seconds(2))
            #expect(try read.options.url(variable: nil).clusterName == "x")
        }
    }

    @Test("The environment names the cluster unless an option does")
    func environment() throws {
        let variable = Array("optimystic://e:1/fromEnvironment".utf8)
        let bare = try parse("status", as: StatusCommand.self)
        #expect(try bare.options.url(variable: variable).clusterName == "fromEnvironment")
        let named = try parse("status --connect optimystic://a:1/x", as: StatusCommand.self)
        #expect(try named.options.url(variable: variable).clusterName == "x")
        #expect(throws: DatabaseError.self) { try bare.options.url(variable: nil) }
        let error = #expect(throws: DatabaseError.self) {
            try bare.options.url(variable: Array("optimystic://a:1/".utf8) + [0xFF])
        }
        #expect(error?.code == .textInvalid && error?.message.contains("byte 17") == true)
    }

    @Test("Positions, revisions, directions and stdin are understood")
    func arguments() throws {
        let read = try parse(
            "diary read events --reverse --after 17.3 --as-of 20", as: DiaryReadCommand.self)
        #expect(read.reverse && read.after?.description == "17.3")
        #expect(read.time.asOf?.description == "20")
        #expect(try parse("diary append events -", as: DiaryAppendCommand.self).value == "-")
        #expect(try parse("verify a b", as: VerifyCommand.self).names == ["a", "b"])
        #expect(try !parse("verify a b", as: VerifyCommand.self).replay)
        #expect(try parse("verify --replay a", as: VerifyCommand.self).replay)
        #expect(try parse("inspect tail a", as: InspectTailCommand.self).name == "a")
        #expect(try parse("collection drop a --yes", as: CollectionDropCommand.self).yes)
        let put = try parse("tree put t a=b=c --delete d --if-absent", as: TreePutCommand.self)
        #expect(put.pairs == ["a=b=c"] && put.delete == ["d"] && put.ifAbsent)
        let load = try parse("tree import t x.ndjson --key id", as: TreeImportCommand.self)
        #expect(load.file == "x.ndjson" && load.key == "id" && load.format == nil)
        #expect(try parse("queue dequeue q --count 7", as: QueueDequeueCommand.self).count == 7)
    }

    @Test("The options of a range name every interval of keys there is")
    func ranges() throws {
        func range(_ words: String, _ form: KeyForm = .text) throws -> KeyRange {
            try parse("tree range t \(words)", as: TreeRangeCommand.self).range.keys(form)
                .keyRange()
        }
        let a = Array("a".utf8)
        let b = Array("b".utf8)
        #expect(try range("") == .all)
        #expect(
            try range("--from a --to b")
                == KeyRange(lower: KeyBound(a), upper: KeyBound(b, isInclusive: false)))
        #expect(
            try range("--after a --through b")
                == KeyRange(lower: KeyBound(a, isInclusive: false), upper: KeyBound(b)))
        #expect(
            try range("--prefix a")
                == KeyRange(lower: KeyBound(a), upper: KeyBound(b, isInclusive: false)))
        #expect(try range("--prefix ff", .hex) == KeyRange(lower: KeyBound([0xFF])))
        #expect(throws: DatabaseError.self) { try range("--prefix 1", .int) }
    }

    @Test(
        "What makes no sense ends with exit code 64",
        arguments: [
            "diary read", "diary read x --limit -1", "diary read x --after 17.",
            "diary read x --after 17.0@1", "nonsense",
            "collection drop x", "diary append x y --action 1234", "status --output xml",
            "status --timeout 5", "status --timeout 11m", "status --unknown", "explain nothing",
            "diary append x - --action 00000000-0000-0000-0000-000000000001 --first-revision "
                + "1@1-mfrggzdf",
            "diary append x y --action 00000000-0000-0000-0000-000000000001 --first-revision 1",
            "diary action x 00000000-0000-0000-0000-000000000001 --first-revision 1",
            "tree action x 00000000-0000-0000-0000-000000000001 --first-revision 1.0",
            "queue action x 00000000-0000-0000-0000-000000000001 --first-revision 1",
            "queue dequeue q --action 00000000-0000-0000-0000-000000000001 --first-revision 0",
            "diary read x --limit 1 --limit 2", "--output json status --output text",
            "--timeout 1s --timeout=2s status", "tree get t a --hex --hex",
            "tree put t a=1 --if-value 1 --if-value 2", "help nosuch", "help tree nosuch",
            "help tree get nosuch", "cluster plan --output x.json",
            "tree put t", "tree put t k", "tree put t a=1 b=2 --if-value 0", "tree get t",
            "tree put t a=1 --if-absent --if-present", "tree get t a --key-type day",
            "tree put t a=1 --first-revision 1", "tree range t --from a --after b",
            "tree range t --to a --through b", "tree range t --prefix a --to b",
            "tree range t --limit -1", "tree range t --as-of 9223372036854775807",
            "tree import t a.json", "tree import t --key a", "tree import t a.txt --key a",
            "tree import t a.csv --key a --batch 0", "tree import t a.csv --key a --hex",
            "tree import t a.csv --key a --batch 5000", "tree import t a.csv --key a --from-line 0",
            "tree export t --format xml",
            "queue enqueue q", "queue dequeue q --count 0", "queue peek q --count 5000",
            "tree nonsense", "diary append d --hello", "diary append d --help",
            "diary append d v --version", "queue enqueue q --encodng json", "-x diary read d",
            "--limit 3 diary read d", "tree range t --from --to b", "tree range t --from",
            "--output", "--output --embedded x status", "cluster --output json plan",
            "diary append -x", "diary read d --limit=-1", "tree put t -- --if-absent",
            "explain --connect", "status -- x", "tree get t --hex=1 a",
        ])
    func usage(words: String) {
        let error = #expect(throws: (any Error).self) {
            try CommandRun.command(CommandWords.split(words))
        }
        guard let error else { return }
        #expect(CommandRun.exitCode(for: error) == 64)
    }

    @Test("Every error code is explained by its number and by its name")
    func explain() throws {
        for row in ErrorCode.table {
            #expect(ExplainCommand.find(row.name)?.code == row.code)
            #expect(ExplainCommand.find("\(row.code.rawValue)")?.code == row.code)
            let text = ExplainCommand.lines(row, .text).joined(separator: "\n")
            #expect(text.contains(row.meaning) && text.contains(row.remedy))
            #expect(row.cases.allSatisfy { text.contains("  - \($0)") })
        }
        #expect(
            ExplainCommand.lines(try #require(ExplainCommand.find("1301")), .json)[0]
                .hasPrefix(#"{"cases":[],"code":1301,"exitCode":69,"meaning":"#))
    }

    @Test("JSON comes out with sorted keys, on one line, with everything escaped that must be")
    func json() {
        let value = JSONText.object([
            "b": .array([.number(.max), .null, .boolean(true)]), "a": .string("\"\\\n\u{1}é"),
        ])
        #expect(value.text == #"{"a":"\"\\\n\u0001é","b":[18446744073709551615,null,true]}"#)
        #expect(
            JSONText(json: Array("{\"x\": 12345678901234567890}".utf8))?.text
                == "{\"x\": 12345678901234567890}")
        #expect(JSONText(json: Array("[1,\n2]".utf8))?.text == "[1,2]")
        for text in ["no", "[1,]", "{\"a\":1,}"] {
            #expect(JSONText(json: Array(text.utf8)) == nil)
        }
    }
}

@Suite("Shell") struct ShellTests {
    @Test(
        "Words are told apart as in a shell",
        arguments: [
            ("", []), ("  a  b ", ["a", "b"]), ("a\t'b c' \"d e\"", ["a", "b c", "d e"]),
            (#"a\ b c\\"#, ["a b", "c\\"]), (#"'a\b' "c\"d""#, [#"a\b"#, "c\"d"]),
            ("a=\"1 2\"'3'", ["a=1 23"]), ("a # b", ["a"]), ("a#b '#'", ["a#b", "#"]),
            ("'' \"\"", ["", ""]), ("# a", []), ("naïve 'ключ 1'", ["naïve", "ключ 1"]),
            ("a\r", ["a"]), ("\"v\"\u{301} 'w'\u{301}", ["v\u{301}", "w\u{301}"]),
            ("k=\u{301}x", ["k=\u{301}x"]), ("a\u{A0}b", ["a\u{A0}b"]), ("\\\u{301}", ["\u{301}"]),
        ])
    func words(line: String, words: [String]) throws {
        #expect(try ShellWords.split(Array(line.utf8)) == words.map { Array($0.utf8) })
    }

    @Test("A quote or a backslash without an end is refused", arguments: ["'a", "\"a", "a\\"])
    func unfinished(line: String) {
        #expect(throws: DatabaseError.self) { try ShellWords.split(Array(line.utf8)) }
    }

    @Test("Bytes that are no text stay what they are")
    func bytes() throws {
        let line: Bytes = [0x61, 0x20, 0xFF, 0xC3, 0x20, 0x27, 0xC3, 0x27, 0xA9]
        #expect(try ShellWords.split(line) == [[0x61], [0xFF, 0xC3], [0xC3, 0xA9]])
    }

    @Test(
        "A word that a person is told to write is one word again",
        arguments: [
            "a", "two words", "it's", "'", "", "a\\b\"", "é", "x\u{301}", "#a", "a\u{A0}b", "$HOME",
        ])
    func quoted(word: String) throws {
        #expect(try ShellWords.split(Array(ShellWords.quoted(word).utf8)) == [Array(word.utf8)])
        #expect(ShellWords.quoted("jobs-1") == "jobs-1" && ShellWords.quoted("-a") == "'-a'")
    }

    @Test("A line of several megabytes is split in one pass", .timeLimit(.minutes(1)))
    func long() throws {
        let word = Bytes(repeating: UInt8(ascii: "x"), count: 2_000_000)
        let line = word + Array(" \"".utf8) + word + Array("\"".utf8)
        #expect(try ShellWords.split(line) == [word, word])
    }

    @Test("Commands, options, their values and collections are completed, and nothing else is")
    func completion() {
        func candidates(_ text: String, _ line: String) -> [String] {
            Completion.candidates(Array(text.utf8), after: Array(line.utf8)) {
                ["events", "notes", "two words", "é"]
            }
        }
        #expect(candidates("di", "") == ["diary"])
        #expect(candidates("e", "") == ["exit", "explain"])
        #expect(candidates("re", "diary ") == ["read"])
        #expect(candidates("--re", "diary read ") == ["--reverse"])
        #expect(candidates("", "diary read ") == ["events", "notes", "é"])
        #expect(candidates("n", "tree get ") == ["notes"])
        #expect(candidates("", "tree get notes ") == [])
        #expect(candidates("", "collections --output ") == ["json", "text"])
        #expect(candidates("", "help tree put ") == [])
        #expect(candidates("/", "status ") == [])
        #expect(candidates("/et", "tree import t ") == [])
    }
}
