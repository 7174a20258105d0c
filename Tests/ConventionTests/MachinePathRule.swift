import Testing

/// Nothing in the repository depends on one machine or one registry. The patterns are written in
/// parts, so that this file does not break its own rule.
enum MachinePathRule {
    /// Folders of a machine. Found where a path begins, not inside of a word or of another path.
    static let folders = [
        "/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "/mn" + "t/",
    ]
    static let names = [
        ".lib" + "rary/", "py" + "pi.org", "registry.npm" + "js.org", "crates" + ".io",
        "proxy.gol" + "ang.org", "deb.deb" + "ian.org", "files.pythonho" + "sted.org",
        "index.docker" + ".io", "regist" + "ry-1.docker", "rubyg" + "ems.org",
    ]

    static func violations(in files: [TextFile]) -> [Violation] {
        files.flatMap { file -> [Violation] in
            let folders = folders.filter(file.mentions)
            let names = names.filter(file.mentions)
            if folders.isEmpty && names.isEmpty { return [] }
            return file.lines.enumerated().compactMap { index, line in
                let found =
                    folders.first { beginsPath($0, in: line) } ?? names.first { line.contains($0) }
                return found.map {
                    Violation(
                        path: file.path, line: index + 1,
                        message: "`\($0)` belongs to one machine; use a path relative to the "
                            + "repository, a temporary folder or a setting")
                }
            }
        }
    }

    private static func beginsPath(_ folder: String, in line: Substring) -> Bool {
        line.ranges(of: folder).contains { range in
            guard let before = line[..<range.lowerBound].last else { return true }
            return !(before.isLetter || before.isNumber || "_-./)}*".contains(before))
        }
    }
}

@Suite struct MachinePathTests {
    @Test("No file names a folder of one machine or the host of a registry")
    func repository() {
        expectNone(MachinePathRule.violations(in: Repository.files))
    }

    @Test(
        "Each is found in any text file", arguments: MachinePathRule.folders + MachinePathRule.names
    )
    func planted(text: String) {
        for line in ["path = \(text)x", "\"\(text)x\"", "\(text)x"] {
            let file = ConventionTests.planted("a\n\(line)", at: "deploy/a.conf")
            #expect(MachinePathRule.violations(in: [file]).map(\.line) == [2], "\(line)")
        }
    }

    @Test("A relative path that contains such a name is none")
    func relative() {
        for folder in MachinePathRule.folders {
            let file = ConventionTests.planted("Sources\(folder)x and frame\(folder.dropFirst())x")
            #expect(MachinePathRule.violations(in: [file]).isEmpty)
        }
    }
}
