import Testing

/// How long a file may be.
enum FileSizeRule {
    /// Lines of a source file; aim at 80 to 300.
    static let lineCountMax = 600
    /// Lines of a test file: tables of cases are long and simple.
    static let testLineCountMax = 800
    static let readmeLineCountMax = 250

    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter { !$0.isGenerated }.compactMap { file in
            guard let limit = limit(for: file) else { return nil }
            // A final line feed ends the last line; it begins no other.
            let count = file.lines.count - (file.text.hasSuffix("\n") ? 1 : 0)
            guard count > limit else { return nil }
            return Violation(
                path: file.path, line: 0,
                message:
                    "\(count) lines, the limit is \(limit): split it by theme (Type+Aspect.swift)")
        }
    }

    private static func limit(for file: TextFile) -> Int? {
        if file.path == "README.md" { return readmeLineCountMax }
        let suffixes = [".swift", ".c", ".h", ".proto", ".py", ".sh", ".mk"]
        guard suffixes.contains(where: { file.path.hasSuffix($0) }) || file.name == "Makefile"
        else {
            return nil
        }
        return file.isTest ? testLineCountMax : lineCountMax
    }
}

/// How wide a line of Swift may be.
enum LineLengthRule {
    static let columnCountMax = 100

    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter { $0.isSwift && !$0.isGenerated }.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                // A regular expression literal cannot be broken.
                let isLiteral = line.drop(while: { $0 == " " }).hasPrefix("/^")
                guard line.count > columnCountMax, !isLiteral else { return nil }
                return Violation(
                    path: file.path, line: index + 1,
                    message: "\(line.count) columns, the limit is \(columnCountMax): break the line"
                )
            }
        }
    }
}

@Suite struct SizeTests {
    @Test("No file is longer than its limit")
    func fileSizes() {
        expectNone(FileSizeRule.violations(in: Repository.files))
    }

    @Test("No line of Swift is wider than 100 columns")
    func lineLengths() {
        expectNone(LineLengthRule.violations(in: Repository.files))
    }

    @Test("One line too many is found, the last allowed one is not")
    func plantedFile() {
        func count(_ lines: Int, _ path: String) -> Int {
            let text = String(repeating: "a\n", count: lines)
            return FileSizeRule.violations(in: [planted(text, at: path)]).count
        }
        for (path, limit) in [
            ("Sources/A/P.swift", 600), ("Tests/A/P.swift", 800), ("README.md", 250),
            ("Protos/a.proto", 600), ("Makefile", 600),
        ] {
            #expect(count(limit, path) == 0, "\(path)")
            #expect(count(limit + 1, path) == 1, "\(path)")
        }
        #expect(count(5000, "Sources/CProtocol/a.pb-c.c") == 0)
        #expect(count(5000, "Protos/vectors/a.json") == 0)
    }

    @Test("Column 101 is found; columns are characters, not bytes")
    func plantedLine() {
        func count(_ line: String) -> Int { LineLengthRule.violations(in: [planted(line)]).count }
        #expect(count(String(repeating: "é", count: 100)) == 0)
        #expect(count(String(repeating: "a", count: 101)) == 1)
    }
}
