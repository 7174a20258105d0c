import Testing

/// A function that says that it is inlinable is so only in a type that other targets' code may be
/// made of: of any other `package` type the compiler keeps no function for them, and says nothing.
enum InlinableRule {
    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter { $0.isSwift && $0.path.hasPrefix("Sources/") }.flatMap { file in
            var found: [Violation] = []
            var type: (line: Int, name: Substring, isUsable: Bool)?
            for (index, line) in file.code.lines.enumerated() {
                if let match = line.prefixMatch(of: declaration) {
                    let before = index > 0 ? file.code.lines[index - 1] : ""
                    let isUsable = "\(before) \(line)".contains("@usableFromInline")
                    type = (index + 1, match.name, isUsable)
                } else if line == "}" {
                    type = nil
                } else if line.contains("@inlinable"), let outer = type, !outer.isUsable {
                    let message = "\(outer.name) is not @usableFromInline: this is not inlined"
                    found.append(Violation(path: file.path, line: index + 1, message: message))
                }
            }
            return found
        }
    }

    nonisolated(unsafe) private static let declaration =  // SAFETY: a constant, no state.
        #/(?:@\w+ )*package (?:final )?(?:struct|enum|class) (?<name>\w+)/#
}

@Suite struct InlinableTests {
    @Test("What is inlinable stands in a type that other targets' code may be made of")
    func repository() {
        expectNone(InlinableRule.violations(in: Repository.files))
    }

    @Test("An inlinable function of a type that no other target sees inside is found")
    func planted() {
        func count(_ text: String) -> Int {
            InlinableRule.violations(in: [ConventionTests.planted(text)]).count
        }
        let body = "package struct A {\n    @inlinable package func b() {}\n}"
        #expect(count(body) == 1)
        #expect(count("@usableFromInline\n" + body) == 0)
        #expect(count("@usableFromInline " + body) == 0)
        #expect(count("package struct A {\n}\n@inlinable\npackage func b() {}") == 0)
    }
}
