import ArgumentParser
import BlockModel
import BlockOperations
import BlockRuntime
import Optimystic

/// What a new collection holds.
package enum EncodingForm: String, ExpressibleByArgument, CaseIterable {
    case bytes
    case json

    package var encoding: ValueEncoding {
        switch self {
        case .bytes: .bytes
        case .json: .json
        }
    }
}

extension ActionID: ExpressibleByArgument {
    /// As ``init(text:)``, for the parser of the command line.
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
    @OptionGroup package var form: ValueForm
    @Argument(help: "The diary.") package var name: ArgumentBytes
    @Argument(help: "The entry; - for one entry a line from stdin.") package var value:
        ArgumentBytes
    @Option(help: "What a new diary holds.") package var encoding = EncodingForm.bytes
    @OptionGroup package var retry: RetryOptions

    package func validate() throws {
        if retry.action != nil, value.isStream {
            throw ValidationError("--action names one entry; it does not go with -")
        }
    }

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            let diary = try await open(name, in: database)
            var output = StandardOutput()
            guard value.isStream else {
                return try await append(value.bytes, to: diary, database, &output)
            }
            try await appendLines(to: diary, database, &output)
        }
    }

    /// Appends every line of standard input, whether or not a reader takes the positions.
    private func appendLines(
        to diary: Diary<Bytes>, _ database: Database, _ output: inout StandardOutput
    ) async throws {
        try ShellSession.checkStandardInput()
        let lineBytesMax = (form.hex ? 2 : 1) * Limits.valueBytesMax
        var reader = LineReader(lineBytesMax: lineBytesMax)
        var count = 0
        do {
            while let line = try reader.next() {
                try await append(
                    line, to: diary, database, &output,
                    done: "\(count + 1) entries were appended")
                count += 1
                // A line printed is an entry that is safe: the reader must see it now.
                output.flush()
            }
        } catch {
            StandardError.line(
                "optimystic: stopped at line \(count + 1); the \(count) before it were appended"
            )
            throw error
        }
        if StandardOutput.isBroken {
            StandardError.line(
                "optimystic: nobody reads the positions; all \(count) entries were appended")
        }
    }

    /// A diary that exists keeps its encoding.
    private func open(_ name: String, in database: Database) async throws -> Diary<Bytes> {
        let time = options.timeout?.duration
        return try await retry.open {
            try await database.openDiary(named: name, timeout: time)
        } orMake: {
            try await database.diary(
                name, coding: encoding == .json ? .rawJSON : .bytes, timeout: time)
        }
    }

    private func append(
        _ given: Bytes, to diary: Diary<Bytes>, _ database: Database,
        _ output: inout StandardOutput, done: String = "the entry was appended"
    ) async throws {
        let bytes = try form.bytes(of: given, for: diary.info)
        if let transaction = ShellTransaction.current {
            try ShellTransaction.refuse(retry)
            return try transaction.append(diary, bytes)
        }
        let (id, position) = try await retry.run(
            in: database, of: diary.info, seen: diary.revision, done: done,
            resolve: { "diary action \(ShellWords.quoted(diary.name)) \($0)" }
        ) { id, first in
            let position = try await diary.append(
                bytes, id: id, firstRevision: first.revision, timeout: options.timeout?.duration)
            return (id, position)
        }
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
    }
}

package struct DiaryActionCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "action",
        abstract: "Tells whether an action of unknown outcome landed, and where.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var asked: ActionArguments

    package func run() async throws {
        try await options.withDatabase { database in
            let time = options.timeout?.duration
            let diary = try await asked.open { name in
                try await database.openDiary(named: name, timeout: time)
            }
            let status = try await diary.status(
                of: asked.action, firstRevision: asked.revision(in: diary.info), timeout: time)
            ActionArguments.write(status, options.output)
        }
    }
}
