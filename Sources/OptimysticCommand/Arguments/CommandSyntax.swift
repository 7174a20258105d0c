import ArgumentParser
import Foundation

/// The options and the places of a command, as its declaration says them.
package struct CommandSyntax {
    /// An option or a flag.
    package struct Option {
        package let takesValue: Bool
        /// Whether it may be given more than once: each time it adds something.
        package let isRepeating: Bool
        /// What it may be, where that is a list.
        package let values: [String]
    }

    /// By name, `--output` or `-h`.
    package private(set) var options: [String: Option] = [:]
    /// What stands for the positional arguments in the help, in order.
    package private(set) var placeNames: [String] = []

    package init(of command: any ParsableCommand.Type) {
        // The parser's own account of the command, for tools as this one.
        let dump = try? JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8))
        for argument in dump?.command.arguments ?? [] {
            if argument.kind == "positional" {
                placeNames.append(argument.valueName ?? "value")
                continue
            }
            let option = Option(
                takesValue: argument.kind == "option",
                isRepeating: argument.isRepeating ?? false, values: argument.allValues ?? [])
            for name in argument.names ?? [] {
                options[(name.kind == "long" ? "--" : "-") + name.name] = option
            }
        }
    }

    private struct Dump: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }

        struct Argument: Decodable {
            let kind: String
            let isRepeating: Bool?
            let names: [Name]?
            let valueName: String?
            let allValues: [String]?
        }

        struct Command: Decodable { let arguments: [Argument]? }

        let command: Command
    }
}

extension ParsableCommand {
    /// The command of this one that `name` names.
    package static func subcommand(_ name: some Collection<UInt8>) -> (any ParsableCommand.Type)? {
        configuration.subcommands.first {
            ($0.configuration.commandName ?? "").utf8.elementsEqual(name)
        }
    }

    package static var subcommandNames: [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName }
    }
}
