import BlockRuntime

/// What a command line asks for.
package enum Invocation: Sendable {
    /// Run with these settings.
    case run(Configuration)
    /// Print this text, followed by a line feed, to standard output and exit with 0.
    case answer(String)
}

/// Reads the settings of a role: a flag goes before an environment variable, a variable before the
/// file, the file before the default. A value that is given but wrong is always an error; it never
/// falls through to the next source.
package struct ConfigurationReader: Sendable {
    private let role: Role
    private let environment: [String: String]

    /// - Parameter environment: The environment variables of the process.
    package init(role: Role, environment: [String: String]) {
        self.role = role
        self.environment = environment
    }

    /// Reads everything.
    ///
    /// - Parameter arguments: The command line without the program's name.
    /// - Throws: `invalidArgument` when the command line is wrong, `configurationInvalid` when a
    ///   variable or the file is. The message names source, value and what was expected.
    package func read(_ arguments: [String]) throws(DatabaseError) -> Invocation {
        // Whoever asks for help gets it, whatever else is wrong with the line.
        if arguments.contains("--help") || arguments.contains("-h") {
            return .answer(role.helpText)
        }
        if arguments.contains("--version") { return .answer(role.versionText) }
        let line = try parse(arguments)
        let (settingsOfFile, fileEntry) = try readFile(line)
        var entries: [Configuration.Entry] = []
        for setting in role.settings {
            if setting.flag == Role.configurationFile.flag {
                entries.append(fileEntry)
            } else {
                entries.append(try resolve(setting, line: line, file: settingsOfFile))
            }
        }
        let configuration = Configuration(
            role: role, command: line.command, entries: entries, warnings: unknownVariables())
        return line.printsConfiguration ? .answer(configuration.text) : .run(configuration)
    }

    // MARK: The command line

    private struct CommandLine {
        var command: String?
        var values: [String: String] = [:]
        var printsConfiguration = false
    }

    private func parse(_ arguments: [String]) throws(DatabaseError) -> CommandLine {
        var line = CommandLine()
        var rest = arguments[...]
        if let first = rest.first, role.commands.contains(where: { $0.name == first }) {
            line.command = first
            rest = rest.dropFirst()
        }
        while let argument = rest.popFirst() {
            if argument == "--print-configuration" {
                line.printsConfiguration = true
                continue
            }
            let (flag, inline) = try split(argument)
            guard role.setting(flag: flag) != nil else {
                throw usage("unknown flag --\(flag)")
            }
            guard let value = inline ?? rest.popFirst(), inline != nil || !value.hasPrefix("--")
            else { throw usage("--\(flag) needs a value") }
            guard line.values.updateValue(value, forKey: flag) == nil else {
                throw usage("--\(flag) is given twice")
            }
        }
        return line
    }

    /// `--flag=value` or `--flag`.
    private func split(_ argument: String) throws(DatabaseError) -> (String, String?) {
        guard argument.hasPrefix("--"), argument.count > 2 else {
            throw usage("unexpected argument \(Self.quoted(argument))")
        }
        let bare = argument.dropFirst(2)
        // Of the bytes: a mark behind it makes = another character.
        guard let equals = bare.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            return (String(bare), nil)
        }
        return (String(bare[..<equals]), String(bare[bare.utf8.index(after: equals)...]))
    }

    private func usage(_ what: String) -> DatabaseError {
        DatabaseError(.invalidArgument, "\(what); see \(role.name) --help")
    }

    // MARK: One setting

    private func resolve(
        _ setting: any DeclaredSetting, line: CommandLine, file: ConfigurationFile?
    ) throws(DatabaseError) -> Configuration.Entry {
        if let text = line.values[setting.flag] {
            return try entry(setting, text, .flag)
        }
        let variable = role.environmentVariable(of: setting)
        if let text = environment[variable] {
            return try entry(setting, text, .environment(variable))
        }
        if let file, let text = file.texts[setting.flag] {
            return try entry(setting, text, .file(file.path))
        }
        let source: Configuration.Source = setting.defaultText == nil ? .absent : .builtIn
        return Configuration.Entry(flag: setting.flag, text: setting.defaultText, source: source)
    }

    private func entry(
        _ setting: any DeclaredSetting, _ text: String, _ source: Configuration.Source
    ) throws(DatabaseError) -> Configuration.Entry {
        do {
            try setting.check(text)
        } catch {
            let place =
                switch source {
                case .environment(let name): "environment variable \(name)"
                case .file(let path): "key \"\(setting.flag)\" of \(path)"
                case .flag, .builtIn, .absent: "--\(setting.flag)"
                }
            throw DatabaseError(
                source == .flag ? .invalidArgument : .configurationInvalid,
                "\(place) is \(Self.quoted(text)); expected \(error.expected)")
        }
        return Configuration.Entry(flag: setting.flag, text: text, source: source)
    }

    /// Quoted and escaped, and cut: a mistaken value may be a whole file.
    private static func quoted(_ text: String) -> String {
        text.count > 100 ? String(reflecting: text.prefix(100) + "…") : String(reflecting: text)
    }

    // MARK: The file and the environment

    private func readFile(
        _ line: CommandLine
    ) throws(DatabaseError) -> (ConfigurationFile?, Configuration.Entry) {
        let entry = try resolve(Role.configurationFile, line: line, file: nil)
        guard let path = entry.text else { return (nil, entry) }
        let file = try ConfigurationFile(path: path)
        for flag in file.texts.keys.sorted() {
            guard role.setting(flag: flag) != nil, flag != Role.configurationFile.flag else {
                let known = role.settings.map(\.flag).filter { $0 != Role.configurationFile.flag }
                throw DatabaseError(
                    .configurationInvalid,
                    "\(path) has the unknown key \(Self.quoted(flag)); known are "
                        + known.sorted().joined(separator: ", "))
            }
        }
        return (file, entry)
    }

    /// A variable that looks like one of ours but is not is most likely mistyped; it may as well
    /// belong to another release, so it is only a warning.
    private func unknownVariables() -> [String] {
        let known = Set(role.settings.map { role.environmentVariable(of: $0) })
        return environment.keys
            .filter { $0.hasPrefix(role.environmentPrefix) && !known.contains($0) }
            .sorted()
            .map { "unknown environment variable \($0) is ignored" }
    }
}
