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
            """)

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The collections; none for all.") package var names: [ArgumentBytes] = []

    package func run() async throws {
        let names = try names.map { name throws(DatabaseError) in try name.collectionName() }
        let report = try await options.withDatabase { database in
            try await database.verify(
                names.isEmpty ? nil : names, timeout: options.timeout?.duration
            ) { progress in
                StandardError.progress(
                    "\(progress.name): \(progress.entryCount) of \(progress.revision) entries")
            }
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
        guard report.isSound else {
            throw ArgumentParser.ExitCode(BlockOperations.ExitCode.badInput.rawValue)
        }
    }
}

extension VerificationReport.Part {
    fileprivate var lines: [String] {
        let verdict =
            findings.isEmpty
            ? "sound" : "\(findings.count) finding\(findings.count == 1 ? "" : "s")"
        var lines = [
            "\(name): \(verdict), up to revision \(revision)",
            "  \(entryCount) entries with \(actionCount) actions, each action once; "
                + "\(segmentCount) segments, \(bodyCount) bodies beside them, "
                + "\(blockWriteCount) writes of blocks",
            "  \(fullyReplicatedCount) of \(objectCount) objects held by all replicas, "
                + "\(partlyReplicatedCount) by a majority only",
        ]
        lines += findings.map { "  \($0)" }
        return lines
    }

    fileprivate var json: JSONText {
        .object([
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
            "sound": .boolean(findings.isEmpty),
        ])
    }
}
