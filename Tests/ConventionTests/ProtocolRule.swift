import Testing

/// The protocol's pages say what each rule prevents, how that is shown, and by which test; sources
/// and tests cite the rules by name. A test that guards a rule names it, and so does the bug that
/// breaks it.
enum ProtocolRule {
    static let folder = "Sources/OptimysticCore/OptimysticCore.docc/"
    private static let bugsPath = "Sources/BlockModel/Planted/PlantedBug.swift"

    nonisolated(unsafe) private static let wordPattern = #/`(?<word>[A-Za-z]+)`/#
    // SAFETY: constants, no state.
    nonisolated(unsafe) private static let testPattern = #/^- Test: "(?<name>.+)"\.$/#
    nonisolated(unsafe) private static let citationPattern =
        #/protocol: (?<names>[a-z]+(?:-[a-z]+)+(?:, [a-z]+(?:-[a-z]+)+)*)/#

    /// One rule of a page.
    struct Rule {
        let name: String
        let path: String
        let line: Int
        var body: [Substring] = []
    }

    static func rules(of page: TextFile) -> [Rule] {
        var rules: [Rule] = []
        for (index, line) in page.lines.enumerated() {
            if line.hasPrefix("### "), line.dropFirst(4).allSatisfy({ $0.isLowercase || $0 == "-" })
            {
                rules.append(Rule(name: "\(line.dropFirst(4))", path: page.path, line: index + 1))
            } else if line.hasPrefix("#") {
                rules.append(Rule(name: "", path: page.path, line: index + 1))
            } else if !rules.isEmpty {
                rules[rules.count - 1].body.append(line)
            }
        }
        return rules.filter { !$0.name.isEmpty }
    }

    /// What is missing under each rule of the pages.
    static func violations(inPagesOf files: [TextFile]) -> [Violation] {
        let rules = files.filter { $0.path.hasPrefix(folder) }.flatMap(rules)
        let bugs = files.first { $0.path == bugsPath }
        let tests = files.filter { $0.isTest && $0.isSwift }
        return rules.flatMap { rule -> [Violation] in
            func has(_ start: String) -> Bool { rule.body.contains { $0.hasPrefix(start) } }
            var problems: [String] = []
            if rules.count(where: { $0.name == rule.name }) > 1 {
                problems.append("is there twice")
            }
            if !has("- Without it: ") { problems.append("does not say what goes wrong without it") }
            if has("- Not in the code.") { return problems.map { violation(rule, $0) } }
            if !has("- Planted: "), !has("- Not planted: ") {
                problems.append("names no planted bug, and no reason why there is none")
            }
            for line in rule.body where line.hasPrefix("- Planted: ") {
                for match in line.matches(of: wordPattern) {
                    let problem = bugs.flatMap { problemOf(bug: match.word, citing: rule, in: $0) }
                    if let problem { problems.append("names the planted bug \(problem)") }
                }
            }
            let names = rule.body.compactMap { $0.wholeMatch(of: testPattern)?.name }
            if names.isEmpty { problems.append("names no test") }
            for name in names {
                // A table of tests mentions it as well.
                let found = tests.filter { $0.mentions("\"\(name)\"") }
                    .map { problemOf(test: name, citing: rule, in: $0) }
                guard let first = found.first else {
                    problems.append("names the test \"\(name)\", which does not exist")
                    continue
                }
                if let first, !found.contains(nil) {
                    problems.append("names the test \"\(name)\", \(first)")
                }
            }
            return problems.map { violation(rule, $0) }
        }
    }

    /// What is wrong with a planted bug that a rule names; nil when all is well.
    private static func problemOf(
        bug: Substring, citing rule: Rule, in file: TextFile
    ) -> String? {
        guard let index = file.lines.firstIndex(of: "    case \(bug)") else {
            return "\(bug), which does not exist"
        }
        return isCited(rule.name, above: index, in: file)
            ? nil : "\(bug), whose comment does not cite it (protocol: \(rule.name))"
    }

    /// Likewise of a test.
    private static func problemOf(
        test: Substring, citing rule: Rule, in file: TextFile
    ) -> String? {
        guard var index = file.lines.firstIndex(where: { $0.contains("\"\(test)\"") }) else {
            return nil
        }
        while index > 0, !file.lines[index].contains("@Test") { index -= 1 }
        return isCited(rule.name, above: index, in: file)
            ? nil : "which does not cite it in the line above (// protocol: \(rule.name))"
    }

    /// Whether the comment above a line names a rule.
    private static func isCited(_ rule: String, above index: Int, in file: TextFile) -> Bool {
        let comment = file.lines[..<index].reversed().prefix { line in
            line.drop(while: { $0 == " " }).hasPrefix("//")
        }
        return comment.contains { line in
            line.split(whereSeparator: { " ,().:".contains($0) }).contains { $0 == rule }
        }
    }

    private static func violation(_ rule: Rule, _ problem: String) -> Violation {
        Violation(path: rule.path, line: rule.line, message: "rule \(rule.name) \(problem)")
    }

