import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic
import OptimysticCommand
import Testing

@Suite("Command line") struct CommandLineTests {
    private func parse<Command>(_ words: String, as _: Command.Type) throws -> Command {
        let arguments = LeadingOptions.moved(
            words.split(separator: " ").map(String.init), in: OptimysticCommand.self)
        return try #require(try OptimysticCommand.parseAsRoot(arguments) as? Command)
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
            #expect(try read.options.url(environment: [:]).clusterName == "x")
        }
    }

    @Test("The environment names the cluster unless an option does")
    func environment() throws {
        let variables = ["OPTIMYSTIC_URL": "optimystic://e:1/fromEnvironment"]
        let bare = try parse("status", as: StatusCommand.self)
        #expect(try bare.options.url(environment: variables).clusterName == "fromEnvironment")
        let named = try parse("status --connect optimystic://a:1/x", as: StatusCommand.self)
        #expect(try named.options.url(environment: variables).clusterName == "x")
        #expect(throws: DatabaseError.self) { try bare.options.url(environment: [:]) }
    }

    @Test("Positions, revisions, directions and stdin are understood")
    func arguments() throws {
        let read = try parse(
            "diary read events --reverse --after 17.3 --as-of 20", as: DiaryReadCommand.self)
        #expect(read.reverse && read.after?.description == "17.3" && read.asOf == 20)
        #expect(try parse("diary append events -", as: DiaryAppendCommand.self).value == "-")
        #expect(try parse("verify a b", as: VerifyCommand.self).names == ["a", "b"])
        #expect(try parse("inspect tail a", as: InspectTailCommand.self).name == "a")
        #expect(try parse("collection drop a --yes", as: CollectionDropCommand.self).yes)
    }

    @Test(
        "What makes no sense ends with exit code 64",
        arguments: [
            "diary read", "diary read x --limit -1", "diary read x --after 17", "nonsense",
            "collection drop x", "diary append x y --action 1234", "status --output xml",
            "status --timeout 5", "status --timeout 11m", "status --unknown", "explain nothing",
            "diary append x - --action 00000000-0000-0000-0000-000000000001 --first-revision 1",
        ])
    func usage(words: String) {
        let error = #expect(throws: (any Error).self) {
            try OptimysticCommand.parseAsRoot(words.split(separator: " ").map(String.init))
        }
        guard let error else { return }
        #expect(OptimysticCommand.exitCode(for: error).rawValue == 64)
    }

    @Test("Every error code is explained by its number and by its name")
    func explain() throws {
        for row in ErrorCode.table {
            #expect(ExplainCommand.find(row.name)?.code == row.code)
            #expect(ExplainCommand.find("\(row.code.rawValue)")?.code == row.code)
            let text = ExplainCommand.lines(row, .text).joined(separator: "\n")
            #expect(text.contains(row.meaning) && text.contains(row.remedy))
        }
        #expect(
            ExplainCommand.lines(try #require(ExplainCommand.find("1301")), .json)[0]
                .hasPrefix(#"{"code":1301,"exitCode":69,"meaning":"#))
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
        #expect(JSONText(json: Array("no".utf8)) == nil)
    }
}
