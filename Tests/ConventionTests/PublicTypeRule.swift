import Testing

/// What an application sees by `import Optimystic`: these types, and no others. Everything that the
/// targets share among themselves is `package`.
///
/// Whoever makes another type public adds it here, documents it, and keeps it.
enum PublicTypeRule {
    static let seen = """
        ActionID
        ActionScope
        ActionStatus
        Block
        BlockAttribute
        BlockID
        BlockOperation
        BlockType
        BlockValue
        Bytes
        CollectionBehavior
        CollectionInfo
        CollectionKind
        CollectionPosition
        CustomCollection
        Database
        DatabaseCollection
        DatabaseError
        DatabaseURL
        Diary
        ErrorCode
        HistoryState
        Identifier128
        Incarnation
        KeyBound
        KeyDecoder
        KeyEncoder
        KeyInterval
        KeyPair
        KeyPrefix
        KeyRange
        KeyTriple
        KeyType
        Keys
        OrderedKey
        Queue
        ReadDirection
        Retention
        Revision
        RevisionVector
        SystemPath
        Transaction
        TransactionCommit
        TransactionEngine
        TransactionID
        TransactionPhase
        TransactionStatus
        Tree
        TreeCommit
        TreeEntry
        ValueCoding
        ValueEncoding
        VerificationReport
        Welcome
        """

    static let types = Set(seen.split(separator: "\n").map(String.init))

    /// Public types at the top of a file: those within share the fate of their outer one.
    static func publicTypes(in file: TextFile) -> [(line: Int, name: String)] {
        file.lines.enumerated().compactMap { index, line in
            guard line.contains("public") || line.contains("open") else { return nil }
            guard let match = line.firstMatch(of: declaration) else { return nil }
            return (index + 1, String(match.name))
        }
    }

    static func violations(in files: [TextFile]) -> [Violation] {
        sources(files).flatMap { file in
            publicTypes(in: file).filter { !types.contains($0.name) }.map { line, name in
                Violation(
                    path: file.path, line: line,
                    message:
                        "an application would see \(name): make it package, or add it to the list")
            }
        }
    }

    /// What is listed and not there, and what is there and not exported.
    static func missing(from files: [TextFile]) -> [Violation] {
        let found = sources(files).flatMap { file in
            publicTypes(in: file).map { (file: file, name: $0.name) }
        }
        let exports = files.first { $0.path == "Sources/Optimystic/Exports.swift" }?.lines ?? []
        let hidden = found.filter { file, name in
            file.target != "Optimystic"
                && !exports.contains { $0.hasSuffix(".\(name)") && $0.hasPrefix("@_exported") }
        }
        let names = Set(found.map(\.name))
        let gone = types.subtracting(names).sorted()
        return gone.map { Violation(path: "PublicTypeRule.swift", line: 0, message: "no \($0)") }
            + hidden.map {
                Violation(path: $0.file.path, line: 0, message: "Exports.swift has no \($0.name)")
            }
    }

    private static func sources(_ files: [TextFile]) -> [TextFile] {
        files.filter { $0.isSwift && $0.path.hasPrefix("Sources/") }
    }

    nonisolated(unsafe) private static let declaration =  // SAFETY: a constant, no state.
        #/
        ^(?:@\w+(?:\([^)]*\))?\s+)*(?:public|open)\s+(?:(?:final|indirect|nonisolated)\s+)*
        (?:struct|class|enum|protocol|actor|typealias)\s+(?<name>\w+)
        /#
}

@Suite struct PublicTypeTests {
    @Test("An application sees the types that are listed, and no others")
    func repository() {
        expectNone(PublicTypeRule.violations(in: Repository.files))
        expectNone(PublicTypeRule.missing(from: Repository.files))
        let lines = PublicTypeRule.seen.split(separator: "\n")
        #expect(lines.elementsEqual(lines.sorted()), "keep the list sorted")
    }

    @Test("A type that is public and not listed is found")
    func planted() {
        func count(_ text: String) -> Int {
            PublicTypeRule.violations(in: [ConventionTests.planted(text)]).count
        }
        #expect(count("public struct Inside {}") == 1)
        #expect(count("@frozen public indirect enum Inside {}") == 1)
        #expect(count("package struct Inside {}\npublic struct Revision {}") == 0)
        #expect(count("// public struct Inside {}") == 0)
    }
}
