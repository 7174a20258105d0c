import Testing

@Suite struct SwiftCodeTests {
    @Test(
        "Comments and strings are blanked, code stays where it was",
        arguments: [
            ("a // b", "a     "), ("a /* b /* c */ d */ e", "a                   e"),
            ("f(\"b\") c", "f(\" \") c"), ("\"a\\\"b\" c", "\"    \" c"),
            ("#\"a\"b\"# c", "#\"   \"# c"), ("\"a\\(b)c\" d", "\"  (b) \" d"),
            ("\"\\(f(\"x\"))y\" d", "\" (f(\" \")) \" d"),
            ("\"\"\"\na\n\"\"\" b", "\"\"\"\n \n\"\"\" b"),
            ("#\"\\(a)\\#(b)\"# c", "#\"      (b)\"# c"), ("\"//\" a", "\"  \" a"),
            ("\"unterminated\na", "\"            \na"), ("\"\" a", "\"\" a"),
            ("#if a\nb\n#endif", "#if a\nb\n#endif"),
        ])
    func blanking(source: String, code: String) {
        #expect(String(decoding: SwiftCode(source).code, as: UTF8.self) == code)
    }

    @Test("Every source of the repository keeps its size and its lines")
    func shape() {
        for file in Repository.swiftFiles {
            let code = SwiftCode(file.text)
            #expect(code.code.count == file.text.utf8.count, "\(file.path)")
            #expect(code.lines.count == file.lines.count, "\(file.path)")
        }
    }
}
