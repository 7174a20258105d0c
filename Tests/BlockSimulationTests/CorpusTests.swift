import BlockRuntime
import BlockSimulation
import Foundation
import Testing

#if SIMULATION_HOOKS
/// Seeds that found a bug once, one file each with what it was.
///
/// A seed is another world whenever what worlds are made of changes, so these no longer show the
/// bug they found; the unit test that came with the repair does. They are run all the same: worlds
/// that cost somebody a bug are as good as any.
@Suite struct CorpusTests {
    struct Entry: CustomTestStringConvertible, Sendable {
        let file: String
        let seed: UInt64
        let found: String

        var testDescription: String { "\(file): \(found)" }
    }

    static let entries: [Entry] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Corpus")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().map { name in
            let path = folder.appendingPathComponent(name)
            let lines = (try? String(contentsOf: path, encoding: .utf8))?.split(separator: "\n")
            let seed = lines?.first.flatMap { UInt64($0.dropFirst("seed: ".count)) }
            let found = lines?.dropFirst().first.map(String.init)
            return Entry(file: name, seed: seed ?? 0, found: found ?? "")
        }
    }()

    @Test("Every file of the corpus names a seed and what it found")
    func files() {
        #expect(CorpusTests.entries.count >= 5)
        for entry in CorpusTests.entries {
            #expect(entry.file == "seed-\(entry.seed).txt" && entry.seed > 0)
            #expect(entry.found.hasPrefix("found: ") && entry.found.count > 30, "\(entry.file)")
        }
    }

    /// The first worlds are run anyway.
    static let others = entries.filter { $0.seed > WorldTests.seedCount }

    @Test("A seed that found a bug finds none any more", arguments: CorpusTests.others)
    func sound(entry: Entry) throws {
        #expect(try World.run(seed: entry.seed).outcome == .valid)
    }
}
#endif
