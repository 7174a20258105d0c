import BlockOperations
import BlockRuntime
import Foundation
import Logging
import Testing

/// A role with one setting of each kind.
private enum Sample {
    static let directory = Setting<SystemPath>.path("data-directory", help: "Where data lives.")
    static let title = Setting<String>.string("title", default: "untitled", help: "A title.")
    static let count = Setting<Int>.integer(
        "count", in: 1...10, unit: "workers", default: "3", help: "How many.")
    static let wait = Setting<Duration>.duration(
        "wait", in: .milliseconds(1)...(.seconds(3600)), default: "5s", help: "How long.")
    static let cache = Setting<Int>.byteSize(
        "cache", in: 1024...(1 << 40), default: "64MiB", help: "How much.")
    static let listen = Setting<NetworkAddress>.listenAddress(
        "listen", default: "127.0.0.1:7710", help: "Where to listen.")
    static let upstream = Setting<NetworkAddress>.address("upstream", help: "Whom to ask.")
        .optional()

    static let role = Role(
        "storage-peer", summary: "keeps blocks.",
        commands: [Role.Command("init", help: "Makes an identity.")],
        settings: [directory, title, count, wait, cache, listen, upstream])
}

private func read(
    _ arguments: [String], _ environment: [String: String] = [:]
) throws -> Configuration {
    try read(bytes: arguments.map { Array($0.utf8) }, environment.mapValues { Array($0.utf8) })
}

private func read(bytes: [Bytes], _ environment: [String: Bytes]) throws -> Configuration {
    switch try ConfigurationReader(role: Sample.role, environment: environment).read(bytes) {
    case .run(let configuration): return configuration
    case .answer(let text): throw DatabaseError(.internalError, "answered \(text)")
    }
}

private func answer(
    _ arguments: [String], _ environment: [String: String] = [:]
) throws -> String? {
    let reader = ConfigurationReader(
        role: Sample.role, environment: environment.mapValues { Array($0.utf8) })
    switch try reader.read(arguments.map { Array($0.utf8) }) {
    case .run: return nil
    case .answer(let text): return text
    }
}

private func failure(_ body: () throws -> some Any) -> DatabaseError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? DatabaseError
    }
}

/// Runs `body` with the path of a file that holds `text`, and removes the file.
private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    let file = FileManager.default.temporaryDirectory
        .appendingPathComponent("optimystic-configuration-\(UUID().uuidString).json")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path)
}

@Suite struct ConfigurationTests {
    @Test("Without anything given, every setting has its default")
    func defaults() throws {
        let configuration = try read([])
        #expect(try configuration.value(of: Sample.title) == "untitled")
        #expect(try configuration.value(of: Sample.count) == 3)
        #expect(try configuration.value(of: Sample.wait) == .seconds(5))
        #expect(try configuration.value(of: Sample.cache) == 64 << 20)
        #expect(try configuration.value(of: Sample.listen).port == 7710)
        #expect(try configuration.value(of: Sample.upstream) == nil)
        #expect(try configuration.value(of: Role.logFormat) == .json)
        #expect(try configuration.value(of: Role.logLevel) == .info)
        #expect(configuration.command == nil)
    }

