import ArgumentParser
import BlockRuntime
import Glibc
import Optimystic
import Synchronization

/// What could stand at the cursor: commands, the options of a command and their values, and where a
/// collection is named, the collections.
package struct Completion {
    static let state = Mutex<Completion?>(nil)

    private let names: CollectionNames
    private var candidates: [String] = []

    init(names: CollectionNames) { self.names = names }

    static func begin(_ text: Bytes, after line: Bytes) {
        guard let names = state.withLock({ $0?.names }) else { return }
        let found = candidates(text, after: line) { names.known() }
        state.withLock { $0?.candidates = found.reversed() }
    }

    /// A copy that the editor frees; nil when there is none left.
    static func next() -> UnsafeMutablePointer<CChar>? {
        state.withLock { $0?.candidates.popLast() }.flatMap { strdup($0) }
    }

    /// - Parameter names: The collections, asked for only where one is named.
    package static func candidates(
        _ text: Bytes, after line: Bytes, names: () -> [String]
    ) -> [String] {
        guard var words = try? ShellWords.split(line)[...] else { return [] }
        let isHelp = words.first?.elementsEqual("help".utf8) == true
        if isHelp { words.removeFirst() }
        let isFirst = words.isEmpty && !isHelp
        var command: any ParsableCommand.Type = OptimysticCommand.self
        while let word = words.first, let next = command.subcommand(word) {
            command = next
            words.removeFirst()
        }
        var found = command.subcommandNames
        if isFirst { found += ["exit", "help"] }
        if found.isEmpty, !isHelp {
            let syntax = CommandSyntax(of: command)
            let before = words.last.map { String(decoding: $0, as: UTF8.self) } ?? ""
            if let option = syntax.options[before], option.takesValue {
                found = option.values
            } else if text.starts(with: "-".utf8) {
                found = syntax.options.keys.filter { $0.utf8.count > 2 }
            } else if words.isEmpty, syntax.placeNames.first?.hasPrefix("name") == true {
                found = names().filter { name in
                    // One that would need quotes is typed by hand.
                    name.utf8.allSatisfy { $0 > 0x20 && !"'\"\\#".utf8.contains($0) }
                }
            }
        } else if !words.isEmpty {
            return []
        }
        return found.filter { $0.utf8.starts(with: text) }.map { ExactText($0) }.sorted()
            .map(\.text)
    }
}

/// The names of the collections, for completion: as they were a moment ago.
final class CollectionNames: Sendable {
    private struct State {
        var names: [String] = []
        var isLoading = false
    }

    /// What a person waits for at most who pressed tab, in milliseconds.
    private static let patienceMilliseconds = 500

    private let database: Database
    private let state = Mutex(State())

    init(of database: Database) { self.database = database }

    /// Asks anew, and gives what is known when the answer takes too long.
    func known() -> [String] {
        let isFirst = state.withLock { state in
            defer { state.isLoading = true }
            return !state.isLoading
        }
        if isFirst { Task { await load() } }
        for _ in 0..<CollectionNames.patienceMilliseconds / 10 {
            guard state.withLock({ $0.isLoading }) else { break }
            usleep(10_000)
        }
        return state.withLock { $0.names }
    }

    private func load() async {
        let names = try? await database.collections().map(\.name)
        state.withLock { state in
            if let names { state.names = names }
            state.isLoading = false
        }
    }
}
