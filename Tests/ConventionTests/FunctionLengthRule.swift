import Testing

/// How long a function may be, from its first line to its closing brace.
enum FunctionLengthRule {
    static let lineCountMax = 70

    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter { $0.isSwift && !$0.isGenerated }.flatMap { file in
            let code = file.code.code
            return functions(in: code).compactMap { function -> Violation? in
                guard function.lineCount > lineCountMax else { return nil }
                return Violation(
                    path: file.path, line: function.line,
                    message: "a function of \(function.lineCount) lines, the limit is "
                        + "\(lineCountMax): name its parts")
            }
        }
    }

    private struct Function {
        let line: Int
        let lineCount: Int
    }

    private static let keywords = ["func", "init", "deinit", "subscript"].map { Array($0.utf8) }

    private static func functions(in code: [UInt8]) -> [Function] {
        var found: [Function] = []
        var line = 1
        for (index, byte) in code.enumerated() {
            if byte == 0x0A { line += 1 }
            guard isDeclaration(at: index, in: code), let length = lineCount(from: index, in: code)
            else { continue }
            found.append(Function(line: line, lineCount: length))
        }
        return found
    }

    /// A keyword that is a whole word and not a member (`.init(`).
    private static func isDeclaration(at index: Int, in code: [UInt8]) -> Bool {
        guard let keyword = keywords.first(where: { code[index...].starts(with: $0) }) else {
            return false
        }
        let after = index + keyword.count
        let isEnd = after >= code.count || !isWord(code[after])
        let isStart = index == 0 || !(isWord(code[index - 1]) || code[index - 1] == 0x2E)
        return isStart && isEnd
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x60, 0x80...: true
        default: false
        }
    }

    /// Lines up to the brace that closes the body; nil for a requirement, which has none.
    private static func lineCount(from start: Int, in code: [UInt8]) -> Int? {
        var braces = 0
        var parentheses = 0
        var lines = 1
        for byte in code[start...] {
            switch byte {
            case 0x0A: lines += 1
            case UInt8(ascii: "("): parentheses += 1
            case UInt8(ascii: ")"): parentheses -= 1
            case UInt8(ascii: "{"): braces += 1
            case UInt8(ascii: "}"):
                braces -= 1
                if braces < 0 { return nil }
                if braces == 0 && parentheses == 0 { return lines }
            default: break
            }
        }
        return nil
    }
}

@Suite struct FunctionLengthTests {
    @Test("No function is longer than 70 lines")
    func repository() {
        expectNone(FunctionLengthRule.violations(in: Repository.files))
    }

    @Test(
        "A function of 71 lines is found, one of 70 is not",
        arguments: [
            "func a()", "init(a: @escaping () -> Void = {})", "deinit", "subscript(a: Int) -> Int",
        ])
    func planted(head: String) {
        func lines(_ count: Int) -> [Int] {
            let body = String(repeating: "    if a { b(\"}\") } // }\n", count: count - 2)
            let text = "struct S {\n    \(head) {\n\(body)    }\n}\n"
            return FunctionLengthRule.violations(in: [ConventionTests.planted(text)]).map(\.line)
        }
        #expect(lines(70) == [])
        #expect(lines(71) == [2])
    }

    @Test("Requirements, calls and long types are no long functions")
    func lookalikes() {
        let filler = String(repeating: "    let a = A.init(b)\n", count: 100)
        for text in [
            "protocol P {\n    func a()\n    init()\n}\nstruct S {\n\(filler)}\n",
            "struct S {\n\(filler)}\n", "enum E {\n\(filler)    func a() {}\n}\n",
        ] {
            #expect(FunctionLengthRule.violations(in: [ConventionTests.planted(text)]).isEmpty)
        }
    }
}
