import Testing

/// `make help` is the list of what a person can do here, so every target has its line in it.
enum MakefileRule {
    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter { $0.name == "Makefile" || $0.path.hasSuffix(".mk") }.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                guard let target = target(of: line) else { return nil }
                let help = line.firstRange(of: "## ").map { line[$0.upperBound...] } ?? ""
                if help.contains(where: { $0.isLetter }) { return nil }
                return Violation(
                    path: file.path, line: index + 1,
                    message: "target \(target) needs `## what it does` behind it, for `make help`")
            }
        }
    }

    /// The name of the target that a rule line begins; nil for variables, recipes, special targets
    /// (`.PHONY`) and files, which nobody asks for by name.
    static func target(of line: Substring) -> String? {
        guard let match = line.firstMatch(of: rulePattern) else { return nil }
        return String(match.name)
    }

    nonisolated(unsafe) private static let rulePattern =  // SAFETY: a constant, no state.
        #/^(?<name>[a-z][a-z0-9-]*)\s*:(?![=:])/#
}

@Suite struct MakefileTests {
    @Test("Every Makefile target has a help line, and the promised ones exist")
    func repository() throws {
        expectNone(MakefileRule.violations(in: Repository.files))
        let makefiles = Repository.files.filter {
            $0.path == "Makefile" || $0.path.hasSuffix(".mk")
        }
        let targets = Set(makefiles.flatMap(\.lines).compactMap(MakefileRule.target))
        let promised: Set<String> = [
            "help", "setup", "build", "check", "test", "simulate", "fuzz", "bench", "demo",
            "cluster-up", "cluster-status", "cluster-down", "format", "lint", "clean", "load-test",
            "compose-up", "compose-down", "compose-load-test", "compose-check",
            "chaos", "determinism", "mutation-gate", "simulate-many", "models", "map",
        ]
        #expect(promised.subtracting(targets).isEmpty)
    }

    @Test("A target without help is found; variables, recipes and files are no targets")
    func planted() {
        func count(_ text: String, _ path: String = "Makefile") -> Int {
            MakefileRule.violations(in: [ConventionTests.planted(text, at: path)]).count
        }
        #expect(count("build:\n\tswift build") == 1)
        #expect(count("build: setup # Builds\n") == 1)
        #expect(count("build: setup ## \n", "Protos/protos.mk") == 1)
        #expect(count("build: setup ## Builds everything\n") == 0)
        #expect(count(".PHONY: build\nflags := a:b\nname ?= c\n\tbuild: x\nSources/a.c: b\n") == 0)
    }
}
