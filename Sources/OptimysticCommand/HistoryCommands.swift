import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

package struct CollectionTruncateCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "truncate",
        abstract:
            "Forgets the history of a collection up to a revision, for ever. What a tree or a "
            + "queue holds now stays; of a diary, the entries up to that revision are gone.")

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The collection.") package var name: ArgumentBytes
    @Option(help: "This revision and all before it are gone.") package var through: UInt64
    @Flag(help: "Yes, this is meant.") package var yes = false

    package func validate() throws {
        guard yes else {
            throw ValidationError("truncating \"\(name)\" is for ever; say --yes")
        }
        guard through <= Limits.counterMax else {
            throw ValidationError("--through \(through) is no revision")
        }
    }

    package func run() async throws {
        let name = try name.collectionName()
        let state = try await options.withDatabase { database in
            try await WritesUnderWay.during(
                resolving: HistoryState.command(name), done: "\(name) was truncated"
            ) {
                try await database.truncate(
                    name, through: Revision(through), timeout: options.timeout?.duration)
            }
        }
        state.print(of: name, options)
        guard state.truncatedThrough >= Revision(through) else {
            throw DatabaseError(
                .overloaded,
                "\(name) is truncated through \(state.truncatedThrough) only: what is above "
                    + "\(state.finalThrough) is not on all its replicas yet",
                retryAfter: RetryTiming.afterLaggingWork)
        }
    }
}

package struct CollectionRetentionCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "Shows or sets how much of its history a collection keeps, at least: more than "
            + "that is given up in steps. Of a diary, what is given up is its oldest entries.")

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The collection.") package var name: ArgumentBytes
    @Option(help: "How many of the newest revisions to keep, or `all`; without it nothing changes.")
    package var keep: RetentionArgument?

    package func run() async throws {
        let name = try name.collectionName()
        let retention = keep?.retention
        let state = try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            guard let retention else {
                return try await database.history(of: name, timeout: timeout)
            }
            return try await WritesUnderWay.during(
                resolving: HistoryState.command(name), done: "the retention of \(name) was set"
            ) { try await database.setRetention(name, to: retention, timeout: timeout) }
        }
        state.print(of: name, options)
    }
}

/// A number of revisions from 1 on, or `all`.
package struct RetentionArgument: ExpressibleByArgument {
    package let retention: Retention

    package init?(argument: String) {
        if argument == "all" {
            retention = .all
        } else if let count = UInt64(argument), (1...Limits.counterMax).contains(count) {
            retention = .last(count)
        } else {
            return nil
        }
    }
}

extension HistoryState {
    /// What shows it.
    fileprivate static func command(_ name: String) -> String {
        "optimystic collection retention \(ShellWords.quoted(name))"
    }

    fileprivate func print(of name: String, _ options: CommandOptions) {
        var output = StandardOutput()
        switch options.output {
        case .text:
            let kept =
                switch retention {
                case .all: "all revisions"
                case .last(let count): "the last \(count) revisions"
                }
            output.line("\(name)\tkeeps \(kept)\ttruncated through \(truncatedThrough)")
        case .json:
            let kept: JSONText =
                switch retention {
                case .all: .string("all")
                case .last(let count): .number(count)
                }
            output.line(
                JSONText.object([
                    "finalThrough": .number(finalThrough.rawValue), "keep": kept,
                    "name": .string(name),
                    "truncatedThrough": .number(truncatedThrough.rawValue),
                ]).text)
        }
    }
}
