import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

package struct QueueCommand: ParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Adds values to queues and takes them, each once.",
        subcommands: [
            QueueEnqueueCommand.self, QueueDequeueCommand.self, QueuePeekCommand.self,
            QueueCountCommand.self, QueueActionCommand.self,
        ])
}

package struct QueueEnqueueCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "enqueue",
        abstract: "Adds values behind the last one, in order, in one atomic action.",
        discussion: """
            Prints the revision of the queue with the values in it, when they are durable on a \
            majority of the replicas. The queue is created when there is none. Values whose \
            outcome is unknown are added again, without doubling them, with the same --action and \
            --first-revision.
            """)

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: ValueForm
    @OptionGroup package var retry: RetryOptions
    @Argument(help: "The queue.") package var name: ArgumentBytes
    @Argument(help: "The values.") package var values: [ArgumentBytes]
    @Option(help: "What a new queue holds.") package var encoding = EncodingForm.bytes

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            let queue = try await open(name, in: database)
            let bytes = try values.map { value throws(DatabaseError) in
                try form.bytes(of: value.bytes, for: queue.info)
            }
            if let transaction = ShellTransaction.current {
                try ShellTransaction.refuse(retry)
                return try bytes.forEach { try transaction.enqueue(queue, $0) }
            }
            let (id, revision) = try await retry.run(
                in: database, of: queue.info, seen: queue.revision,
                done: "the values were added",
                resolve: { "queue action \(ShellWords.quoted(name)) \($0)" }
            ) { id, first in
                let revision = try await queue.enqueue(
                    contentsOf: bytes, id: id, firstRevision: first.revision,
                    timeout: options.timeout?.duration)
                return (id, revision)
            }
            var output = StandardOutput()
            switch options.output {
            case .text: output.line("\(revision)")
            case .json:
                output.line(
                    JSONText.object([
                        "action": .string("\(id)"), "revision": .number(revision.rawValue),
                    ]).text)
            }
        }
    }

    /// A queue that exists keeps its encoding.
    private func open(_ name: String, in database: Database) async throws -> Queue<Bytes> {
        let timeout = options.timeout?.duration
        return try await retry.open {
            try await database.openQueue(named: name, timeout: timeout)
        } orMake: {
            try await database.queue(
                name, coding: encoding == .json ? .rawJSON : .bytes, timeout: timeout)
        }
    }
}

package struct QueueDequeueCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "dequeue",
        abstract: "Takes values from the front and prints them, one a line.",
        discussion: """
            Exit code 1 when the queue is empty; 74 when values were taken and could not be \
            written: stderr names them then. When the outcome is unknown, the same values are \
            given out with the same --action, --first-revision and --count.
            """)

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: ValueForm
    @OptionGroup package var retry: RetryOptions
    @Argument(help: "The queue.") package var name: ArgumentBytes
    @Option(help: "Values to take at most.") package var count = 1

    package func validate() throws { try QueueOutput.check(count) }

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let queue = try await retry.openAgain {
                try await database.openQueue(named: name, timeout: timeout)
            }
            guard !StandardOutput.hasNoReader else {
                throw ResultsLost(
                    message: "nobody reads standard output; nothing was taken from \"\(name)\"",
                    isDone: false)
            }
            if let transaction = ShellTransaction.current {
                try ShellTransaction.refuse(retry)
                let values = try await transaction.dequeue(queue, count)
                return try QueueOutput.write(values, of: queue.info, form, options.output)
            }
            func again(_ id: ActionID) -> String {
                "queue dequeue \(ShellWords.quoted(name)) --count \(count) --action \(id)"
            }
            let (values, retrying) = try await retry.run(
                in: database, of: queue.info, seen: queue.revision,
                done: "values were taken, and perhaps not written", resolve: again
            ) { id, first in
                let values = try await queue.dequeue(
                    count, id: id, firstRevision: first.revision, timeout: timeout)
                return (values, "\(again(id)) --first-revision \(first)")
            }
            try QueueOutput.write(values, of: queue.info, form, options.output)
            guard let problem = StandardOutput.problem else { return }
            QueueOutput.tell(lost: values, of: queue.info, form)
            throw ResultsLost(
                message: "\(values.count) values were taken and could not be handed out "
                    + "(\(problem)); they are named on standard error, and `optimystic "
                    + "\(retrying)` gives them out again"
            )
        }
    }
}

package struct QueuePeekCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "peek",
        abstract: "Prints the values at the front, one a line, without taking them.",
        discussion: "Exit code 1 when the queue is empty.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: ValueForm
    @OptionGroup package var time: AsOfOption
    @Argument(help: "The queue.") package var name: ArgumentBytes
    @Option(help: "Values to print at most.") package var count = 1

    package func validate() throws { try QueueOutput.check(count) }

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let queue = try await database.openQueue(named: name, timeout: timeout)
            let values =
                if let transaction = ShellTransaction.current, time.asOf == nil {
                    try await transaction.peek(queue, count)
                } else {
                    try await queue.peek(
                        count, asOf: time.revision(of: queue.info), timeout: timeout)
                }
            try QueueOutput.write(values, of: queue.info, form, options.output)
        }
    }
}

package struct QueueCountCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "count", abstract: "Prints the number of values in a queue.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var time: AsOfOption
    @Argument(help: "The queue.") package var name: ArgumentBytes

    package func run() async throws {
        let name = try name.collectionName()
        let count = try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let queue = try await database.openQueue(named: name, timeout: timeout)
            return try await queue.count(asOf: time.revision(of: queue.info), timeout: timeout)
        }
        var output = StandardOutput()
        switch options.output {
        case .text: output.line("\(count)")
        case .json: output.line(JSONText.object(["count": .count(count)]).text)
        }
    }
}

package struct QueueActionCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "action",
        abstract: "Tells whether an action of unknown outcome landed, and where.",
        discussion: """
            The values that an action took are given out by `queue dequeue` with the same \
            --action, --first-revision and --count.
            """)

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var asked: ActionArguments

    package func run() async throws {
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let queue = try await asked.open { name in
                try await database.openQueue(named: name, timeout: timeout)
            }
            let status = try await queue.status(
                of: asked.action, firstRevision: asked.revision(in: queue.info),
                timeout: timeout)
            ActionArguments.write(status, options.output)
        }
    }
}

private enum QueueOutput {
    static func check(_ count: Int) throws {
        guard (1...Limits.queueValueCountMax).contains(count) else {
            throw ValidationError("--count is 1 to \(Limits.queueValueCountMax)")
        }
    }

    static func write(
        _ values: [Bytes], of info: CollectionInfo, _ form: ValueForm, _ output: OutputForm
    ) throws {
        var stream = StandardOutput()
        for value in values {
            switch output {
            case .text: stream.line(form.text(of: value))
            case .json:
                let (name, text) = form.member(value, of: info)
                stream.line(JSONText.object([name: text]).text)
            }
        }
        stream.flush()
        if values.isEmpty { throw Nothing.exit }
    }

    /// Values that are in the queue no more, and reached no reader.
    static func tell(lost values: [Bytes], of info: CollectionInfo, _ form: ValueForm) {
        StandardError.write(
            text: values.map { value in
                "optimystic: taken: \(form.hex ? ByteText.hex(value) : OutsideText.shown(value))"
            }.joined(separator: "\n"),
            object: .object([
                "taken": .array(
                    values.map { value in
                        let (name, text) = form.member(value, of: info)
                        return .object([name: text])
                    })
            ]))
    }
}
