import ArgumentParser
import BlockRuntime
import Optimystic

package struct CollectionsCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "collections", abstract: "Lists the collections of the cluster.")

    @OptionGroup package var options: CommandOptions

    package func run() async throws {
        let infos = try await options.withDatabase {
            try await $0.collections(timeout: options.timeout?.duration)
        }
        var output = StandardOutput()
        for info in infos.sorted(by: { ExactText($0.name) < ExactText($1.name) }) {
            switch options.output {
            case .text:
                output.line(
                    "\(info.name)\t\(info.header.kind)\t\(info.header.encoding)\t"
                        + "revision \(info.revision)")
            case .json:
                output.line(
                    JSONText.object([
                        "encoding": .string("\(info.header.encoding)"),
                        "generation": .number(info.incarnation.generation),
                        "kind": .string("\(info.header.kind)"),
                        "name": .string(info.name),
                        "revision": .number(info.revision.rawValue),
                    ]).text)
            }
        }
    }
}

package struct CollectionCommand: ParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "collection", abstract: "Changes a collection as a whole.",
        subcommands: [
            CollectionDropCommand.self, CollectionTruncateCommand.self,
            CollectionRetentionCommand.self,
        ])
}

package struct CollectionDropCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Drops a collection and all it holds, for ever.")

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The collection.") package var name: ArgumentBytes
    @Flag(help: "Yes, this is meant.") package var yes = false

    package func validate() throws {
        if !yes { throw ValidationError("dropping \"\(name)\" is for ever; say --yes") }
    }

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            try await WritesUnderWay.during(
                resolving: "optimystic collections", done: "\(name) was dropped"
            ) { try await database.drop(name, timeout: options.timeout?.duration) }
        }
        var output = StandardOutput()
        switch options.output {
        case .text: output.line("dropped \(name)")
        case .json: output.line(JSONText.object(["dropped": .string(name)]).text)
        }
    }
}
