import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic
import Synchronization

package struct TransactCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "transact",
        abstract: "Does many things to several collections in one transaction: all, or nothing.",
        discussion: """
            The file has one JSON object a line: "collection" and "action", which is put, delete \
            or check (of a tree, with "key"), append (to a diary), enqueue or dequeue (of a queue, \
            "count" values). "value" is what is put, appended or added; "hex" the same as \
            hexadecimal digits. On a tree "if": "absent" or "present", or "ifValue": a value, is a \
            condition on the key. Later lines see what earlier ones do. The collections must \
            exist: up to 16, and 1024 lines in all.

              {"collection":"accounts","action":"put","key":"ada","value":70,"ifValue":100}
              {"collection":"ledger","action":"append","value":"ada paid 30"}

            Prints the transaction's id, where each collection was when it took effect, and what \
            was taken from queues. Exit code 75 when a condition does not hold; nothing was done \
            then. What became of a transaction of unknown outcome is told by `inspect transaction`.
            """)

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The file; - for stdin.") package var file: ArgumentBytes

    package func run() async throws {
        let steps = try TransactCommand.steps(of: ByteSource(path: file))
        guard !steps.isEmpty else {
            throw DatabaseError(.valueUndecodable, "the transaction has no line")
        }
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let body = try await TransactionBody(steps, in: database, timeout: timeout)
            guard !StandardOutput.hasNoReader else {
                throw ResultsLost(
                    message: "nobody reads standard output; nothing was done", isDone: false)
            }
            let done: (result: [TransactionBody.Taken], commit: TransactionCommit)
            let running = RunningTransaction()
            do {
                done = try await WritesUnderWay.during(
                    resolving: running.resolving, done: "the transaction was committed"
                ) {
                    try await database.transact(timeout: timeout) { transaction in
                        running.began(transaction)
                        return try await body.perform(in: transaction)
                    }
                }
            } catch let failed as TransactionBody.ConditionFailed {
                throw DatabaseError(
                    .conflict, "line \(failed.line): its condition does not hold; nothing was done")
            }
            write(done.commit, done.result)
            if let problem = StandardOutput.problem {
                throw ResultsLost(
                    message: "the transaction was committed (\(done.commit.name)), and its result "
                        + "could not be written (\(problem))")
            }
        }
    }

    /// - Throws: `.valueUndecodable` with the line.
    package static func steps(of source: ByteSource) throws(DatabaseError) -> [TransactionStep] {
        var reader = JSONLinesReader(source)
        var steps: [TransactionStep] = []
        while let record = try reader.next() {
            switch record {
            case .record(let line, let json): steps.append(try TransactionStep(json, line: line))
            case .bad(let line, let problem), .broken(let line, let problem):
                throw DatabaseError(.valueUndecodable, "line \(line): \(problem)")
            }
            guard steps.count <= Limits.bodyActionCountMax else {
                throw DatabaseError(
                    .valueTooLarge,
                    "more than bodyActionCountMax = \(Limits.bodyActionCountMax) lines")
            }
        }
        return steps
    }

    private func write(_ commit: TransactionCommit, _ taken: [TransactionBody.Taken]) {
        var output = StandardOutput()
        switch options.output {
        case .text:
            output.line("transaction \(commit.name)")
            for element in commit.revisions.elements {
                output.line("\(element.name)\trevision \(element.position)")
            }
            for item in taken { output.line(Array("\(item.queue.name)\ttook ".utf8) + item.value) }
        case .json:
            output.line(
                JSONText.object([
                    "transaction": commit.id.map { .string("\($0)") } ?? .null,
                    "revisions": commit.revisions.json,
                    "snapshot": .string("\(commit.revisions)"),
                    "taken": .array(
                        taken.map { item in
                            let (name, value) = JSONText.member(
                                item.value, encoding: item.queue.header.encoding)
                            return .object(["collection": .string(item.queue.name), name: value])
                        }),
                ]).text)
        }
        output.flush()
    }
}

/// The transaction that a command has under way: the last run of its body.
final class RunningTransaction: Sendable {
    private let transaction = Mutex<Transaction?>(nil)

    func began(_ transaction: Transaction) { self.transaction.withLock { $0 = transaction } }

    /// What a person can do to find out what became of it.
    var resolving: String {
        // Before it is committed nothing of it is anywhere.
        transaction.withLock { $0?.id }.map { "optimystic inspect transaction \($0)" }
            ?? "nothing was sent"
    }
}

extension TransactionCommit {
    /// Its id, or that it has none.
    fileprivate var name: String { id.map { "\($0)" } ?? "that wrote nothing" }
}

extension RevisionVector {
    /// The revision of each collection, by name.
    var json: JSONText {
        .object(
            Dictionary(
                elements.map {
                    (ExactText($0.name), JSONText.number($0.position.revision.rawValue))
                }, uniquingKeysWith: { first, _ in first }))
    }
}
