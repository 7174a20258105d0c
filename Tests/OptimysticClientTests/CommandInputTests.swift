import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic
import OptimysticCommand
import Testing

@Suite("Words of a command line") struct CommandInputTests {
    private func command<Command>(_ words: [Bytes], as _: Command.Type) throws -> Command {
        try #require(try CommandRun.command(words) as? Command)
    }

    private func command<Command>(_ words: String, as type: Command.Type) throws -> Command {
        try command(CommandWords.split(words), as: type)
    }

    private func words(_ text: String, _ more: Bytes...) -> [Bytes] {
        CommandWords.split(text) + more
    }

    // MARK: Places

    @Test(
        "Options of a cluster stand first, last and in between, alike",
        arguments: [
            "--embedded p --output json tree get notes a",
            "tree --embedded p get notes a --output=json",
            "--output json tree get --embedded=p notes a",
            "tree get notes a --output json --embedded p",
            "tree get notes --embedded p a --output json",
            "tree --output json --embedded p get notes -- a",
        ])
    func places(line: String) throws {
        let get = try command(line, as: TreeGetCommand.self)
        #expect(get.name == "notes" && get.keys == ["a"])
        #expect(get.options.embedded == "p" && get.options.output == .json)
    }

    @Test("What holds for a shell's lines is left out where a command does not have it")
    func defaults() throws {
        let defaults = [(name: "--output", value: "json")]
        let status = try CommandRun.command(words("status"), defaults: defaults)
        #expect((status as? StatusCommand)?.options.output == .json)
        let own = try CommandRun.command(words("status --output text"), defaults: defaults)
        #expect((own as? StatusCommand)?.options.output == .text)
        // It has no such option, and what is wrong with it is something else.
        let error = #expect(throws: (any Error).self) {
            try CommandRun.command(words("cluster plan"), defaults: defaults)
        }
        #expect(error.map { OptimysticCommand.message(for: $0).contains("--output") } == false)
        let unknown = #expect(throws: UsageError.self) {
            try CommandRun.command(words("tre get a"), defaults: defaults)
        }
        #expect(unknown?.message.hasPrefix("there is no command \"tre\"") == true)
        let below = #expect(throws: UsageError.self) {
            try CommandRun.command(words("tree gte a"), defaults: defaults)
        }
        #expect(below?.message.hasPrefix("there is no command \"gte\" of `tree`") == true)
    }

    @Test("An option is given once, unless each one adds something; a shell's may be given again")
    func twice() throws {
        for line in [
            "tree range t --from a --from b", "--embedded a --embedded b status",
            "status --output json --output json", "tree --timeout 1s get t a --timeout 1s",
            "diary read d --reverse --reverse",
        ] {
            let error = #expect(throws: UsageError.self) { try CommandRun.command(words(line)) }
            #expect(error?.message.hasSuffix("is given twice") == true, "\(line)")
        }
        let put = try command("tree put t a=1 --delete b --delete c", as: TreePutCommand.self)
        #expect(put.delete == ["b", "c"])
        let own = try CommandRun.command(
            words("status --output text"), defaults: [(name: "--output", value: "json")])
        #expect((own as? StatusCommand)?.options.output == .text)
    }

    @Test("A mistyped command or option is refused with the one that is near")
    func suggestions() {
        for (line, text) in [
            ("help tre", "did you mean tree?"), ("help tree gte", "did you mean get?"),
            ("dairy read d", "did you mean diary?"),
            ("queue enqueue q --encodng json", "did you mean --encoding?"),
            ("cluster plan --output f", "the file to write is named by --out"),
            ("--output json cluster plan", "the file to write is named by --out"),
            ("help nothinglikeit", "there is no command \"nothinglikeit\"; there are tree"),
        ] {
            let error = #expect(throws: UsageError.self) { try CommandRun.command(words(line)) }
            #expect(error?.message.contains(text) == true, "\(line): \(error?.message ?? "")")
        }
    }

    // MARK: Keys

    @Test("One action names a key once, however it is written")
    func namedKeys() throws {
        var keys = NamedKeys()
        let form = try #require(KeyForm(argument: "double"))
        _ = try keys.take(try form.key("1"), as: "1=a")
        _ = try keys.take(try form.key("2"), as: "2=a")
        let error = #expect(throws: DatabaseError.self) {
            _ = try keys.take(try form.key("1.0"), as: "1.0=b")
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("\"1=a\" and \"1.0=b\" are of one key") == true)
    }

    @Test("A pair is split at its first =, behind a tuple at the one behind its end")
    func pairs() throws {
        let tuple = try #require(KeyForm(argument: "(text,int64)"))
        for (pair, form, key, value) in [
            ("a=b=c", KeyForm.text, "a", "b=c"), ("a=b=c", nil, "a", "b=c"),
            (#"["a=b",1]=c=d"#, tuple, #"["a=b",1]"#, "c=d"),
            (#"["a]=\"=",1]=c"#, tuple, #"["a]=\"=",1]"#, "c"),
            (#"["a=b",1]=c"#, KeyForm.text, #"["a"#, #"b",1]=c"#),
            (#"["a=b=c"#, tuple, #"["a"#, "b=c"),
        ] as [(String, KeyForm?, String, String)] {
            let split = ArgumentBytes(Array(pair.utf8)).pair(form)
            #expect(split.key.bytes == Array(key.utf8), "\(pair)")
            #expect(split.value == Array(value.utf8), "\(pair)")
        }
    }

    // MARK: Values that begin with -

    @Test(
        "A value that begins with - is a value, behind another one, behind an option and behind --")
    func dashes() throws {
        #expect(
            try command("diary append inj -hello", as: DiaryAppendCommand.self).value == "-hello")
        #expect(try command("tree get t -h", as: TreeGetCommand.self).keys == ["-h"])
        #expect(
            try command("tree delete t -x -5", as: TreeDeleteCommand.self).keys == ["-x", "-5"])
        #expect(
            try command("queue enqueue jobs -hello -- --help -h", as: QueueEnqueueCommand.self)
                .values == ["-hello", "--help", "-h"])
        #expect(
            try command("diary append d -- --output", as: DiaryAppendCommand.self).value
                == "--output")
        let range = try command(
            "tree range t --from -5 --through=-1 --key-type int", as: TreeRangeCommand.self)
        #expect(
            try command("tree range t --from -h", as: TreeRangeCommand.self).range.from == "-h")
        #expect(range.range.from == "-5" && range.range.through == "-1")
        #expect(try range.range.keys(.int).keyRange().lower?.key == Int64(-5).keyBytes)
        let put = try command(
            "tree put n -5=y --if-value -1 --delete --x=1", as: TreePutCommand.self)
        #expect(put.pairs == ["-5=y"] && put.ifValue == "-1" && put.delete == ["--x=1"])
        let empty = try command(
            words("tree range t --from", [], Array("--to=".utf8)), as: TreeRangeCommand.self)
        #expect(empty.range.from == "" && empty.range.to == "")
        #expect(try command(words("tree get t", []), as: TreeGetCommand.self).keys == [""])
        #expect(try command("verify -- -a", as: VerifyCommand.self).names == ["-a"])
    }

    @Test("- is a stream, and behind -- it is the byte")
    func stream() throws {
        let stream = try command("diary append d -", as: DiaryAppendCommand.self)
        #expect(stream.value.isStream)
        let byte = try command("diary append d -- -", as: DiaryAppendCommand.self)
        #expect(!byte.value.isStream && byte.value.bytes == [UInt8(ascii: "-")])
    }

    @Test("A refused word is named as it was written, with what to write instead")
    func refusals() {
        for (line, text) in [
            ("diary append d --hello", "there is no option --hello; a value that begins with -"),
            ("diary append d --help", "for help write `optimystic diary append --help`"),
            ("tree range t --from --to b", "if that is --to, write --from=--to"),
            ("tree get t a --é", "there is no option --é"),
        ] {
            let error = #expect(throws: UsageError.self) {
                try CommandRun.command(words(line))
            }
            #expect(error?.message.contains(text) == true, "\(line): \(error?.message ?? "")")
        }
        let limit = #expect(throws: (any Error).self) {
            try CommandRun.command(words("diary read d --limit -1"))
        }
        #expect(limit.map { OptimysticCommand.message(for: $0) } == "--limit is 0 or more, not -1")
    }

    @Test("More words than a command can use are refused before they are parsed")
    func wordCount() {
        let many = [Bytes](repeating: [0x78], count: Limits.commandWordCountMax + 1)
        let error = #expect(throws: UsageError.self) { try CommandRun.command(many) }
        #expect(error?.message.contains("commandWordCountMax") == true)
    }

    // MARK: Bytes

    @Test(
        "Arguments are bytes: no text is kept as it is, and what only looks alike is two"
    )
    func bytes() throws {
        let put = try command(
            words("tree put t", [0xFF, 0x3D, 0x31], [0xFE, 0x3D, 0x32], Array("k=\u{301}x".utf8)),
            as: TreePutCommand.self)
        #expect(
            put.pairs.map(\.bytes) == [
                [0xFF, 0x3D, 0x31], [0xFE, 0x3D, 0x32], Array("k=\u{301}x".utf8),
            ])
        let value = Array("--if-value=".utf8) + [0xCC, 0x81, 0x00, 0xFF]
        #expect(
            try command(words("tree put t k=v", value), as: TreePutCommand.self).ifValue?.bytes
                == [0xCC, 0x81, 0x00, 0xFF])
        let composed = try command(words("diary read \u{E9}"), as: DiaryReadCommand.self)
        let decomposed = try command(words("diary read e\u{301}"), as: DiaryReadCommand.self)
        #expect(composed.name != decomposed.name)
        #expect(try composed.name.collectionName().utf8.elementsEqual("\u{E9}".utf8))
    }

    @Test("Where text is asked for, what is none is refused with the offset, and so is no name")
    func texts() throws {
        for (bytes, offset) in [
            ([0xFF], 0), ([0x61, 0xC3], 1), ([0x61, 0xC3, 0xA9, 0xED, 0xA0, 0x80], 3),
            ([0xF0, 0x9F, 0x92], 0), ([0xC0, 0x80], 0),
        ] as [(Bytes, Int)] {
            let error = #expect(throws: DatabaseError.self) {
                try ArgumentBytes(bytes).collectionName()
            }
            #expect(error?.code == .textInvalid)
            #expect(error?.message.contains("byte \(offset) ") == true)
            #expect(error.map { CommandRun.exitCode(for: $0) } == 65)
        }
        for name in ["", "a\u{7}", String(repeating: "x", count: Limits.nameBytesMax + 1)] {
            let error = #expect(throws: DatabaseError.self) {
                try ArgumentBytes(Array(name.utf8)).collectionName()
            }
            #expect(error?.code == .invalidArgument)
        }
        let key = #expect(throws: DatabaseError.self) {
            try KeyForm.text.key(ArgumentBytes([0x61, 0xFF]))
        }
        #expect(key?.code == .textInvalid && key?.message.contains("--key-type hex") == true)
    }

    @Test("Whatever a word is, it comes through the parser, which sees nothing but letters")
    func escapes() {
        var generator = SeededGenerator(seed: 3)
        var words: [Bytes] = (0...255).map { [UInt8($0)] }
        words += ["", "-", "--", "é", "\u{F0041}", "\u{F0100}", "=\u{301}", "\r\n"].map {
            Array($0.utf8)
        }
        for _ in 0..<500 {
            words.append((0..<generator.below(9)).map { _ in UInt8(generator.below(256)) })
        }
        for word in words {
            let text = ArgumentEscape.text(of: word)
            #expect(ArgumentEscape.bytes(of: text) == word)
            // A character for each byte: nothing joins another.
            #expect(text.count == max(1, word.count))
        }
        #expect(Set(words.map { ArgumentEscape.text(of: $0) }).count == Set(words).count)
    }

    @Test("People see what was written, and never the way it took")
    func shown() {
        let text = ArgumentEscape.text(of: Array("a é\n".utf8) + [0xFF])
        #expect(ArgumentEscape.shown("'\(text)' is wrong") == "'a é\\x0a\\xff' is wrong")
        let error = #expect(throws: (any Error).self) {
            try CommandRun.command(words("status --output é"))
        }
        let message = error.map { ArgumentEscape.shown(OptimysticCommand.message(for: $0)) }
        #expect(message?.contains("'é'") == true)
    }

    @Test(
        "No argument and no option of any command is a String: text is asked for where it is used")
    func types() {
        func check(_ value: Any, _ place: String) {
            for child in Mirror(reflecting: value).children {
                let type = "\(type(of: child.value))"
                #expect(!type.contains("String"), "\(place) \(child.label ?? ""): \(type)")
            }
        }
        func walk(_ command: any ParsableCommand.Type) {
            check(command.init(), "\(command)")
            for next in command.configuration.subcommands { walk(next) }
        }
        walk(OptimysticCommand.self)
        for group in [
            CommandOptions(), TreeForm(), ValueForm(), RetryOptions(), RangeOptions(), AsOfOption(),
        ] as [any ParsableArguments] {
            check(group, "\(type(of: group))")
        }
    }

    @Test("A line that asks for objects is told of its mistakes in objects")
    func output() {
        for (line, form) in [
            ("--output json nonsense", OutputForm.json), ("tree --output=json", .json),
            ("tree get t a", .text), ("tree get t -- --output json", .text),
            ("--output json tree get t --output text", .text), ("status --output é", .text),
        ] {
            #expect(CommandInput.output(of: words(line), default: .text) == form)
        }
    }
}

