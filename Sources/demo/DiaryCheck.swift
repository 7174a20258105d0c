import BlockRuntime
import Foundation

/// Compares what another process read with what was to be written.
struct DiaryCheck {
    private(set) var entryCount = 0
    private(set) var missing: [String] = []
    private(set) var doubled: [String] = []
    private(set) var foreign: [String] = []
    /// Writers whose entries are not in the order in which they wrote them.
    private(set) var unordered: [Int] = []

    var isPassed: Bool {
        missing.isEmpty && doubled.isEmpty && foreign.isEmpty && unordered.isEmpty
    }

    /// - Parameter output: What `optimystic --output json diary read` printed.
    /// - Throws: `.valueUndecodable` for a line that is no entry.
    init(output: String, expected languages: [Language]) throws {
        struct Line: Decodable {
            let value: LanguageEntry
        }
        var counts: [String: Int] = [:]
        var lastSequences: [Int: Int] = [:]
        let decoder = JSONDecoder()
        for line in output.split(separator: "\n") {
            guard let entry = try? decoder.decode(Line.self, from: Data(line.utf8)).value else {
                throw DatabaseError(.valueUndecodable, "not an entry: \(line.prefix(200))")
            }
            entryCount += 1
            counts[entry.code, default: 0] += 1
            if entry.sequence != lastSequences[entry.writer, default: 0] + 1,
                !unordered.contains(entry.writer)
            {
                unordered.append(entry.writer)
            }
            lastSequences[entry.writer] = entry.sequence
        }
        for language in languages {
            let count = counts.removeValue(forKey: language.code) ?? 0
            if count == 0 { missing.append(language.code) }
            if count > 1 { doubled.append(language.code) }
        }
        foreign = counts.keys.sorted()
    }
}
