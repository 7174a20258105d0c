import BlockRuntime
import Logging

/// What can be said to one executable: its name, its commands and every setting it has.
///
/// The list is the only place where a setting is declared; `--help`, the environment variables, the
/// keys of the configuration file and `--print-configuration` all follow from it.
package struct Role: Sendable {
    /// A word that may come first on the command line.
    package struct Command: Sendable {
        package let name: String
        package let help: String

        package init(_ name: String, help: String) {
            self.name = name
            self.help = help
        }
    }

    /// The executable: `storage-peer`.
    package let name: String
    /// What it does, as a sentence.
    package let summary: String
    package let commands: [Command]
    /// The role's own settings, then those that every role has.
    package let settings: [any DeclaredSetting]

    /// - Precondition: Flags and commands are unique, and no flag is one that every role has.
    package init(
        _ name: String, summary: String, commands: [Command] = [],
        settings: [any DeclaredSetting]
    ) {
        self.name = name
        self.summary = summary
        self.commands = commands
        self.settings = settings + [Role.configurationFile, Role.logFormat, Role.logLevel]
        let flags = self.settings.map(\.flag) + Role.answers.map(\.flag)
        invariant(Set(flags).count == flags.count, "the flags of \(name) are unique: \(flags)")
        let words = commands.map(\.name)
        invariant(Set(words).count == words.count, "the commands of \(name) are unique: \(words)")
    }

    /// The file that settings are read from when neither flag nor variable gives them.
    package static let configurationFile = Setting<SystemPath>.path(
        "configuration", help: "A JSON file with an object of flags and their values."
    ).optional()
    package static let logFormat = Setting<LogFormat>.choice(
        "log-format", default: .json, help: "How log lines look on standard error.")
    package static let logLevel = Setting<Logger.Level>.choice(
        "log-level", default: .info, help: "The least level that is logged.")

    /// Flags without a value that print something and exit with 0.
    static let answers: [(flag: String, help: String)] = [
        ("help", "Print this and exit."),
        ("version", "Print the version and exit."),
        ("print-configuration", "Print each setting with its value and source, and exit."),
    ]

    /// What every environment variable of this role begins with: `OPTIMYSTIC_STORAGE_PEER_`.
    package var environmentPrefix: String { "OPTIMYSTIC_\(Self.shouted(name))_" }

    /// The environment variable of `setting`: `OPTIMYSTIC_STORAGE_PEER_DATA_DIRECTORY`.
    package func environmentVariable(of setting: any DeclaredSetting) -> String {
        environmentPrefix + Self.shouted(setting.flag)
    }

    func setting(flag: some StringProtocol) -> (any DeclaredSetting)? {
        settings.first { $0.flag == flag }
    }

    private static func shouted(_ name: String) -> String {
        name.uppercased().replacing("-", with: "_")
    }
}
