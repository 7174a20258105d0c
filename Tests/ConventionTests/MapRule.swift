import Testing

/// README's map of the house and the package say the same. `.ci/map --readme` mends the map.
enum MapRule {
    private struct Row {
        let line: Int
        let level: Int?
        let names: [String]
        let needs: Set<String>
    }

    static func violations(in readme: TextFile, of package: PackageManifest) -> [Violation] {
        let rows = rows(of: readme)
        var found = rows.flatMap { row in
            problems(row, of: package).map {
                Violation(path: readme.path, line: row.line, message: $0)
            }
        }
        let named = rows.flatMap(\.names)
        for (name, target) in package.targets.sorted(by: { $0.key < $1.key })
        where target.kind != .tests && named.count(where: { $0 == name }) != 1 {
            if PackageManifest.testSupport.contains(name) { continue }
            found.append(
                Violation(
                    path: readme.path, line: 0,
                    message: "target \(name) does not stand in the map once: `.ci/map --readme`"))
        }
        return found
    }

    private static func problems(_ row: Row, of package: PackageManifest) -> [String] {
        let unknown = row.names.filter { package.targets[$0] == nil }
        guard unknown.isEmpty else { return ["the package has no target \(unknown)"] }
        var problems: [String] = []
        if row.names.contains(where: { package.level(of: $0) != row.level }) {
            problems.append("\(row.names) is on another level: `.ci/map --readme`")
        }
        if Set(row.names.flatMap(package.foundation)) != row.needs {
            problems.append("\(row.names) stands on other targets: `.ci/map --readme`")
        }
        return problems
    }

    private static func rows(of readme: TextFile) -> [Row] {
        readme.lines.enumerated().compactMap { index, line in
            guard let match = line.wholeMatch(of: rowPattern) else { return nil }
            let names = match.names.split(separator: ", ").map { name in
                name.filter { $0 != "`" }
            }
            let needs = match.needs == "–" ? [] : match.needs.split(separator: " ")
            return Row(
                line: index + 1, level: Int(match.level), names: names,
                needs: Set(needs.map(String.init)))
        }
    }

    /// Folders that are no target, and targets that are in no folder.
    static func violations(in files: [TextFile], of package: PackageManifest) -> [Violation] {
        let folders = Set(files.filter { $0.isSwift && !$0.isPackage }.compactMap(\.target))
        let known = Set(package.targets.filter { $0.value.kind != .foreign }.keys)
        return folders.symmetricDifference(known).sorted().map {
            Violation(
                path: "Package.swift", line: 0,
                message: "\($0) is a target without sources, or sources without a target"
            )
        }
    }

    nonisolated(unsafe) private static let rowPattern =  // SAFETY: a constant without state.
        #/\| (?<level>\d+) \| (?<names>`[^|]+`) \| (?<needs>[^|]+) \| [^|]+ \|/#
}

extension TextFile {
    fileprivate var isPackage: Bool { path == "Package.swift" }
}

@Suite struct MapTests {
    @Test("README's map shows each target once, on its level, with what it stands on")
    func repository() throws {
        let readme = try #require(Repository.files.first { $0.path == "README.md" })
        expectNone(MapRule.violations(in: readme, of: .repository))
        expectNone(MapRule.violations(in: Repository.files, of: .repository))
    }

    @Test("A map that says another level or another need, or leaves a target out, is found")
    func planted() {
        let package = PackageManifest(
            text: """
                let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
                .systemLibrary(name: "C"), // library("X", [])
                library("A", [log]), library("B", ["A", "C"]), executable("run", ["B", "A"]),
                tests("BTests", ["A", "B"]),
                """)
        func count(_ map: String) -> Int {
            let readme = TextFile(path: "README.md", text: map)
            return MapRule.violations(in: readme, of: package).count
        }
        let map = """
            | 0 | `C` | – | foreign |
            | 0 | `A` | Logging | low |
            | 1 | `B` | A C | high |
            | 2 | `run` | B | runs |
            """
        #expect(count(map) == 0)
        #expect(count(map.replacing("| 1 |", with: "| 2 |")) == 1)
        #expect(count(map.replacing("| B |", with: "| A B |")) == 1)
        #expect(count(map.replacing("Logging", with: "–")) == 1)
        #expect(count(map.replacing("`run`", with: "`run`, `go`")) == 1)
        #expect(count(map.replacing("| 0 | `A` | Logging | low |", with: "")) == 1)
    }
}
