import Testing

/// Whoever switches the compiler's checks off says why that is right.
enum SafetyCommentRule {
    static let mark = "// SAFETY:"
    /// A comment as far away as this still belongs to the declaration.
    static let distanceMax = 3

    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter(\.isSwift).flatMap { file in
            let lines = file.lines
            return file.code.lines.enumerated().compactMap { index, code -> Violation? in
                guard code.contains("@unchecked Sendable") || code.contains("nonisolated(unsafe)")
                else { return nil }
                let near = lines[
                    max(0, index - distanceMax)..<min(lines.count, index + distanceMax + 1)]
                if near.contains(where: { $0.contains(mark) }) { return nil }
                return Violation(
                    path: file.path, line: index + 1,
                    message: "say in a `\(mark)` line beside it why this is safe")
            }
        }
    }
}

@Suite struct SafetyCommentTests {
    @Test("Every unchecked promise to the compiler has its reason beside it")
    func repository() {
        expectNone(SafetyCommentRule.violations(in: Repository.files))
    }

    @Test("A promise without a reason is found, one with a reason is not")
    func planted() {
        func count(_ text: String) -> Int {
            SafetyCommentRule.violations(in: [ConventionTests.planted(text)]).count
        }
        #expect(count("final class A: @unchecked Sendable {}") == 1)
        #expect(count("nonisolated(unsafe) var a = 1") == 1)
        #expect(count("// SAFETY: one thread\n\n\n\nnonisolated(unsafe) var a = 1") == 1)
        #expect(count("// SAFETY: one thread\nfinal class A: @unchecked Sendable {}") == 0)
        #expect(count("class A: @unchecked Sendable {\n    // SAFETY: one thread\n}") == 0)
        #expect(count("// never @unchecked Sendable") == 0)
    }
}
