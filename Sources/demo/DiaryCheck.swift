import BlockModel
import BlockRuntime
import Foundation

/// Compares what another process read with what was to be written.
struct DiaryCheck {
    private var missing: [String] = []
    private var doubled: [String] = []
    private var foreign: [String] = []
    /// Writers whose entries are not in the order in which they wrote them.
    private var unordered: [Int] = []

    /// What is wrong; nil when nothing is.
    var problem: String? {
        let findings = [
            ("missing", missing), ("there more than once", doubled),
            ("not written by anybody", foreign),
            ("out of their writer's order", unordered.map { "writer \($0)" }),
        ]
        let texts = findings.filter { !$0.1.isEmpty }.map { what, items in
            "\(items.count) \(what): \(items.prefix(10).joined(separator: ", "))"
        }
        return texts.isEmpty ? nil : texts.joined(separator: "; ")
    }

    /// - Parameter output: What `optimystic --output json diary read` printed.
    /// - Throws: `.valueUndecodable` for a line that is no entry.
    init(output: String, expected codes: [String]) throws {
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
            counts[entry.code, default: 0] += 1
            if entry.sequence != lastSequences[entry.writer, default: 0] + 1,
                !unordered.contains(entry.writer)
            {
                unordered.append(entry.writer)
            }
            lastSequences[entry.writer] = entry.sequence
        }
        for code in codes {
            let count = counts.removeValue(forKey: code) ?? 0
            if count == 0 { missing.append(code) }
            if count > 1 { doubled.append(code) }
        }
        foreign = counts.keys.sorted()
    }
}

/// One entry of the diary.
struct LanguageEntry: Codable, Hashable, Sendable {
    let writer: Int
    /// Counts the entries of the writer, from 1.
    let sequence: Int
    let code: String
    let name: String
}
