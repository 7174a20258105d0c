import Foundation

/// The coverage marks and buggify points of the sources, as they stand there.
enum MarkNames {
    /// Marks that no world passes, each with the reason. One that is passed does not belong here.
    static let notReached = [
        "ballots.newProposer": "it takes 2³² ballots",
        "blockPend.outstanding": "proxies mind no other pends",
        "blockRead.damaged": "a replica's own check comes before",
        "blockReplica.outstanding": "proxies mind no other pends",
        "disk.synced.dropped": "worlds take a whole disk back, not the last syncs of a crash",
        "fetch.damaged": "a replica's own check comes before",
        "registerChecker.undecided": "histories are short enough to be followed",
        "writer.batchFull": "no outcome is as large as a body",
        "writer.batchTooLarge": "no action is as large as an attempt",
    ]

    /// Marks that some thousand worlds pass and two hundred may not.
    static let rare = [
        "writer.landedEarlier": "the same payload has to land, lose its answer and be aimed anew",
        "writer.notFinal": "a walk has to remove the pends of a life that a proxy takes for alive",
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
