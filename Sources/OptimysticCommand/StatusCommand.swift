import ArgumentParser
import BlockModel
import BlockOperations
import BlockRuntime
import Optimystic

package struct StatusCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows every storage peer: its shards, how far it has got, and why it takes no "
            + "part when it does not.",
        discussion: """
            And how many transactions over several collections are in doubt, prepared and not \
            decided, by how long they are: `inspect transaction` tells of each. Exit code 69 when \
            some shard has no majority: nothing in it can be decided.
            """)

    @OptionGroup package var options: CommandOptions

    package func run() async throws {
        let timeout = options.timeout?.duration
        let (cluster, reports, doubts) = try await options.withDatabase { database in
            let reports = try await database.status(timeout: timeout)
            // Without a majority no tail can be told.
            let isWhole = reports.allSatisfy { $0.lostShardCount == 0 }
            let doubts =
                isWhole ? try? await TransactionsInDoubt.look(in: database, timeout) : nil
            return (database.cluster, reports, doubts)
        }
        var output = StandardOutput()
        if options.output == .text {
            let count = reports.count { $0.isParticipating }
            output.line(
                "cluster \(cluster.clusterName) (\(cluster.cluster)), release \(cluster.version): "
                    + "\(count) of \(reports.count) storage peers take part")
            output.line("proxies: \(cluster.proxies.joined(separator: ", "))")
        }
        for report in reports {
            switch options.output {
            case .text: for line in report.lines { output.line(line) }
            case .json: output.line(report.json.text)
            }
        }
        switch options.output {
        case .text: output.line(doubts?.line ?? "transactions in doubt: not known")
        case .json: output.line((doubts?.json ?? TransactionsInDoubt.unknown).text)
        }
        guard let worst = reports.map(\.lostShardCount).max(), worst > 0 else { return }
        output.flush()
        StandardError.line(
            "optimystic: too few storage peers take part: shards without a majority of theirs can "
                + "decide nothing until it is back")
        throw ArgumentParser.ExitCode(BlockOperations.ExitCode.unavailable.rawValue)
    }
}

extension PeerReport {
    var isParticipating: Bool { status != nil && status?.refusal == nil }

    /// Why the peer takes no part, or not in everything; nil when it does.
    fileprivate var trouble: String? {
        guard let status else { return "it did not answer" }
        if let refusal = status.refusal { return refusal.description }
        guard !status.refusedShards.isEmpty else { return nil }
        return "it refuses the shards "
            + status.refusedShards.map(\.description).joined(separator: ", ")
    }

    /// Registers whose collections the peer did not name: it names a bounded number.
    private var unnamedCount: UInt64 {
        guard let status, status.refusal == nil else { return 0 }
        return status.registerCount - min(status.registerCount, UInt64(status.revisions.count))
    }

    fileprivate var lines: [String] {
        let state = isParticipating ? "takes part" : "takes NO part"
        var lines = ["\(name)\tstorage peer\t\(address)\t\(state)"]
        if let trouble { lines.append("  why: \(trouble)") }
        if lostShardCount > 0 {
            lines.append("  \(lostShardCount) of its shards have no majority")
        }
        guard let status else { return lines }
        lines.append(
            "  \(status.shardCount) shards, \(status.registerCount) registers, "
                + "\(status.segmentCount) segments, \(status.contentCount) bodies, "
                + "\(status.writeSequence) synced writes, id \(peer)")
        lines.append(
            "  about \(status.liveBytes) bytes live, \(status.deadBytes) bytes to be given back")
        for reached in status.revisions.sorted(by: { ExactText($0.name) < ExactText($1.name) }) {
            lines.append("  \(reached.name): revision \(reached.revision)")
        }
        if unnamedCount > 0 {
            lines.append(
                "  and \(unnamedCount) registers more, of collections and of dropped ones; "
                    + "`optimystic collections` lists all collections")
        }
        return lines
    }

    fileprivate var json: JSONText {
        var pairs: [ExactText: JSONText] = [
            "address": .string(address), "name": .string(name), "peer": .string("\(peer)"),
            "participates": .boolean(isParticipating), "role": .string("storage-peer"),
            "shardsWithoutMajority": .number(UInt64(lostShardCount)), "why": .optional(trouble),
        ]
        guard let status else { return .object(pairs) }
        pairs["contents"] = .number(status.contentCount)
        pairs["refusedShards"] = .array(
            status.refusedShards.map { .number(UInt64($0.rawValue)) })
        pairs["registers"] = .number(status.registerCount)
        pairs["revisions"] = .object(
            Dictionary(
                status.revisions.map { (ExactText($0.name), .number($0.revision.rawValue)) },
                uniquingKeysWith: { first, _ in first }))
        pairs["registersUnnamed"] = .number(unnamedCount)
        pairs["segments"] = .number(status.segmentCount)
        pairs["shards"] = .number(UInt64(status.shardCount))
        pairs["deadBytesEstimate"] = .number(status.deadBytes)
        pairs["liveBytesEstimate"] = .number(status.liveBytes)
        pairs["syncedWrites"] = .number(status.writeSequence)
        return .object(pairs)
    }
}
