import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

package struct DiaryCommand: ParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "diary", abstract: "Appends to diaries and reads them.",
        subcommands: [
            DiaryAppendCommand.self, DiaryReadCommand.self, DiaryFollowCommand.self,
            DiaryActionCommand.self,
        ])
}

extension CollectionPosition: ExpressibleByArgument {
    /// As ``init(text:)``, for the parser of the command line.
    public init?(argument: String) { self.init(text: argument) }
}

package struct DiaryReadCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Prints the entries of a diary as of one revision: position, tab, value.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: ValueForm
    @Argument(help: "The diary.") package var name: ArgumentBytes
    @Flag(help: "From the newest entry to the oldest.") package var reverse = false
    @Option(
        help: ArgumentHelp(
            "Begin behind this entry, in the direction of reading.", valueName: "position"))
    package var after: CollectionPosition?
    @OptionGroup package var time: AsOfOption
    @Option(help: ArgumentHelp("Entries to print at most.", valueName: "count"))
    package var limit: Int?

    package func validate() throws {
        try LimitArgument.check(limit)
    }

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            let time = options.timeout?.duration
            let diary = try await database.openDiary(named: name, timeout: time)
            let entries = diary.entries(
                from: after.map { .after($0) } ?? .start,
                direction: reverse ? .backward : .forward,
                asOf: try self.time.revision(of: diary.info),
                timeout: time)
            var output = StandardOutput()
            var count = 0
            // Asked before the next entry is: a limit of 0 reads nothing.
            var iterator = entries.makeAsyncIterator()
            while count < limit ?? .max, let entry = try await iterator.next() {
                output.entry(entry, of: diary, form, options.output)
                if StandardOutput.isBroken { break }
                count += 1
            }
        }
    }
}

package struct DiaryFollowCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "follow",
        abstract: "Prints the entries of a diary, and those that come, until it is stopped.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: ValueForm
    @Argument(help: "The diary.") package var name: ArgumentBytes
    @Option(help: ArgumentHelp("Begin behind this entry.", valueName: "position"))
    package var after: CollectionPosition?

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            let time = options.timeout?.duration
            let diary = try await database.openDiary(named: name, timeout: time)
            var output = StandardOutput()
            for try await entry in diary.follow(after: after, timeout: time) {
                output.entry(entry, of: diary, form, options.output)
                guard output.flush() else { break }
            }
        }
    }
}

extension StandardOutput {
    fileprivate mutating func entry(
        _ entry: Diary<Bytes>.Item, of diary: Diary<Bytes>, _ values: ValueForm,
        _ form: OutputForm
    ) {
        switch form {
        case .text: line(Array("\(entry.position)\t".utf8) + values.text(of: entry.value))
        case .json: line(JSONText(entry, values.member(entry.value, of: diary.info)).text)
        }
    }
}

extension JSONText {
    /// A value as a member of an object: `value` holds JSON, `text` other UTF-8, `hex` anything
    /// else.
    static func member(
        _ value: Bytes, encoding: ValueEncoding
    ) -> (name: ExactText, value: JSONText) {
        if encoding == .json, let json = JSONText(json: value) { return ("value", json) }
        if let text = String(validating: value, as: UTF8.self) { return ("text", .string(text)) }
        return ("hex", .string(ByteText.hex(value)))
    }

    /// - Parameter member: Of the value; see ``ValueForm/member(_:of:)``.
    init(_ entry: Diary<Bytes>.Item, _ member: (name: ExactText, value: JSONText)) {
        var pairs: [ExactText: JSONText] = [
            "action": .string("\(entry.action)"),
            "index": .number(UInt64(entry.position.place.index)),
            "position": .string("\(entry.position)"),
            "revision": .number(entry.position.revision.rawValue),
            "wallMilliseconds": .number(entry.wallMilliseconds),
        ]
        pairs[member.name] = member.value
        self = .object(pairs)
    }
}
