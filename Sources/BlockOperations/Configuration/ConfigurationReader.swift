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
    private let environment: [String: Bytes]

    /// - Parameter environment: The environment variables of the process.
    package init(role: Role, environment: [String: Bytes]) {
        self.role = role
        self.environment = environment
    }

    /// Reads everything.
    ///
    /// - Parameter arguments: The command line without the program's name.
    /// - Throws: `invalidArgument` when the command line is wrong, `configurationInvalid` when a
    ///   variable or the file is. The message names source, value and what was expected.
    package func read(_ arguments: [Bytes]) throws(DatabaseError) -> Invocation {
        // An operator who asks for help gets it, whatever else is wrong with the line.
        func asks(_ word: String) -> Bool { arguments.contains(Array(word.utf8)) }
        if asks("--help") || asks("-h") {
            return .answer(role.helpText)
        }
        if asks("--version") { return .answer(role.versionText) }
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
        var values: [String: Bytes] = [:]
        var printsConfiguration = false
    }

    private func parse(_ arguments: [Bytes]) throws(DatabaseError) -> CommandLine {
        var line = CommandLine()
        var rest = arguments[...]
        if let first = rest.first,
            let command = role.commands.first(where: { $0.name.utf8.elementsEqual(first) })
        {
            line.command = command.name
            rest = rest.dropFirst()
        }
        while let argument = rest.popFirst() {
            if argument.elementsEqual("--print-configuration".utf8) {
                line.printsConfiguration = true
                continue
            }
            let (flag, inline) = try split(argument)
            guard let setting = role.setting(flag: flag) else {
                throw usage("unknown flag --\(flag)")
            }
            let isAlone = inline == nil && rest.first?.starts(with: Self.dashes) ?? true
            let alone = isAlone ? setting.textAlone.map { Array($0.utf8) } : nil
            guard let value = inline ?? alone ?? (isAlone ? nil : rest.popFirst()) else {
                throw usage("--\(flag) needs a value")
            }
            guard line.values.updateValue(value, forKey: flag) == nil else {
                throw usage("--\(flag) is given twice")
            }
        }
        return line
    }

    private static let dashes = Array("--".utf8)

    /// `--flag=value` or `--flag`.
    private func split(_ argument: Bytes) throws(DatabaseError) -> (String, Bytes?) {
        guard argument.starts(with: Self.dashes), argument.count > Self.dashes.count else {
            throw usage("unexpected argument \(Self.quoted(argument))")
        }
        let bare = argument.dropFirst(Self.dashes.count)
        let equals = bare.firstIndex(of: UInt8(ascii: "=")) ?? bare.endIndex
        // No flag is anything but ASCII, so what is shown in place of other bytes is unknown too.
        let flag = OutsideText.shown(bare[..<equals])
        return (flag, equals == bare.endIndex ? nil : Array(bare[(equals + 1)...]))
    }

    private func usage(_ what: String) -> DatabaseError {
        DatabaseError(.invalidArgument, "\(what); see \(role.name) --help")
    }

    // MARK: One setting

    private func resolve(
        _ setting: any DeclaredSetting, line: CommandLine, file: ConfigurationFile?
    ) throws(DatabaseError) -> Configuration.Entry {
        if let bytes = line.values[setting.flag] {
            return try entry(setting, bytes, .flag)
        }
        let variable = role.environmentVariable(of: setting)
        if let bytes = environment[variable] {
            return try entry(setting, bytes, .environment(variable))
        }
        if let file, let text = file.texts[setting.flag] {
            return try entry(setting, Array(text.utf8), .file(file.path))
        }
        let source: Configuration.Source = setting.defaultText == nil ? .absent : .builtIn
        return Configuration.Entry(
            flag: setting.flag, bytes: setting.defaultText.map { Array($0.utf8) }, source: source)
    }

    private func entry(
        _ setting: any DeclaredSetting, _ bytes: Bytes, _ source: Configuration.Source
    ) throws(DatabaseError) -> Configuration.Entry {
        let place =
            switch source {
            case .environment(let name): "environment variable \(name)"
            case .file(let path): "key \"\(setting.flag)\" of \(path)"
            case .flag, .builtIn, .absent: "--\(setting.flag)"
            }
        let code: ErrorCode = source == .flag ? .invalidArgument : .configurationInvalid
        do {
            try setting.check(bytes)
        } catch {
            let offset = OutsideText.badOffset(in: bytes)
            let isText = setting.takesBytes || offset == bytes.count
            throw DatabaseError(
                code,
                "\(place) is \(Self.quoted(bytes))"
                    + (isText ? "" : ", which is not UTF-8 from byte \(offset) on")
                    + "; expected \(error.expected)")
        }
        return Configuration.Entry(flag: setting.flag, bytes: bytes, source: source)
    }

    /// Quoted and escaped, and cut: a mistaken value may be a whole file.
    private static func quoted(_ bytes: Bytes) -> String {
        // What is no text is shown by its escapes, which are not to be escaped once more.
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return "\"\(OutsideText.shown(bytes.prefix(100)))\(bytes.count > 100 ? "…" : "")\""
        }
        return text.count > 100
            ? String(reflecting: text.prefix(100) + "…") : String(reflecting: text)
    }

    // MARK: The file and the environment

    private func readFile(
        _ line: CommandLine
    ) throws(DatabaseError) -> (ConfigurationFile?, Configuration.Entry) {
        let entry = try resolve(Role.configurationFile, line: line, file: nil)
        guard let bytes = entry.bytes else { return (nil, entry) }
        let path = SystemPath(bytes)
        let file = try ConfigurationFile(path: path)
        for flag in file.texts.keys.sorted() {
            guard role.setting(flag: flag) != nil, flag != Role.configurationFile.flag else {
                let known = role.settings.map(\.flag).filter { $0 != Role.configurationFile.flag }
                throw DatabaseError(
                    .configurationInvalid,
                    "\(path) has the unknown key \(Self.quoted(Array(flag.utf8))); known are "
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
