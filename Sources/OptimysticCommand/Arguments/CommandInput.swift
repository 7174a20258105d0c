import ArgumentParser
import BlockRuntime
import Optimystic

/// The words of a command line, told apart as bytes and put in the order that the argument parser
/// reads without doubt: the command, its options as `--name=value`, `--`, and the values.
///
/// - Options of every command (``everywhere``) may stand first, last and in between.
/// - An option that adds nothing when it is repeated is given once.
/// - What stands behind an option that takes a value is its value, also when it begins with `-`.
/// - Behind the first value a word with one `-` is a value, and everything behind `--` is one. A
///   word with two that is no option of the command is refused: it may be a mistyped one.
package struct CommandInput {
    /// For the argument parser.
    package private(set) var arguments: [String]

    /// The options that all commands on a database have.
    package static let everywhere = ["--connect", "--embedded", "--output", "--timeout"]
    private static let dash = UInt8(ascii: "-")
    private static let equals = UInt8(ascii: "=")

    private var rest: ArraySlice<Bytes>
    private var path: [String] = []
    private var options: [String] = []
    private var given: Set<String> = []
    private var places: [String] = []

    /// - Parameter defaults: Options that hold unless the words have their own, where the command
    ///   has them.
    /// - Throws: ``UsageError``.
    package init(_ words: [Bytes], defaults: [(name: String, value: String)] = []) throws {
        arguments = []
        rest = words[...]
        guard words.count <= Limits.commandWordCountMax else {
            throw usage(
                "\(words.count) words, commandWordCountMax = \(Limits.commandWordCountMax)")
        }
        var command: any ParsableCommand.Type = OptimysticCommand.self
        while !command.configuration.subcommands.isEmpty, let word = rest.first {
            rest = rest.dropFirst()
            if try takeEarly(word, of: command) { return }
            guard !word.starts(with: [CommandInput.dash]) else { continue }
            guard let next = command.subcommand(word) else { throw unknown(word, in: command) }
            path.append(next.configuration.commandName ?? "")
            command = next
        }
        guard command.configuration.subcommands.isEmpty else {
            // The parser shows what there is.
            arguments = path
            return
        }
        let syntax = CommandSyntax(of: command)
        for name in given.sorted() where syntax.options[name] == nil {
            throw usage(CommandInput.refusal(ofOption: name, syntax))
        }
        if try takeRest(syntax) { return }
        let implied = defaults.filter { option in
            syntax.options[option.name] != nil && !given.contains(option.name)
        }.map { "\($0.name)=\($0.value)" }
        arguments = path + implied + options + (places.isEmpty ? [] : ["--"] + places)
    }

    /// The words behind the options that stand first.
    static func behindOptions(_ words: [Bytes]) -> ArraySlice<Bytes> {
        var rest = words[...]
        while let word = rest.first, word.starts(with: [dash]) {
            let (name, inline) = split(word)
            guard everywhere.contains(name) else { break }
            rest = rest.dropFirst(inline == nil ? 2 : 1)
        }
        return rest
    }

    /// Whether a line asks for objects, also when it makes no sense otherwise.
    package static func output(of words: [Bytes], default form: OutputForm) -> OutputForm {
        var form = form
        let name = Array("--output".utf8)
        for (index, word) in words.enumerated() {
            if word.elementsEqual("--".utf8) { break }
            var value: ArraySlice<UInt8>?
            if word == name, index + 1 < words.count { value = words[index + 1][...] }
            if word.starts(with: name + [equals]) { value = word[(name.count + 1)...] }
            for known in OutputForm.allCases where value?.elementsEqual(known.rawValue.utf8) == true
            {
                form = known
            }
        }
        return form
    }

    // MARK: In front of the command

    /// Takes an option in front of the end of the command's words.
    /// - Returns: Whether the line is read to its end by that.
    private mutating func takeEarly(
        _ word: Bytes, of command: any ParsableCommand.Type
    ) throws -> Bool {
        if path.isEmpty, word.elementsEqual("help".utf8) {
            try takeHelp()
            return true
        }
        guard word.starts(with: [CommandInput.dash]) else { return false }
        let (name, inline) = CommandInput.split(word)
        if CommandInput.everywhere.contains(name) {
            try take(name, isRepeating: false)
            options.append(
                "\(name)=\(try value(of: name, inline) { CommandInput.everywhere.contains($0) })")
            return false
        }
        switch name {
        case "-h", "--help", "--version": arguments = path + [name]
        case "--generate-completion-script", "--experimental-dump-help", "---completion":
            // Between the parser and a shell of the system.
            arguments = path + ([word] + rest).map { ArgumentEscape.text(of: $0) }
        default:
            throw usage("there is no option \(OutsideText.shown(word)) in front of a command")
        }
        return true
    }

    /// What stands behind `help`: the words of a command.
    private mutating func takeHelp() throws {
        var command: any ParsableCommand.Type = OptimysticCommand.self
        for word in rest where !word.starts(with: [CommandInput.dash]) {
            guard let next = command.subcommand(word) else { throw unknown(word, in: command) }
            path.append(next.configuration.commandName ?? "")
            command = next
        }
        arguments = ["help"] + path
    }

    private func unknown(
        _ word: Bytes, in command: any ParsableCommand.Type
    ) -> UsageError {
        let place = path.isEmpty ? "" : " of `\(path.joined(separator: " "))`"
        let names = command.subcommandNames
        guard !names.isEmpty else {
            return usage("\"\(OutsideText.shown(word))\" is no command\(place), which has none")
        }
        let likely = CommandInput.likely(word, among: names)
        return usage(
            "there is no command \"\(OutsideText.shown(word))\"\(place)\(likely)"
                + (likely.isEmpty ? "; there are " : " There are ")
                + names.joined(separator: ", "))
    }

    /// The option is given now.
    /// - Throws: ``UsageError`` when it was before, and the first one would be forgotten.
    private mutating func take(_ name: String, isRepeating: Bool) throws {
        guard given.insert(name).inserted || isRepeating else {
            throw usage("\(name) is given twice")
        }
    }

    private static func refusal(ofOption name: String, _ syntax: CommandSyntax) -> String {
        let isFile = name == "--output" && syntax.options["--out"] != nil
        return "there is no option \(name)"
            + (isFile ? ": the file to write is named by --out" : " of this command")
    }

    /// The name that a word that is none was most likely meant to be; nothing when none is near.
    private static func likely(_ word: Bytes, among names: some Sequence<String>) -> String {
        let near = names.map { (name: $0, distance: distance(word, Array($0.utf8))) }
            .filter { $0.distance <= max(1, $0.name.utf8.count / 4) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return near.map { "; did you mean \($0.name)?" } ?? ""
    }

    /// How many bytes to add, to leave out, to change, or to exchange with the next one, turn one
    /// word into the other.
    private static func distance(_ word: Bytes, _ other: Bytes) -> Int {
        // Words that differ by more in length are not alike.
        guard abs(word.count - other.count) < 4, !word.isEmpty else { return .max }
        var before: [Int] = []
        var above = Array(0...other.count)
        for (row, byte) in word.enumerated() {
            var line = [row + 1]
            for (column, wanted) in other.enumerated() {
                var least = min(above[column] + (byte == wanted ? 0 : 1), above[column + 1] + 1)
                least = min(least, line[column] + 1)
                if row > 0, column > 0, byte == other[column - 1], word[row - 1] == wanted {
                    least = min(least, before[column - 1] + 1)
                }
                line.append(least)
            }
            before = above
            above = line
        }
        return above[other.count]
    }

    // MARK: Behind the command

    /// - Returns: Whether ``arguments`` are complete.
    private mutating func takeRest(_ syntax: CommandSyntax) throws -> Bool {
        var isLiteral = false
        while let word = rest.popFirst() {
            if isLiteral {
                places.append(ArgumentEscape.text(of: word, isLiteral: true))
                continue
            }
            if word.elementsEqual("--".utf8) {
                isLiteral = true
                continue
            }
            guard word.starts(with: [CommandInput.dash]), word.count > 1 else {
                places.append(ArgumentEscape.text(of: word))
                continue
            }
            let (name, inline) = CommandInput.split(word)
            let isAnswer = ["-h", "--help", "--version"].contains(name)
            if isAnswer, places.isEmpty {
                arguments = path + [name]
                return true
            }
            if let option = syntax.options[name], !isAnswer {
                try take(name, isRepeating: option.isRepeating)
                guard option.takesValue else {
                    options.append(ArgumentEscape.text(of: word))
                    continue
                }
                let value = try value(of: name, inline) { syntax.options[$0] != nil }
                options.append("\(name)=\(value)")
            } else if !places.isEmpty, !word.starts(with: "--".utf8) {
                places.append(ArgumentEscape.text(of: word))
            } else {
                throw refusal(of: word, isAnswer: isAnswer, syntax)
            }
        }
        return false
    }

    /// The value behind an option.
    private mutating func value(
        of name: String, _ inline: ArraySlice<UInt8>?, isOption: (String) -> Bool
    ) throws -> String {
        if let inline { return ArgumentEscape.text(of: inline) }
        guard let next = rest.popFirst() else { throw usage("\(name) takes a value") }
        if next.starts(with: "--".utf8), next.count == 2 || isOption(CommandInput.split(next).name)
        {
            let shown = OutsideText.shown(next)
            throw usage(
                "\(name) takes a value; if that is \(shown), write \(name)=\(shown)")
        }
        return ArgumentEscape.text(of: next)
    }

    private func refusal(of word: Bytes, isAnswer: Bool, _ syntax: CommandSyntax) -> UsageError {
        let shown = OutsideText.shown(word)
        if isAnswer {
            let command = (["optimystic"] + path).joined(separator: " ")
            return usage(
                "\(shown) behind a value: for help write `\(command) --help`; a value that begins "
                    + "with - stands behind --, as in `\(command) … -- \(shown)`")
        }
        let (name, _) = CommandInput.split(word)
        if name == "--output", syntax.options["--out"] != nil {
            return usage(CommandInput.refusal(ofOption: name, syntax))
        }
        let likely = CommandInput.likely(Array(name.utf8), among: syntax.options.keys)
        let hint =
            syntax.placeNames.isEmpty
            ? "" : "a value that begins with - stands behind --, as in `-- \(shown)`"
        let joint = hint.isEmpty || likely.isEmpty ? (hint.isEmpty ? "" : "; ") : " Or "
        return usage("there is no option \(shown)\(likely)\(joint)\(hint)")
    }

    private func usage(_ message: String) -> UsageError { UsageError(message, path: path) }

    /// `--name=value`, or the name alone.
    private static func split(_ word: Bytes) -> (name: String, inline: ArraySlice<UInt8>?) {
        guard word.starts(with: "--".utf8), let place = word.firstIndex(of: equals) else {
            return (ArgumentEscape.text(of: word), nil)
        }
        return (ArgumentEscape.text(of: word[..<place]), word[(place + 1)...])
    }
}
