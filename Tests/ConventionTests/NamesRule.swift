import Testing

/// A type or file is named by a noun that says what it is.
enum NamesRule {
    private static let emptyEndings = [
        "Impl", "Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities",
        "V2", "V3", "New", "Old",
    ]

    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter { $0.isSwift && !$0.isGenerated }.flatMap { file -> [Violation] in
            let base = file.name.dropLast(".swift".count)
            var found: [Violation] = []
            if let objection = objection(to: String(base)) {
                found.append(Violation(path: file.path, line: 0, message: objection))
            }
            for (index, line) in file.code.lines.enumerated() {
                for match in line.matches(of: declarationPattern) {
                    guard let objection = objection(to: String(match.name)) else { continue }
                    found.append(Violation(path: file.path, line: index + 1, message: objection))
                }
            }
            return found
        }
    }

    private static func objection(to name: String) -> String? {
        if let ending = emptyEndings.first(where: { name.hasSuffix($0) }) {
            return "\(name): `\(ending)` says nothing; name it by what it is"
        }
        if name.hasPrefix("New") { return "\(name): a name is no changelog; delete the old one" }
        let second = name.dropFirst()
        if name.hasPrefix("I"), second.first?.isUppercase == true,
            second.dropFirst().first?.isLowercase == true
        {
            return "\(name): a protocol is a noun or an adjective, without an I"
        }
        return nil
    }

    nonisolated(unsafe) private static let declarationPattern =  // SAFETY: a constant, no state.
        #/\b(?:struct|class|enum|protocol|actor|typealias)\s+(?<name>[A-Z]\w*)/#
        .wordBoundaryKind(.simple)
}

@Suite struct NamesTests {
    @Test("No type and no file has an empty name")
    func repository() {
        expectNone(NamesRule.violations(in: Repository.files))
    }

    @Test(
        "An empty name is found",
        arguments: [
            "protocol IStore {}", "struct StoreImpl {}", "final class PeerManager {}",
            "enum TextUtils {}", "actor SocketHelper {}", "struct TailV2 {}", "struct NewTail {}",
            "typealias BytesUtil = Int",
        ])
    func planted(code: String) {
        #expect(NamesRule.violations(in: [ConventionTests.planted(code)]).count == 1)
    }

    @Test("A file with an empty name is found")
    func plantedFile() {
        let file = ConventionTests.planted("", at: "Sources/BlockModel/BlockHelpers.swift")
        #expect(NamesRule.violations(in: [file]).count == 1)
    }

    @Test(
        "A noun is not",
        arguments: [
            "struct Identifier128 {}", "enum IOFailure {}", "struct Instant {}",
            "class func make() {}",
            "struct Intent {}", "// struct FooManager", "struct Renewal {}",
        ])
    func nouns(code: String) {
        #expect(NamesRule.violations(in: [ConventionTests.planted(code)]).isEmpty)
    }
}
