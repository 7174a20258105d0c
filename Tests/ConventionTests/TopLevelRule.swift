import Foundation
import Testing

/// What stands at the top of the repository: what a compiler leaves there is not to be committed.
enum TopLevelRule {
    static let names: Set<String> = [
        "Makefile", "Package.swift", "Protos", "README.md", "Sources", "Tests", "deploy",
    ]

    /// What is there besides, but for what begins with a dot and what packages resolve to.
    static func surplus(in found: [String]) -> [String] {
        found.filter {
            !$0.hasPrefix(".") && $0 != "Package.resolved" && !names.contains($0)
        }.sorted()
    }
}

@Suite struct TopLevelTests {
    @Test("At the top stands what belongs there, and nothing else")
    func repository() throws {
        let found = try FileManager.default.contentsOfDirectory(atPath: Repository.root.path)
        #expect(TopLevelRule.surplus(in: found) == [])
        #expect(TopLevelRule.names.isSubset(of: found))
    }

    @Test("What a compiler leaves at the top is found")
    func planted() {
        #expect(
            TopLevelRule.surplus(in: ["Makefile", "BlockModel.h", ".build", "x.dia"])
                == ["BlockModel.h", "x.dia"])
    }
}
