import ArgumentParser
import BlockOperations
import Optimystic

extension ValueEncoding: ExpressibleByArgument {
    public init?(argument: String) {
        switch argument {
        case "bytes": self = .bytes
        case "json": self = .json
        default: return nil
        }
    }

    public static var allValueStrings: [String] { allCases.map { "\($0)" } }
    public var defaultValueDescription: String { "\(self)" }
}

extension ActionID: ExpressibleByArgument {
    public init?(argument: String) {
        guard let raw = Identifier128(text: argument) else { return nil }
        self.init(rawValue: raw)
    }
}

package struct DiaryAppendCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "append",
        abstract: "Appends an entry, or one for each line of stdin, and prints each position.",
        discussion: """
            A position is printed when its entry is durable on a majority of the replicas. The \
            diary is created when there is none. An entry whose outcome is unknown is appended \
            again, without doubling it, with the same --action and --first-revision.
            """)

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The diary.") package var name: String
    @Argument(help: "The entry; - for one entry a line from stdin.") package var value: String
    @Option(help: "What a new diary holds: bytes or json.")
    package var encoding = ValueEncoding.bytes
    @Option(help: ArgumentHelp("The id of the action, of a retry.", valueName: "uuid"))
    package var action: ActionID?
    @Option(
        name: .customLong("first-revision"),
        help: ArgumentHelp("What the first try named.", valueName: "revision"))
    package var firstRevision: UInt64?

    package func validate() throws {
        if (action == nil) != (firstRevision == nil) {
            throw ValidationError("--action and --first-revision go together")
        }
        if action != nil, value == "-" {
            throw ValidationError("--action names one entry; it does not go with -")
        }
        if let firstRevision, firstRevision > Limits.counterMax {
            throw ValidationError("--first-revision is at most \(Limits.counterMax)")
        }
    }

    package func run() async throws {
        try await options.withDatabase { database in
            let diary = try await open(in: database)
            var output = StandardOutput()
            if value != "-" {
                return try await append(Array(value.utf8), to: diary, database, &output)
            }
            while let line = readLine(strippingNewline: true) {
                try await append(Array(line.utf8), to: diary, database, &output)
                // A line printed is an entry that is safe: whoever reads must see it now.
                output.flush()
            }
        }
    }

    /// A diary that exists keeps its encoding.
    private func open(in database: Database) async throws -> Diary<Bytes> {
        let time = options.timeout?.duration
        do {
            return try await database.openDiary(named: name, timeout: time)
        } catch let error as DatabaseError where error.code == .collectionNotFound {
            return try await database.diary(
                name, coding: encoding == .json ? .rawJSON : .bytes, timeout: time)
        }
    }

    private func append(
        _ bytes: Bytes, to diary: Diary<Bytes>, _ database: Database,
        _ output: inout StandardOutput
    ) async throws {
        if diary.info.header.encoding == .json, JSONText(json: bytes) == nil {
            throw DatabaseError(
                .valueUndecodable, "\"\(name)\" holds JSON, and this entry is not JSON")
        }
        let id = action ?? database.makeActionID()
        let first = firstRevision.map { Revision($0) } ?? diary.revision
        do {
            let position = try await diary.append(
                bytes, id: id, firstRevision: first, timeout: options.timeout?.duration)
            switch options.output {
            case .text: output.line("\(position)")
            case .json:
                output.line(
                    JSONText.object([
                        "action": .string("\(id)"),
                        "index": .number(UInt64(position.place.index)),
                        "position": .string("\(position)"),
                        "revision": .number(position.revision.rawValue),
                    ]).text)
            }
        } catch let error as DatabaseError where error.outcome == .unknown {
            StandardError.line(
                "optimystic: the outcome is unknown; to resolve it: optimystic diary action "
                    + "\(name) \(id) --first-revision \(first)")
            throw error
        }
    }
}

package struct DiaryActionCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "action",
        abstract: "Tells whether an action of unknown outcome landed, and where.")

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The diary.") package var name: String
    @Argument(help: "The id of the action.") package var action: ActionID
    @Option(
        name: .customLong("first-revision"),
        help: ArgumentHelp("What the append named.", valueName: "revision"))
    package var firstRevision: UInt64

    package func run() async throws {
        try await options.withDatabase { database in
            let time = options.timeout?.duration
            let diary = try await database.openDiary(named: name, timeout: time)
            let status = try await diary.status(
                of: action, firstRevision: Revision(firstRevision), timeout: time)
            var output = StandardOutput()
            switch (status, options.output) {
            case (.landed(let position), .text): output.line("landed at \(position)")
            case (.notLanded(let asOf), .text): output.line("not landed up to revision \(asOf)")
            case (.landed(let position), .json):
                output.line(JSONText.object(["landed": .string("\(position)")]).text)
            case (.notLanded(let asOf), .json):
                output.line(
                    JSONText.object(["landed": .null, "asOf": .number(asOf.rawValue)]).text)
            }
        }
    }
}