    /// Citations of rules that are in no page, and of sections that were before there were pages.
    static func violations(inCitationsOf files: [TextFile]) -> [Violation] {
        let names = Set(files.filter { $0.path.hasPrefix(folder) }.flatMap(rules).map(\.name))
        return files.filter(mayCite).flatMap { file in
            var found: [Violation] = []
            for (index, line) in file.lines.enumerated() {
                func report(_ message: String) {
                    found.append(Violation(path: file.path, line: index + 1, message: message))
                }
                if hasOldForm(line) {
                    report("cite a rule by its name (protocol: rule-name), not by a number")
                }
                for name in citations(at: index, of: file) where !names.contains(name) {
                    report("the protocol has no rule \(name)")
                }
            }
            return found
        }
    }

    private static func mayCite(_ file: TextFile) -> Bool {
        let isProse = file.path == HazardsRule.path || file.path == "Tests/README.md"
        return (file.isSwift || isProse) && file.name != "ProtocolRule.swift"
    }

    /// The rules that the citation beginning in a line names, also where it goes on in the next.
    private static func citations(at index: Int, of file: TextFile) -> [String] {
        let line = file.lines[index]
        guard line.contains("protocol: ") else { return [] }
        var text = String(line)
        var next = index + 1
        while text.last == ",", next < file.lines.count {
            text += " " + file.lines[next].drop { " /".contains($0) }
            next += 1
        }
        return text.matches(of: citationPattern).flatMap { match in
            match.names.split(separator: ", ").map(String.init)
        }
    }

    /// Sections and letters of the paper that these pages were made from.
    private static func hasOldForm(_ line: Substring) -> Bool {
        // A regular expression over every line takes seconds: first a look for a letter and digit.
        var previous: UInt8 = 0
        let isCandidate = line.utf8.contains { byte in
            defer { previous = byte }
            return (48...57).contains(byte) && ((65...90).contains(previous) || previous == 32)
        }
        return isCandidate && line.contains(oldForms)
    }

    nonisolated(unsafe) private static let oldForms =  // SAFETY: a constant, no state.
        #/
        protocol\ [A-Z]\d | \bC(?:5|1[0-2])\.\d | C11\ A\d | \(rule\ \d | planted\ bugs?\ [A-Z]\d
        | \((?:[NQDSMFXEALC]\d{1,2}(?:\.\d+)?(?:,\ )?)+\)
        /#
}

@Suite struct ProtocolRuleTests {
    @Test("Every rule of the protocol says what it prevents and names a test that exists")
    func pages() {
        expectNone(ProtocolRule.violations(inPagesOf: Repository.files))
        let pages = Repository.files.filter { $0.path.hasPrefix(ProtocolRule.folder) }
        #expect(pages.flatMap(ProtocolRule.rules).count > 50)
    }

    @Test("Every rule of the protocol that a source or test cites exists")
    func citations() {
        expectNone(ProtocolRule.violations(inCitationsOf: Repository.files))
    }

    @Test("A rule without a test, with one that is not there, and a wrong citation are found")
    func planted() {
        let bugsPath = "Sources/BlockModel/Planted/PlantedBug.swift"
        let bugs = TextFile(
            path: bugsPath, text: "    /// Bad (protocol: keep-it).\n    case bad\n")
        let test = TextFile(
            path: "Tests/A/B.swift", text: "// protocol: keep-it\n@Test(\n\"It holds\")")
        let sound = """
            ### keep-it

            It is kept.
            - Without it: it is gone.
            - Planted: `bad`.
            - Test: "It holds".
            """
        func count(_ text: String, _ test: TextFile = test, _ bugs: TextFile = bugs) -> Int {
            let page = TextFile(path: ProtocolRule.folder + "P.md", text: text)
            return ProtocolRule.violations(inPagesOf: [bugs, test, page]).count
        }
        #expect(count(sound) == 0)
        #expect(count(sound.replacing("bad", with: "worse")) == 1)
        #expect(count(sound.replacing("It holds", with: "It fails")) == 1)
        #expect(count(sound.replacing("- Planted: `bad`.", with: "")) == 1)
        #expect(count(sound.replacing("- Without it: it is gone.", with: "")) == 1)
        #expect(count(sound + "\n\n" + sound) == 2)
        #expect(count(sound, TextFile(path: test.path, text: "@Test(\"It holds\")")) == 1)
        #expect(count(sound, test, TextFile(path: bugsPath, text: "    case bad\n")) == 1)

        let page = TextFile(path: ProtocolRule.folder + "P.md", text: sound)
        func cited(_ comment: String) -> Int {
            ProtocolRule.violations(inCitationsOf: [page, ConventionTests.planted(comment)]).count
        }
        #expect(cited("// Durable first (protocol: keep-it).") == 0)
        #expect(cited("// Durable first (protocol: drop-it).") == 1)
        #expect(cited("// Durable first (protocol: keep-it,\n// drop-it).") == 1)
        for old in ["protocol C5.13", "C12.1", "(N9)", "(rule 6)", "(Q1, Q2)", "(A2.2)"] {
            #expect(cited("// Durable first: \(old).") == 1)
        }
    }
}
