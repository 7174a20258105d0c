import ArgumentParser
import BlockModel
import Optimystic

package struct TreeCommand: ParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "tree", abstract: "Writes trees and reads them, and moves files in and out.",
        discussion: """
            A tree keeps values under keys, in the order of the keys' bytes. It keeps what its \
            keys are, too, and takes no others: --key-type says it for a new tree.
            """,
        subcommands: [
            TreePutCommand.self, TreeGetCommand.self, TreeDeleteCommand.self,
            TreeRangeCommand.self, TreeCountCommand.self, TreeActionCommand.self,
            TreeImportCommand.self, TreeExportCommand.self,
        ])
}

/// Keys between two bounds.
package struct RangeOptions: ParsableArguments {
    package init() {}

    @Option(help: ArgumentHelp("Begin with this key.", valueName: "key"))
    package var from: ArgumentBytes?
    @Option(help: ArgumentHelp("Begin behind this key.", valueName: "key"))
    package var after: ArgumentBytes?
    @Option(help: ArgumentHelp("End before this key.", valueName: "key"))
    package var to: ArgumentBytes?
    @Option(help: ArgumentHelp("End with this key.", valueName: "key"))
    package var through: ArgumentBytes?
    @Option(
        help: ArgumentHelp(
            "Only keys that begin so; with the key types text and hex.", valueName: "key"))
    package var prefix: ArgumentBytes?

    package func validate() throws {
        if from != nil, after != nil {
            throw ValidationError("--from and --after exclude each other")
        }
        if to != nil, through != nil {
            throw ValidationError("--to and --through exclude each other")
        }
        if prefix != nil, from ?? after ?? to ?? through != nil {
            throw ValidationError("--prefix excludes --from, --after, --to and --through")
        }
    }

    /// - Throws: `.invalidArgument` for a text that is no key.
    package func keys(_ form: KeyForm) throws(DatabaseError) -> Keys<Bytes> {
        if let prefix {
            guard form == .text || form == .hex else {
                throw DatabaseError(
                    .invalidArgument,
                    "--prefix goes with keys of text and hex only, not \(form.keyType)")
            }
            return .prefix(KeyPrefix(try form.key(prefix)))
        }
        var range = KeyRange()
        if let from { range.lower = KeyBound(try form.key(from)) }
        if let after { range.lower = KeyBound(try form.key(after), isInclusive: false) }
        if let to { range.upper = KeyBound(try form.key(to), isInclusive: false) }
        if let through { range.upper = KeyBound(try form.key(through)) }
        return Keys(range)
    }
}