@Suite("Lines of a stream") struct LineReaderTests {
    /// Hands the bytes out in pieces, and counts what was asked for.
    private final class Source {
        let bytes: Bytes
        let chunk: Int
        var position = 0

        init(_ bytes: Bytes, chunk: Int) {
            self.bytes = bytes
            self.chunk = chunk
        }

        func read() -> Bytes {
            let end = min(bytes.count, position + chunk)
            defer { position = end }
            return Bytes(bytes[position..<end])
        }
    }

    private func lines(
        _ bytes: Bytes, chunk: Int, lineBytesMax: Int = 100
    ) throws -> [Bytes] {
        let source = Source(bytes, chunk: chunk)
        var reader = LineReader(lineBytesMax: lineBytesMax) { source.read() }
        var lines: [Bytes] = []
        while let line = try reader.next() { lines.append(line) }
        return lines
    }

    @Test("Lines end at line feeds, and every other byte is theirs", arguments: [1, 2, 3, 100])
    func bytes(chunk: Int) throws {
        let text = Array("a\r\n\r\n\n".utf8) + [0xFF, 0x00, 0xFE, 0x0A] + Array("\u{2028}é".utf8)
        #expect(
            try lines(text, chunk: chunk)
                == [
                    Array("a\r".utf8), Array("\r".utf8), [], [0xFF, 0x00, 0xFE],
                    Array("\u{2028}é".utf8),
                ])
        #expect(try lines([], chunk: chunk) == [])
        #expect(try lines([0x0A], chunk: chunk) == [[]])
        // A mark in front of UTF-8 is bytes as well.
        #expect(try lines([0xEF, 0xBB, 0xBF], chunk: chunk) == [[0xEF, 0xBB, 0xBF]])
    }

    @Test("A line over the limit is refused with its number, and the rest of it is not read")
    func limit() throws {
        let long = Array("one\n".utf8) + Bytes(repeating: 0x78, count: 100_000)
        let source = Source(long, chunk: 10)
        var reader = LineReader(lineBytesMax: 20) { source.read() }
        #expect(try reader.next() == Array("one".utf8))
        let error = #expect(throws: DatabaseError.self) { try reader.next() }
        #expect(error?.code == .valueTooLarge && reader.lineCount == 1)
        #expect(error?.message == "line 2 of standard input is longer than 20 bytes")
        #expect(source.position <= 40)
        #expect(try reader.next() == nil)
        #expect(
            try lines(Bytes(repeating: 0x78, count: 20) + [0x0A], chunk: 7, lineBytesMax: 20).count
                == 1)
    }
}
