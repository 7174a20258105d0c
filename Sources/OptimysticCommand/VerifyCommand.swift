import ArgumentParser
import BlockOperations
import BlockRuntime
import Optimystic

package struct VerifyCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks the whole history of collections, and what every replica holds of it.",
        discussion: """
            Every hash is computed here; no service is trusted with it. Exit code 65 when \
            something is wrong with the data.

            With --replay each history is executed again as well, from its first entry, here: the \
            outcome of each action and every block of every revision are compared with the log, \
            and the blocks that there are now with what the replicas give. That takes as much \
            memory as a collection holds. A history that is truncated, a collection of an \
            application's own kind, and one with transactions of an application's own engine, are \
            reported as not re-executed, with exit code 1 when nothing is wrong otherwise.
            """)

    @OptionGroup package var options: CommandOptions
    @Flag(help: "Execute every history again, and compare what comes of it.")
    package var replay = false
    @Argument(help: "The collections; none for all.") package var names: [ArgumentBytes] = []

    package func run() async throws {
        let names = try names.map { name throws(DatabaseError) in try name.collectionName() }
        let report = try await options.withDatabase { database in
            try await database.verify(
                names.isEmpty ? nil : names, reexecutes: replay,
                timeout: options.timeout?.duration
            ) { progress in StandardError.progress(progress.progress) }
        }
        StandardError.progress("")
        var output = StandardOutput()
        for collection in report.collections {
            switch options.output {
            case .text: for line in collection.lines { output.line(line) }
            case .json: output.line(collection.json.text)
            }
        }
        output.flush()
        guard report.collections.allSatisfy(\.findings.isEmpty) else {
            throw ArgumentParser.ExitCode(BlockOperations.ExitCode.badInput.rawValue)
        }
        // What was asked for is not there: a history from its first entry, with its handlers.
        if !report.isSound { throw Nothing.exit }
    }
}

extension VerificationReport.Part {
    fileprivate var progress: String {
        executedEntryCount == 0
            ? "\(name): \(entryCount) of \(revision) entries"
            : "\(name): \(executedEntryCount) of \(revision) entries executed again"
    }

    private var verdict: String {
        if !findings.isEmpty { return "\(findings.count) finding\(findings.count == 1 ? "" : "s")" }
        return isSound ? "sound" : "not re-executed"
    }

    fileprivate var lines: [String] {
        var lines = [
            "\(name): \(verdict), up to revision \(revision)",
            "  \(entryCount) entries with \(actionCount) actions, each action once; "
                + "\(segmentCount) segments, \(bodyCount) bodies beside them, "
                + "\(blockWriteCount) writes of blocks",
            "  \(fullyReplicatedCount) of \(objectCount) objects held by all replicas, "
                + "\(partlyReplicatedCount) by a majority only",
        ]
        switch reexecution {
        case .done(let blockCount):
            lines.append("  executed again from its first entry: \(blockCount) blocks compared")
        case .ended(let revision):
            lines.append("  executed again from its first entry, and not beyond \(revision)")
        case .notExecuted(let obstacle): lines.append("  not re-executed: \(obstacle)")
        case nil: break
        }
        if executedTransactionCount > 0 {
            lines.append("  \(executedTransactionCount) transactions decided here compared")
        }
        if unexecutedTransactionCount > 0 {
            lines.append(
                "  not re-executed: \(unexecutedTransactionCount) transactions, whose engine is "
                    + "another program's, or of which some history is gone")
        }
        lines += findings.map { "  \($0)" }
        return lines
    }

    /// nil when it was not asked for.
    private var reexecutionJSON: JSONText? {
        let entries = JSONText.count(executedEntryCount)
        return switch reexecution {
        case .done(let blockCount):
            .object([
                "blocks": .count(blockCount), "entries": entries, "state": .string("done"),
            ])
        case .ended(let revision):
            .object([
                "entries": entries, "revision": .number(revision.rawValue),
                "state": .string("ended"),
            ])
        case .notExecuted(let obstacle):
            .object([
                "obstacle": .string(obstacle.word), "reason": .string("\(obstacle)"),
                "state": .string("notExecuted"),
            ])
        case nil: nil
        }
    }

    fileprivate var json: JSONText {
        var members: [ExactText: JSONText] = [
            "actions": .count(actionCount), "blockWrites": .count(blockWriteCount),
            "bodies": .count(bodyCount), "entries": .count(entryCount),
            "findings": .array(
                findings.map { finding in
                    .object([
                        "kind": .string(finding.kind.rawValue),
                        "object": .string(finding.object),
                        "problem": .string(finding.problem),
                    ])
                }),
            "fullyReplicated": .count(fullyReplicatedCount), "name": .string(name),
            "objects": .count(objectCount), "partlyReplicated": .count(partlyReplicatedCount),
            "revision": .number(revision.rawValue), "segments": .count(segmentCount),
            "sound": .boolean(isSound), "transactions": .count(executedTransactionCount),
            "transactionsNotExecuted": .count(unexecutedTransactionCount),
        ]
        members["reexecution"] = reexecutionJSON
        return .object(members)
    }
}

extension VerificationReport.Reexecution.Obstacle {
    /// For programs.
    fileprivate var word: String {
        switch self {
        case .historyTruncated: "historyTruncated"
        case .handlersUnknown: "handlersUnknown"
        case .logUnreadable: "logUnreadable"
        }
    }
}
