import Testing

/// The hazards page names files, tests and planted bugs: all of them exist.
enum HazardsRule {
    static let path = "Tests/HAZARDS.md"

    nonisolated(unsafe) private static let namePattern =  // SAFETY: a constant, no state.
        #/`(?<path>(?:Sources|Tests|Protos)/[^`]+)`(?: "(?<test>[^"]+)")?/#
    nonisolated(unsafe) private static let wordPattern =  // SAFETY: a constant, no state.
        #/`(?<word>[A-Za-z]+)`/#
    private static let bugsPath = "Sources/BlockModel/Planted/PlantedBug.swift"

    /// - Parameter files: Of the repository, the page among them or not.
    static func violations(in page: TextFile, files: [TextFile]) -> [Violation] {
        let bugs = files.first { $0.path == bugsPath }
        return page.lines.enumerated().flatMap { index, line -> [Violation] in
            var problems: [String] = []
            for match in line.matches(of: namePattern) {
                guard let file = files.first(where: { $0.path == match.path }) else {
                    problems.append("there is no file \(match.path)")
                    continue
                }
                if let test = match.test, !file.mentions("\"\(test)\"") {
                    problems.append("\(match.path) has no test \"\(test)\"")
                }
            }
            // The last column of a row of six.
            let columns = line.split(separator: "|", omittingEmptySubsequences: false)
            for match in columns.count == 8 ? columns[6].matches(of: wordPattern) : []
            where bugs?.mentions("case \(match.word)\n") != true {
                problems.append("there is no planted bug \(match.word)")
            }
            return problems.map { Violation(path: page.path, line: index + 1, message: $0) }
        }
    }
}

@Suite struct HazardsTests {
    @Test("Every file, test and planted bug that the hazards page names exists")
    func repository() throws {
        let page = try #require(Repository.files.first { $0.path == HazardsRule.path })
        expectNone(HazardsRule.violations(in: page, files: Repository.files))
        let rows = page.lines.count { $0.contains("| `Sources/") }
        #expect(rows > 20)
    }

    @Test("A name of nothing is found")
    func planted() {
        let files = [
            TextFile(path: "Sources/A/B.swift", text: "struct B {}"),
            TextFile(path: "Tests/A/BTests.swift", text: "@Test(\"It holds\")"),
            TextFile(path: "Sources/BlockModel/Planted/PlantedBug.swift", text: "    case bad\n"),
        ]
        func count(_ row: String) -> Int {
            HazardsRule.violations(in: TextFile(path: HazardsRule.path, text: row), files: files)
                .count
        }
        let sound =
            "| L1 | h | r | `Sources/A/B.swift` | `Tests/A/BTests.swift` \"It holds\" | `bad` |"
        #expect(count(sound) == 0)
        #expect(count(sound.replacing("B.swift", with: "C.swift")) == 1)
        #expect(count(sound.replacing("It holds", with: "It fails")) == 1)
        #expect(count(sound.replacing("`bad`", with: "`worse`")) == 1)
    }
}
