import BlockModel
import BlockRuntime
import Optimystic
import Synchronization

/// The transaction that the lines of a shell are a part of, from `begin` to `commit` or `rollback`.
enum ShellTransaction {
    private static let state = Mutex<Transaction?>(nil)

    /// nil outside of a transaction.
    static var current: Transaction? { state.withLock { $0 } }

    /// The commands that may stand in a transaction: they read and write in it, or show what is
    /// outside of every transaction.
    private static let commands: [[String]] = [
        ["tree", "put"], ["tree", "delete"], ["tree", "get"], ["diary", "append"],
        ["queue", "enqueue"], ["queue", "dequeue"], ["queue", "peek"], ["explain"], ["status"],
        ["inspect"], ["--help"],
    ]

    /// Begins, commits or rolls back, if the words say so.
    /// - Returns: Whether they do.
    static func perform(
        _ words: [Bytes], in database: Database, _ output: OutputForm, timeout: Duration?
    ) async throws -> Bool {
        guard let word = CommandInput.behindOptions(words).first, let verb = verb(word) else {
            return false
        }
        guard words.count == 1 else {
            throw UsageError("\(verb) takes nothing; options stand behind `shell`")
        }
        if verb == "begin" {
            guard current == nil else { throw UsageError("a transaction is open already") }
            let transaction = try await database.beginTransaction()
            state.withLock { $0 = transaction }
            return true
        }
        guard let transaction = current else { throw UsageError("no transaction is open: begin") }
        state.withLock { $0 = nil }
        guard verb == "commit" else {
            try transaction.rollback()
            return true
        }
        let commit: TransactionCommit
        do {
            let running = RunningTransaction()
            running.began(transaction)
            commit = try await WritesUnderWay.during(
                resolving: running.resolving, done: "the transaction was committed"
            ) { try await transaction.commit(timeout: timeout) }
        } catch is CancellationError {
            guard case .unknown(let id) = transaction.phase else { throw CancellationError() }
            throw DatabaseError(
                .commitResultUnknown,
                "interrupted; it may have been committed, or may yet: inspect transaction \(id)",
                outcome: .unknown)
        }
        var line = StandardOutput()
        switch output {
        case .text: line.line(commit.id.map { "transaction \($0)" } ?? "nothing was written")
        case .json:
            line.line(
                JSONText.object([
                    "snapshot": .string("\(commit.revisions)"),
                    "transaction": commit.id.map { .string("\($0)") } ?? .null,
                ]).text)
        }
        return true
    }

    private static func verb(_ word: Bytes) -> String? {
        verbs.keys.first { word.elementsEqual($0.utf8) }
    }

    /// What the words of the shell do that are no commands of the command line.
    private static let verbs = [
        "begin": "begin: the lines that follow are one transaction, until commit or rollback.",
        "commit": "commit: lands the transaction that is open, all of it or nothing, once.",
        "rollback": "rollback: forgets the transaction that is open.",
    ]

    /// Says what begin, commit or rollback does, if the words ask for that.
    /// - Returns: Whether they do.
    static func help(_ words: [Bytes]) throws -> Bool {
        guard words.count == 2, words[0].elementsEqual("help".utf8), let verb = verb(words[1]),
            let text = verbs[verb]
        else { return false }
        var output = StandardOutput()
        output.line(text + " More: `help shell`.")
        return true
    }

    /// Refuses what would not be a part of the transaction that is open.
    static func check(_ words: [Bytes]) throws {
        guard current != nil else { return }
        let elsewhere = ["--connect", "--embedded"].first { option in
            words.contains { $0.starts(with: option.utf8) }
        }
        if let elsewhere {
            throw UsageError("\(elsewhere) does not go with a transaction that is open")
        }
        let words = CommandInput.behindOptions(words)
        // What is no command is told so.
        guard let first = words.first, OptimysticCommand.subcommand(first) != nil else { return }
        let isPart = commands.contains { command in
            zip(command, words).allSatisfy { $1.elementsEqual($0.utf8) }
                && words.count >= command.count
        }
        guard !isPart else { return }
        let name = words.prefix(2).map { OutsideText.shown($0) }.joined(separator: " ")
        throw UsageError(
            "\"\(name)\" would not be a part of the transaction that is open; commit or rollback "
                + "comes first")
    }

    /// The input has ended.
    /// - Throws: A usage error when a transaction was open: it was rolled back.
    static func end() throws {
        let open = state.withLock { state in
            defer { state = nil }
            return state
        }
        guard open != nil else { return }
        throw UsageError("the lines end within a transaction: it was rolled back")
    }

    /// Refuses options for retries: a transaction lands once, under its own id.
    static func refuse(_ retry: RetryOptions) throws {
        guard retry.isRetry else { return }
        throw UsageError("--action and --first-revision do not go with a transaction that is open")
    }
}
