import Foundation

/// The coverage marks and buggify points of the sources, as they stand there.
enum MarkNames {
    /// Marks that no world passes, each with the reason. One that is passed does not belong here.
    static let notReached = [
        "ballots.newProposer": "it takes 2³² ballots",
        "blockPend.outstanding": "proxies mind no other pends",
        "blockRead.damaged": "a replica's own check comes before",
        "blockReplica.outstanding": "proxies mind no other pends",
        "coordinator.audit.heals": "clients of worlds audit registers only",
        "disk.synced.dropped": "worlds take a whole disk back, not the last syncs of a crash",
        "fetch.damaged": "a replica's own check comes before",
        "registerChecker.undecided": "histories are short enough to be followed",
        "writer.batchFull": "no outcome is as large as a body",
        "writer.batchTooLarge": "no action is as large as an attempt",
    ]

    /// How often two hundred worlds pass the rarest marks at least, and why not more often.
    static let rare: [String: (countMin: Int, reason: String)] = [
        "blockReplica.repair": (3, "the version read has to be the damaged one, and still listed"),
        "buggify.diary.pageOfOne": (1, "a diary has to be read while the point is active"),
        "coordinator.audit.renews": (0, "an audit has to meet a replica that missed a value"),
        "disk.stale": (3, "only what was written within the last 16 syncs has an earlier value"),
        "lists.unknownHappened": (3, "the effect of an answer that was lost has to be seen"),
        "proposer.goneInDoubt": (
            3, "a drop has to overtake an attempt that was accepted somewhere"
        ),
        "writer.actionFailed": (1, "one block has to be unreadable, and the others not"),
        "writer.landedEarlier": (0, "a payload has to land, lose its answer and be aimed anew"),
        "writer.setAside": (1, "one block has to be unreadable, and the others not"),
        "writer.notFinal": (0, "a walk has to clear a life that a proxy takes for alive"),
    ]

    static func isFault(_ name: String) -> Bool {
        name.hasPrefix("world.") || name.hasPrefix("disk.") || name.hasPrefix("journal.")
    }

    static let all: [String] = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let sources = root.appendingPathComponent("Sources")
        let files = FileManager.default.enumerator(atPath: sources.path)?.compactMap {
            $0 as? String
        }
        var names: Set<String> = []
        for file in files ?? [] where file.hasSuffix(".swift") {
            let path = sources.appendingPathComponent(file)
            guard let text = try? String(contentsOf: path, encoding: .utf8) else { continue }
            for match in text.matches(of: #/\b(?:mark|buggify)\("(?<name>[^"\\]+)"\)/#) {
                names.insert(String(match.output.name))
            }
            for match in text.matches(of: #/case \.\w+(?:, \.\w+)*: "(?<name>world\.[^"]+)"/#) {
                names.insert(String(match.output.name))
            }
        }
        return names.sorted()
    }()
}
