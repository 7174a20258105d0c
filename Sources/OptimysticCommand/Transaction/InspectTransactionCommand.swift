import ArgumentParser
import BlockModel
import BlockOperations
import BlockRuntime
import Optimystic

extension TransactionID: ExpressibleByArgument {
    /// As ``init(text:)``, for the parser of the command line.
    public init?(argument: String) { self.init(text: argument) }
}

package struct InspectTransactionCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "transaction",
        abstract: "Tells what became of a transaction, and what each of its collections holds.",
        discussion: """
            The id is what `transact` prints, and what an error of unknown outcome names. Exit \
            code 1 when it has not committed: it may yet, while its request or a retry of it is on \
            its way. Then all collections are looked through for what it has prepared.
            """)

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The transaction's id.") package var id: TransactionID

    package func run() async throws {
        let report = try await options.withDatabase { database in
            try await TransactionInspection.make(id, database, options.timeout?.duration)
        }
        var output = StandardOutput()
        switch options.output {
        case .text: for line in report.lines { output.line(line) }
        case .json: output.line(report.json.text)
        }
        output.flush()
        guard case .committed = report.status else { throw Nothing.exit }
    }
}

/// What is known of a transaction, and where it has left something.
struct TransactionInspection {
    /// One of its collections.
    struct Part {
        let name: String
        let isHome: Bool
        /// What its tail says of it.
        let state: String
        /// When the entry that it has prepared was made, in milliseconds since 1970.
        var since: UInt64?
    }

    let id: TransactionID
    let status: TransactionStatus
    let parts: [Part]

    static func make(
        _ id: TransactionID, _ database: Database, _ timeout: Duration?
    ) async throws -> TransactionInspection {
        let status = try await database.status(of: id, timeout: timeout)
        var parts: [Part] = []
        switch status {
        case .committed(let commit):
            for element in commit.revisions.elements {
                let value = try await database.inspectTail(element.name, timeout: timeout).value
                parts.append(
                    Part(
                        name: element.name, isHome: id.isHome(element.name),
                        state: state(of: value, at: element.position.revision)))
            }
        case .notCommitted:
            for info in try await database.collections(timeout: timeout) {
                let value = try await database.inspectTail(info.name, timeout: timeout).value
                guard let tail = value.live, let part = prepared(in: tail, by: id) else { continue }
                parts.append(part)
            }
        }
        return TransactionInspection(id: id, status: status, parts: parts)
    }

    /// What a tail says of a decided transaction's part that is at `revision`.
    private static func state(of value: TailValue, at revision: Revision) -> String {
        guard let tail = value.live else { return "was dropped since" }
        guard tail.revision >= revision else {
            return tail.exclusiveIntent == nil
                ? "at revision \(tail.revision), which is to become \(revision)"
                : "prepared; its entry comes next"
        }
        let isOpen = tail.openDecisions.contains { $0.target == revision }
        return "done, at revision \(revision)"
            + (isOpen ? "; others are still to carry the decision out" : "")
    }

    /// What an undecided transaction has prepared in a collection.
    private static func prepared(in tail: Tail, by id: TransactionID) -> Part? {
        if let intent = tail.exclusiveIntent, intent.attempt.home == id.home.collection,
            intent.transactions.map({ $0.contains(id) }) ?? true
        {
            let next = intent.entry.revision
            // Whose it is can be told when its actions are in the tail.
            let whose = intent.transactions == nil ? "by this or another one of its home, " : ""
            return Part(
                name: tail.name, isHome: id.isHome(tail.name),
                state: "prepared \(whose)for revision \(next), and held until its home decides",
                since: intent.entry.wallMilliseconds)
        }
        guard tail.sharedIntents.contains(where: { $0.home.collection == id.home.collection })
        else { return nil }
        return Part(
            name: tail.name, isHome: id.isHome(tail.name),
            state: "held at revision \(tail.revision) by a transaction of the same home, which has "
                + "read it")
    }

    // MARK: How it is written

    var lines: [String] {
        var lines: [String] = []
        switch status {
        case .committed(let commit):
            lines.append("committed")
            lines.append("  snapshot  \(commit.revisions)")
        case .notCommitted(let asOf):
            lines.append("not committed up to revision \(asOf) of its home")
        }
        lines.append("  home      \(id.home.collection)")
        for part in parts {
            let since = part.since.map { ", since \(DateText.text(of: Double($0) / 1000))" } ?? ""
            lines.append("  \(part.name)\t\(part.isHome ? "home, " : "")\(part.state)\(since)")
        }
        return lines
    }

    var json: JSONText {
        var pairs: [ExactText: JSONText] = [
            "home": .string("\(id.home.collection)"), "transaction": .string("\(id)"),
            "collections": .array(
                parts.map { part in
                    .object([
                        "home": .boolean(part.isHome), "name": .string(part.name),
                        "since": part.since.map { .number($0) } ?? .null,
                        "state": .string(part.state),
                    ])
                }),
        ]
        switch status {
        case .committed(let commit):
            pairs["state"] = .string("committed")
            pairs["snapshot"] = .string("\(commit.revisions)")
            pairs["revisions"] = commit.revisions.json
        case .notCommitted(let asOf):
            pairs["state"] = .string("not committed")
            pairs["asOf"] = .number(asOf.rawValue)
        }
        return .object(pairs)
    }
}

extension TransactionID {
    fileprivate func isHome(_ name: String) -> Bool { home.collection == CollectionID(name: name) }
}

extension Intent {
    /// The transactions that have prepared it; nil when its actions are stored beside it.
    fileprivate var transactions: [TransactionID]? {
        guard case .inline(let bytes) = entry.body,
            let body = try? EntryBody(canonicalBytes: bytes)
        else { return nil }
        return attempt.transactions(body)
    }
}
