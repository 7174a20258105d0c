import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

package struct SnapshotCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Names a moment of several collections, to be read later with --as-of.",
        discussion: """
            Prints one text: where each of the collections was at one moment, after the command \
            began. Given to --as-of, it reads any of them as it was then, consistently, as long as \
            the history is kept.
            """)

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The collections, up to 16.") package var names: [ArgumentBytes]

    package func run() async throws {
        let names = try names.map { name throws(DatabaseError) in try name.collectionName() }
        let moment = try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            var infos: [CollectionInfo] = []
            for name in names {
                infos.append(try await database.info(named: name, timeout: timeout))
            }
            return try await database.snapshot(infos: infos, timeout: timeout)
        }
        var output = StandardOutput()
        switch options.output {
        case .text: output.line("\(moment)")
        case .json:
            output.line(
                JSONText.object([
                    "revisions": moment.json, "snapshot": .string("\(moment)"),
                ]).text)
        }
    }
}

/// As of what a read sees a collection: a revision, a position, or a moment of several.
package enum AsOfArgument: ExpressibleByArgument, CustomStringConvertible, Sendable {
    case position(CollectionPosition)
    case moment(RevisionVector)

    package init?(argument: String) {
        if let position = CollectionPosition(argument: argument) {
            self = .position(position)
        } else if let moment = RevisionVector(text: argument) {
            self = .moment(moment)
        } else {
            return nil
        }
    }

    /// As it was written.
    package var description: String {
        switch self {
        case .position(let position): "\(position)"
        case .moment(let moment): "\(moment)"
        }
    }

    func revision(in info: CollectionInfo) throws(DatabaseError) -> Revision {
        switch self {
        case .position(let position): try position.revision(in: info)
        case .moment(let moment): try moment.revision(in: info)
        }
    }
}
