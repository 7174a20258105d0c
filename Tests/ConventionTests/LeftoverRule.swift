import Testing

/// Marks of unfinished work, in any text file. Work that is not done is an issue, not a comment.
enum LeftoverRule {
    /// Written in parts, so that this file does not break its own rule.
    static let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    static let phrases = [
        "for " + "now", "st" + "ub", "tempo" + "rarily",
    ]

    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter { !$0.isGenerated }.flatMap { file -> [Violation] in
            let words = words.filter(file.mentions)
            if words.isEmpty && !file.isSwift { return [] }
            return file.lines.enumerated().compactMap { index, line -> Violation? in
                let found =
                    words.first { contains($0, in: line) }
                    ?? (file.isSwift ? phrase(in: line) : nil)
                return found.map {
                    Violation(
                        path: file.path, line: index + 1,
                        message: "`\($0)`: finish it, or open an issue and remove the mark")
                }
            }
        }
    }

    /// Phrases count in comments only: a name or a text may well contain one.
    private static func phrase(in line: Substring) -> String? {
        guard let comment = line.firstRange(of: "//") else { return nil }
        let words = line[comment.upperBound...].lowercased()
        return phrases.first { contains($0, in: words[...]) }
    }

    /// `word` with no letter or digit on either side.
    private static func contains(_ word: String, in line: Substring) -> Bool {
        line.ranges(of: word).contains { range in
            let before = line[..<range.lowerBound].last
            let after = line[range.upperBound...].first
            return !isWordCharacter(before) && !isWordCharacter(after)
        }
    }

    private static func isWordCharacter(_ character: Character?) -> Bool {
        character.map { $0.isLetter || $0.isNumber } ?? false
    }
}

@Suite struct LeftoverTests {
    @Test("Nothing is marked as unfinished")
    func repository() {
        expectNone(LeftoverRule.violations(in: Repository.files))
    }

    @Test("Each mark is found, in any text file", arguments: LeftoverRule.words)
    func planted(word: String) {
        for path in ["Sources/A/P.swift", "Makefile", "Protos/a.proto"] {
            let file = ConventionTests.planted("a\n# \(word): later", at: path)
            #expect(LeftoverRule.violations(in: [file]).map(\.line) == [2])
        }
        let other = ConventionTests.planted("a\(word)b")
        #expect(LeftoverRule.violations(in: [other]).isEmpty)
    }

    @Test(
        "Each phrase is found in a comment and left alone in code", arguments: LeftoverRule.phrases)
    func plantedPhrase(phrase: String) {
        let comment = ConventionTests.planted("let a = 1 // \(phrase.uppercased()), one only")
        #expect(LeftoverRule.violations(in: [comment]).count == 1)
        let code = ConventionTests.planted("let a = \"\(phrase)\"")
        #expect(LeftoverRule.violations(in: [code]).isEmpty)
    }
}
