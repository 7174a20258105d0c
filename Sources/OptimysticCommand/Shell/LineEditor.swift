import ArgumentParser
import CEditLine
import Foundation
import Optimystic

/// Lines from a person at a terminal, with editing, completion of commands, and a history that is
/// kept for the next time. One in a process, for one thread.
struct LineEditor: ~Copyable {
    private static let lineCountMax: Int32 = 1000

    private let historyFile: String?

    /// - Parameter historyFile: nil to keep none.
    init(historyFile: String?) {
        self.historyFile = historyFile
        edit_leave_signals()
        using_history()
        stifle_history(LineEditor.lineCountMax)
        if let historyFile { _ = read_history(historyFile) }
        edit_set_completer { text, start, _ in
            guard let text, let line = edit_line() else { return nil }
            let before = String(cString: line).utf8.prefix(Int(max(0, start)))
            Completion.begin(String(cString: text), after: String(before) ?? "")
            // Names of files, where no command can stand.
            guard !Completion.candidates.isEmpty else { return nil }
            return rl_completion_matches(text) { _, _ in Completion.next() }
        }
    }

    deinit {
        guard let historyFile else { return }
        // Lines may hold values that are nobody else's business.
        let mask = umask(0o077)
        _ = write_history(historyFile)
        umask(mask)
    }

    /// - Returns: nil at the end of the input.
    func next(prompt: String) -> String? {
        guard let raw = readline(prompt) else { return nil }
        defer { free(raw) }
        let line = String(cString: raw)
        if !line.allSatisfy(\.isWhitespace) { add_history(raw) }
        return line
    }
}

/// What could stand at the cursor.
private enum Completion {
    // SAFETY: the line editor belongs to one thread, which is the only one to complete.
    nonisolated(unsafe) static var candidates: [String] = []

    static func begin(_ text: String, after line: String) {
        var words = line.split(separator: " ").map(String.init)
        if words.first == "help" { words.removeFirst() }
        var command: any ParsableCommand.Type = OptimysticCommand.self
        for word in words {
            let next = command.configuration.subcommands.first {
                $0.configuration.commandName == word
            }
            guard let next else {
                candidates = []
                return
            }
            command = next
        }
        var names = command.configuration.subcommands.compactMap {
            $0.configuration.commandName
        }
        if words.isEmpty { names += ["exit", "help"] }
        candidates = names.filter { $0.hasPrefix(text) }.sorted().reversed()
    }

    /// A copy that the editor frees; nil when there is none left.
    static func next() -> UnsafeMutablePointer<CChar>? {
        candidates.popLast().flatMap { strdup($0) }
    }
}
