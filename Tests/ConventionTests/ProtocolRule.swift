import Testing

/// The protocol's pages say what each rule prevents, how that is shown, and by which test; sources
/// and tests cite the rules by name.
enum ProtocolRule {
    static let folder = "Sources/OptimysticCore/OptimysticCore.docc/"
    private static let bugsPath = "Sources/BlockRuntime/PlantedBug.swift"

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
                for match in line.matches(of: wordPattern)
                where bugs?.mentions("case \(match.word)\n") != true {
                    problems.append("names the planted bug \(match.word), which does not exist")
                }
            }
            let names = rule.body.compactMap { $0.wholeMatch(of: testPattern)?.name }
            if names.isEmpty { problems.append("names no test") }
            for name in names where !tests.contains(where: { $0.mentions("\"\(name)\"") }) {
                problems.append("names the test \"\(name)\", which does not exist")
            }
            return problems.map { violation(rule, $0) }
        }
    }

    private static func violation(_ rule: Rule, _ problem: String) -> Violation {
        Violation(path: rule.path, line: rule.line, message: "rule \(rule.name) \(problem)")
    }

    /// Citations of rules that are in no page.
    static func violations(inCitationsOf files: [TextFile]) -> [Violation] {
        let names = Set(files.filter { $0.path.hasPrefix(folder) }.flatMap(rules).map(\.name))
        return files.filter { $0.isSwift && $0.name != "ProtocolRule.swift" }.flatMap { file in
            guard file.mentions("protocol: ") else { return [Violation]() }
            return file.lines.enumerated().flatMap { index, line in
                var problems: [String] = []
                for match in line.matches(of: citationPattern) {
                    for name in match.names.split(separator: ", ") where !names.contains("\(name)")
                    {
                        problems.append("the protocol has no rule \(name)")
                    }
                }
                return problems.map { Violation(path: file.path, line: index + 1, message: $0) }
            }
        }
    }
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
        let bugs = TextFile(path: "Sources/BlockRuntime/PlantedBug.swift", text: "    case bad\n")
        let test = TextFile(path: "Tests/A/B.swift", text: "@Test(\"It holds\")")
        let sound = """
            ### keep-it

            It is kept.
            - Without it: it is gone.
            - Planted: `bad`.
            - Test: "It holds".
            """
        func count(_ text: String) -> Int {
            let page = TextFile(path: ProtocolRule.folder + "P.md", text: text)
            return ProtocolRule.violations(inPagesOf: [bugs, test, page]).count
        }
        #expect(count(sound) == 0)
        #expect(count(sound.replacing("bad", with: "worse")) == 1)
        #expect(count(sound.replacing("It holds", with: "It fails")) == 1)
        #expect(count(sound.replacing("- Planted: `bad`.", with: "")) == 1)
        #expect(count(sound.replacing("- Without it: it is gone.", with: "")) == 1)
        #expect(count(sound + "\n\n" + sound) == 2)

        let page = TextFile(path: ProtocolRule.folder + "P.md", text: sound)
        func cited(_ comment: String) -> Int {
            ProtocolRule.violations(inCitationsOf: [page, ConventionTests.planted(comment)]).count
        }
        #expect(cited("// Durable first (protocol: keep-it).") == 0)
        #expect(cited("// Durable first (protocol: drop-it).") == 1)
    }
}
