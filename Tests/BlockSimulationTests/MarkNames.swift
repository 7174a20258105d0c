import Foundation

/// The coverage marks and buggify points of the sources, as they stand there.
enum MarkNames {
    /// Marks that no world passes, each with the reason. One that is passed does not belong here.
    static let notReached = [
        "ballots.newProposer": "it takes 2³² ballots",
        "coordinator.blockedByDecision": "no client of a world drops what decides transactions",
        "coordinator.claims.refused": "the clients of worlds tell the truth about the log",
        "resolution.vanished": "no home of a world is dropped or truncated",
        "tail.truncated": "no client of a world truncates history",
        "registerChecker.undecided": "histories are short enough to be followed",
    ]

    /// How often two hundred worlds pass the rarest marks at least, and why not more often.
    static let rare: [String: (countMin: Int, reason: String)] = [
        "buggify.coordinator.impatient": (
            3, "an intent has to be met while the point is active"
        ),
        "buggify.diary.pageOfOne": (3, "a diary has to be read while the point is active"),
        "buggify.pendWalk.impatient": (0, "a dead pend has to be met while the point is active"),
        "buggify.writer.smallBatch": (3, "actions have to wait together while the point is active"),
        "buggify.writer.smallBody": (3, "actions have to wait together while the point is active"),
        "customChecker.refused": (3, "a client has to take a refusal for a no, and let go"),
        "customs.landedEarlier": (
            0, "a sync has to lose its answer, and an update to be called before the next sync"
        ),
        "disk.stale": (3, "a disk that lies has to be read where it was written twice"),
        "lists.unknownHappened": (3, "the effect of an answer that was lost has to be seen"),
        "pendWalk.fenced": (0, "nobody may write for ten seconds where a dead pend lies"),
        "proposer.goneInDoubt": (0, "a drop has to overtake an attempt accepted somewhere"),
        "proxy.createdAndDropped": (0, "a creation's answer has to be lost, and its life to end"),
        "tail.commit.fenced": (0, "a fenced attempt has to be sent again"),
        "tail.fence.occupies": (0, "as many attempts as a fence holds have to die at one revision"),
        "transaction.failed": (0, "a home has to be out of reach, and to come back in time"),
        "transaction.landedEarlier": (
            0, "a transaction has to lose its answer, and to be sent again"
        ),
        "tree.branchShare": (3, "a tree has to have three levels, and to lose a part of them"),
        "tree.emptied": (3, "the last of a tree's keys has to be deleted"),
        "world.crash.atStep": (3, "only worlds that look for torn writes have services die so"),
        "writer.actionFailed": (3, "one block has to be unreadable, and the others not"),
        "writer.batchFull": (3, "actions have to wait together while the point is active"),
        "writer.batchTooLarge": (3, "large actions have to wait together"),
        "writer.fenced": (0, "a fenced attempt has to be sent again"),
        "writer.landedEarlier": (0, "a payload has to land, lose its answer and be aimed anew"),
        "writer.notFinal": (3, "a walk has to clear a life that a proxy takes for alive"),
        "writer.setAside": (3, "one block has to be unreadable, and the others not"),
        "writer.unreadableBlock": (3, "one block has to be unreadable, and the others not"),
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