    @Test("A flag goes before a variable, a variable before the file, the file before the default")
    func precedence() throws {
        let variable = "OPTIMYSTIC_STORAGE_PEER_COUNT"
        try withFile(#"{"count": 4, "title": "file"}"#) { path in
            let file = ["--configuration", path]
            let fromFile = try read(file)
            #expect(try fromFile.value(of: Sample.count) == 4)
            #expect(try fromFile.value(of: Sample.title) == "file")
            let fromVariable = try read(file, [variable: "5"])
            #expect(try fromVariable.value(of: Sample.count) == 5)
            let fromFlag = try read(file + ["--count=6"], [variable: "5"])
            #expect(try fromFlag.value(of: Sample.count) == 6)
            #expect(
                fromFile.entries.first { $0.flag == "count" }?.source == .file(SystemPath(path)))
            #expect(
                fromVariable.entries.first { $0.flag == "count" }?.source == .environment(variable))
            #expect(fromFlag.entries.first { $0.flag == "count" }?.source == .flag)
            #expect(fromFlag.entries.first { $0.flag == "cache" }?.source == .builtIn)
            #expect(fromFlag.entries.first { $0.flag == "upstream" }?.source == .absent)
        }
    }

    @Test("The configuration file can be named by a variable")
    func fileByVariable() throws {
        try withFile(#"{"count": 4}"#) { path in
            let configuration = try read([], ["OPTIMYSTIC_STORAGE_PEER_CONFIGURATION": path])
            #expect(try configuration.value(of: Sample.count) == 4)
        }
    }

    @Test("A wrong value in a stronger source is an error although a weaker source has a right one")
    func noFallingThrough() throws {
        let flag = failure { try read(["--count", "11"]) }
        #expect(flag?.code == .invalidArgument)
        #expect(flag?.message == #"--count is "11"; expected an integer from 1 to 10 workers"#)
        let variable = failure { try read([], ["OPTIMYSTIC_STORAGE_PEER_COUNT": ""]) }
        #expect(variable?.code == .configurationInvalid)
        #expect(
            variable?.message.hasPrefix(
                #"environment variable OPTIMYSTIC_STORAGE_PEER_COUNT is "";"#) == true)
        try withFile(#"{"wait": "2h"}"#) { path in
            let file = failure { try read(["--configuration", path]) }
            #expect(file?.code == .configurationInvalid)
            #expect(file?.message.contains("key \"wait\" of \(path) is \"2h\"") == true)
            #expect(file?.message.contains("from 1ms to 1h") == true)
        }
    }

    @Test(
        "A wrong command line is a usage error",
        arguments: [
            (["--nonsense", "1"], "unknown flag --nonsense"),
            (["--count"], "--count needs a value"),
            (["--count", "--wait"], "--count needs a value"),
            (["--count", "1", "--count=2"], "--count is given twice"),
            (["start"], "unexpected argument \"start\""), (["--"], "unexpected argument \"--\""),
            (["--count", "1", "init"], "unexpected argument \"init\""),
            (["-v"], "unexpected argument \"-v\""), (["--help=1"], "unknown flag --help"),
            (["--upstream", "*:7710"], "--upstream is \"*:7710\""),
            (["--upstream", "127.0.0.1:0"], "--upstream is \"127.0.0.1:0\""),
            (["--log-level", "INFO"], "--log-level is \"INFO\""),
            (["--title="], "--title is \"\""),
        ])
    func usage(arguments: [String], message: String) {
        let error = failure { try read(arguments) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix(message) == true, "\(String(describing: error))")
        #expect(error.map { ExitCode(for: $0) } == .usage)
    }

    @Test("A command comes first and is told apart from flags")
    func command() throws {
        let configuration = try read(["init", "--data-directory=a=b"])
        #expect(configuration.command == "init")
        #expect(try configuration.value(of: Sample.directory) == "a=b")
    }

    @Test("A path may be any bytes, from a flag and a variable; any other setting must be text")
    func bytePaths() throws {
        let path: Bytes = Array("d".utf8) + [0xFF, 0x3D]
        let flag = Array("--data-directory=".utf8)
        let variable = "OPTIMYSTIC_STORAGE_PEER_DATA_DIRECTORY"
        for configuration in [
            try read(bytes: [flag + path], [:]),
            try read(bytes: [Array("--data-directory".utf8), path], [:]),
            try read(bytes: [], [variable: path]),
        ] {
            #expect(try configuration.value(of: Sample.directory).bytes == path)
            #expect(configuration.text.contains("data-directory  d\\xff=  "))
        }
        let empty = failure { try read(["--data-directory="]) }
        #expect(empty?.message == #"--data-directory is ""; expected a path"#)
        let flagged = failure { try read(bytes: [Array("--title=a".utf8) + [0xFE]], [:]) }
        #expect(flagged?.code == .invalidArgument)
        #expect(flagged?.message.contains("which is not UTF-8 from byte 1 on; expected") == true)
        let named = failure { try read(bytes: [], ["OPTIMYSTIC_STORAGE_PEER_COUNT": [0xFE]]) }
        #expect(named?.code == .configurationInvalid)
        let unknown = failure { try read(bytes: [Array("--c".utf8) + [0xFF]], [:]) }
        #expect(unknown?.message.contains(#"unknown flag --c\xff"#) == true)
        let word = failure { try read(bytes: [[0xFF]], [:]) }
        #expect(word?.message.contains(#"unexpected argument "\xff""#) == true)
        let file = failure {
            try read(bytes: [Array("--configuration=/nowhere/".utf8) + [0xFE]], [:])
        }
        #expect(file?.message.contains(#"/nowhere/\xfe cannot be read"#) == true)
    }

    @Test("The words of a line as the kernel tells it are those between its zeros")
    func kernelWords() {
        #expect(ProcessArguments.words(ofLine: []).isEmpty)
        #expect(ProcessArguments.words(ofLine: Array("program\0".utf8)).isEmpty)
        #expect(
            ProcessArguments.words(ofLine: Array("p\0a\0\0".utf8) + [0xFF, 0])
                == [Array("a".utf8), [], [0xFF]])
    }

    @Test("A required setting that nobody gave is named with all the ways to give it")
    func required() throws {
        let configuration = try read([])
        let error = failure { try configuration.value(of: Sample.directory) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("--data-directory is required") == true)
        #expect(error?.message.contains("OPTIMYSTIC_STORAGE_PEER_DATA_DIRECTORY") == true)
    }

    @Test(
        "A file that is not what it should be is a configuration error",
        arguments: [
            ("[]", "is not a JSON object"), ("", "is not a JSON object"),
            ("{\"count\": 1.5}", ": key \"count\""), ("{\"count\": true}", ": key \"count\""),
            ("{\"count\": null}", "is not a JSON object"),
            ("{\"count\": 1, \"count\": 2}", "the name \"count\" twice"),
            ("{\"count\": 1, \"coun\\u0074\": 2}", "the name \"count\" twice"),
            ("{\"count\": 1} x", "something behind the value"),
            ("{\"count\": [1]}", ": key \"count\""),
            ("{\"cuont\": 1}", "unknown key \"cuont\"; known are cache, count,"),
            ("{\"configuration\": \"x\"}", "unknown key \"configuration\""),
            ("{\"count\": 99}", "is \"99\"; expected an integer from 1 to 10"),
        ])
    func badFile(text: String, message: String) throws {
        try withFile(text) { path in
            let error = failure { try read(["--configuration", path]) }
            #expect(error?.code == .configurationInvalid)
            #expect(error?.message.contains(path) == true)
            #expect(error?.message.contains(message) == true, "\(String(describing: error))")
        }
    }

    @Test("A file that is missing, or larger than its limit, is a configuration error")
    func unreadableFile() throws {
        let missing = failure { try read(["--configuration", "no/such/file"]) }
        #expect(missing?.code == .configurationInvalid)
        #expect(missing?.message.contains("no/such/file cannot be read") == true)
        let limit = Limits.configurationFileBytesMax
        let padding = String(repeating: " ", count: limit - 2)
        try withFile("{}" + padding) { path in _ = try read(["--configuration", path]) }
        try withFile("{}" + padding + " ") { path in
            let large = failure { try read(["--configuration", path]) }
            #expect(large?.message.contains("limit of \(limit) bytes") == true)
        }
    }

    @Test("An unknown variable of the role is a warning, one of another role is nothing")
    func unknownVariables() throws {
        let configuration = try read(
            [],
            [
                "OPTIMYSTIC_STORAGE_PEER_ZEBRA": "1", "OPTIMYSTIC_STORAGE_PEER_CUONT": "1",
                "OPTIMYSTIC_COORDINATOR_CUONT": "1", "OPTIMYSTIC_STORAGE_PEER_COUNT": "1",
            ])
        #expect(
            configuration.warnings == [
                "unknown environment variable OPTIMYSTIC_STORAGE_PEER_CUONT is ignored",
                "unknown environment variable OPTIMYSTIC_STORAGE_PEER_ZEBRA is ignored",
            ])
    }

    @Test("--print-configuration shows each setting with its value and source in columns")
    func printing() throws {
        let text = try answer(
            ["--print-configuration", "--title", "two words"],
            ["OPTIMYSTIC_STORAGE_PEER_WAIT": "250ms"])
        let expected = """
            data-directory  -               not set
            title           "two words"     flag
            count           3               default
            wait            250ms           environment OPTIMYSTIC_STORAGE_PEER_WAIT
            cache           64MiB           default
            listen          127.0.0.1:7710  default
            upstream        -               not set
            configuration   -               not set
            log-format      json            default
            log-level       info            default
            """
        #expect(text == expected)
    }

    @Test("--print-configuration still refuses a wrong value")
    func printingChecks() {
        let error = failure { try answer(["--print-configuration", "--count", "0"]) }
        #expect(error?.code == .invalidArgument)
    }

    @Test("--help names every flag with unit and default, --version the release")
    func help() throws {
        let help = try #require(try answer(["--nonsense", "--help"]))
        for setting in Sample.role.settings {
            #expect(help.contains("--\(setting.flag) \(setting.placeholder)\n"))
            #expect(help.contains(setting.help))
            if let text = setting.defaultText { #expect(help.contains("Default: \(text).")) }
        }
        #expect(
            help.contains("--data-directory PATH\n      Where data lives.\n      A path. Required.")
        )
        #expect(help.contains("  init  Makes an identity."))
        #expect(help.contains("--print-configuration"))
        for line in help.split(separator: "\n") { #expect(line.count <= 100) }
        #expect(try answer(["-h"]) == help)
        #expect(try answer(["--version"]) == "storage-peer \(Release.version)")
    }

    @Test("A value that is a whole file is cut in the message and escaped")
    func hostileValue() throws {
        let error = try #require(
            failure { try read(["--count", "\u{1B}[2J" + String(repeating: "x", count: 100_000)]) })
        #expect(error.message.count < 300)
        #expect(!error.message.unicodeScalars.contains { $0.value < 0x20 })
    }
}
