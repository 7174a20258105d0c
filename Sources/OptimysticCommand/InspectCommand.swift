import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

package struct InspectCommand: ParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Shows what the cluster holds, as it holds it.",
        subcommands: [InspectTailCommand.self, InspectTransactionCommand.self])
}

package struct InspectTailCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Shows the chosen tail of a collection and what each replica holds of it.",
        discussion: "Exit code 1 when there is no such collection.")

    @OptionGroup package var options: CommandOptions
    @Argument(help: "The collection.") package var name: ArgumentBytes

    package func run() async throws {
        let name = try name.collectionName()
        let inspection = try await options.withDatabase {
            try await $0.inspectTail(name, timeout: options.timeout?.duration)
        }
        var output = StandardOutput()
        switch options.output {
        case .text: for line in inspection.lines { output.line(line) }
        case .json: output.line(inspection.json.text)
        }
        output.flush()
        guard case .live = inspection.value else { throw Nothing.exit }
    }
}

extension TailInspection {
    fileprivate var lines: [String] {
        var lines: [String] = []
        switch value {
        case .absent(let generation): lines.append("absent, generation \(generation)")
        case .dropped(let life):
            lines.append("dropped, generation \(life.incarnation.generation)")
        case .live(let tail):
            lines.append(
                "\(tail.name): \(tail.header.kind) of \(tail.header.encoding), "
                    + "revision \(tail.revision), settled \(tail.settled)")
            lines.append("  register      \(tail.collection)")
            lines.append("  incarnation   \(tail.incarnation)")
            lines.append("  chain hash    \(tail.lastHash)")
            lines.append("  checkpoint    \(tail.checkpoint.revision)")
            for item in tail.checkpoint.lagging {
                lines.append("    shard \(item.shard) lags: final through \(item.checkpoint)")
            }
            lines.append("  truncated     through \(tail.truncatedThrough)")
            lines.append(
                "  open entries  \(tail.entries.count), "
                    + "\(tail.segments.first.map { $0.index + 1 } ?? 0) sealed segments")
            for entry in tail.entries {
                lines.append(
                    "  \(entry.revision)\t\(entry.kind)\t\(entry.bodyText)\t\(entry.bodyID)")
            }
        }
        lines += replicas.map { "  replica \($0.peer)\t\($0.state.text)" }
        return lines
    }

    fileprivate var json: JSONText {
        var pairs: [ExactText: JSONText] = [
            "replicas": .array(
                replicas.map {
                    .object(["peer": .string("\($0.peer)"), "state": .string($0.state.text)])
                })
        ]
        switch value {
        case .absent(let generation):
            pairs["state"] = .string("absent")
            pairs["generation"] = .number(generation)
        case .dropped(let life):
            pairs["state"] = .string("dropped")
            pairs["generation"] = .number(life.incarnation.generation)
            pairs["incarnation"] = .string("\(life.incarnation)")
        case .live(let tail):
            pairs["state"] = .string("live")
            pairs["generation"] = .number(tail.incarnation.generation)
            pairs["incarnation"] = .string("\(tail.incarnation)")
            pairs["name"] = .string(tail.name)
            pairs["kind"] = .string("\(tail.header.kind)")
            pairs["encoding"] = .string("\(tail.header.encoding)")
            pairs["revision"] = .number(tail.revision.rawValue)
            pairs["chainHash"] = .string("\(tail.lastHash)")
            pairs["checkpoint"] = .number(tail.checkpoint.revision.rawValue)
            pairs["truncatedThrough"] = .number(tail.truncatedThrough.rawValue)
            pairs["segments"] = .number(tail.segments.first.map { $0.index + 1 } ?? 0)
            pairs["entries"] = .array(tail.entries.map(\.json))
        }
        return .object(pairs)
    }
}

extension Entry {
    fileprivate var bodyText: String {
        switch body {
        case .inline(let bytes): "\(bytes.count) bytes inline"
        case .stored(let byteCount): "\(byteCount) bytes beside it"
        }
    }

    fileprivate var json: JSONText {
        .object([
            "body": .string("\(bodyID)"), "kind": .string("\(kind)"),
            "previousHash": .string("\(previousHash)"),
            "revision": .number(revision.rawValue),
            "wallMilliseconds": .number(wallMilliseconds),
        ])
    }
}

extension ReplicaReport.State {
    fileprivate var text: String {
        switch self {
        case .holds(let digest, let ballot?): "holds \(digest) at ballot \(ballot)"
        case .holds(let digest, nil): "holds \(digest)"
        case .holdsBlock(let holding):
            "holds version \(holding.version?.revision ?? .zero), \(holding.pends.count) pends"
        case .lacks: "lacks it"
        case .unreachable: "did not answer"
        case .refuses(let error): "refuses: \(error)"
        }
    }
}
