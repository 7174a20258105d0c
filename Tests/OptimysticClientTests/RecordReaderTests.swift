import BlockModel
import BlockRuntime
import Foundation
import OptimysticCommand
import Testing

/// Hands the bytes out in pieces: nothing may hang on where a chunk ends.
private func source(_ bytes: Bytes, chunk: Int) -> ByteSource {
    var position = 0
    return ByteSource { () throws(DatabaseError) in
        let end = min(bytes.count, position + chunk)
        defer { position = end }
        return Bytes(bytes[position..<end])
    }
}

/// What a reader says, one line each: `2 {"a":"b"}`, `3 bad …`, `4 broken …`.
private func read(
    _ bytes: Bytes, as format: RecordFormat, chunk: Int = 1 << 16
) throws -> [String] {
    var reader = format.reader(of: source(bytes, chunk: chunk))
    var lines: [String] = []
    while let item = try reader.next() {
        switch item {
        case .record(let line, let record): lines.append("\(line) \(record.text)")
        case .bad(let line, let problem): lines.append("\(line) bad \(problem)")
        case .broken(let line, let problem): lines.append("\(line) broken \(problem)")
        }
    }
    return lines
}

private func read(_ text: String, as format: RecordFormat) throws -> [String] {
    let whole = try read(Array(text.utf8), as: format)
    for chunk in [1, 2, 3, 7] {
        #expect(try read(Array(text.utf8), as: format, chunk: chunk) == whole, "\(chunk)")
    }
    return whole
}

@Suite("Files of records") struct RecordReaderTests {
    // MARK: CSV

    @Test("CSV has quotes, doubled quotes, commas and line ends in fields, CR LF or LF, or no end")
    func csv() throws {
        let text = "\u{FEFF}id,\"na\"\"me\"\r\n1,\"a, \"\"b\"\"\r\nc\nd\"\n\n2,\r\n3,\"\"\n 4 ,é"
        #expect(
            try read(text, as: .csv) == [
                #"2 {"id":"1","na\"me":"a, \"b\"\r\nc\nd"}"#, #"6 {"id":"2"}"#,
                #"7 {"id":"3","na\"me":""}"#, #"8 {"id":" 4 ","na\"me":"é"}"#,
            ])
        #expect(try read("a\n\nx\n", as: .csv) == ["2 {}", #"3 {"a":"x"}"#])
        #expect(try read("a,b", as: .csv) == [])
    }

    @Test("A row that is not CSV is named with its line, and the next one is read")
    func badRows() throws {
        let text = """
            a,b
            1,x"y
            2
            3,"p"q
            4,5,6
            7,\r8
            "two
            lines",9
            """
        #expect(
            try read(text, as: .csv) == [
                "2 bad a quote inside a field that does not begin with one",
                "3 bad 1 fields where the header names 2",
                "4 bad something else than a comma behind a quoted field",
                "5 bad 3 fields where the header names 2",
                "6 bad a carriage return without a line feed",
                #"7 {"a":"two\nlines","b":"9"}"#,
            ])
        let bytes = Array("a,b\n".utf8) + [0xFF] + Array(",x\n1,2\n".utf8)
        #expect(
            try read(bytes, as: .csv) == ["2 bad field 1 is not UTF-8", #"3 {"a":"1","b":"2"}"#])
    }

    @Test("What stands inside a quoted field is never a record, whatever is damaged in front of it")
    func csvResync() throws {
        let smuggled = "9,smuggled,row"
        for (damage, rest) in [
            ("1,\u{1},\"x\n\(smuggled)\n\"\n2,ok,ok\n", ["2"]),
            ("1,\"x\"y,\"p\n\(smuggled)\n\"\n2,ok,ok\n", ["2"]),
            ("1,x\"y,\"p\n\(smuggled)\n\"\n2,ok,ok\n", ["2"]),
            ("1,a\rb,\"p\n\(smuggled)\n\"\n2,ok,ok\n", ["2"]),
            ("1,a,b,c,\"p\n\(smuggled)\n\"\n2,ok,ok\n", ["2"]),
            ("1,\"a\"\"b\"c,\"p\n\(smuggled)\n\"\"\n\(smuggled)\n\"\n2,ok,ok\n", ["2"]),
            // The file ends inside the field.
            ("1,\"x\"y,\"p\n\(smuggled)\n2,ok,ok\n", []),
            ("1,\u{1},\"p\n\(smuggled)\n2,ok,ok\n", []),
        ] {
            // The first of them is no UTF-8.
            let bytes = Array("k,a,b\n\(damage)".utf8).map { $0 == 1 ? 0xFF : $0 }
            for chunk in [1, 2, 5, 100] {
                let lines = try read(bytes, as: .csv, chunk: chunk)
                #expect(!lines.contains { $0.contains("smuggled") }, "\(damage)")
                let records = lines.filter { $0.contains("{") }
                #expect(records.count == rest.count, "\(damage): \(lines)")
                #expect(records.isEmpty == lines.contains { $0.contains(" broken ") })
            }
        }
    }

    @Test("Damage at random places never makes a record of what stands inside a field")
    func csvResyncAtRandom() throws {
        var generator = SeededGenerator(seed: 17)
        let inner = "\"x\n9,smuggled,row\n\""
        let text = Array("k,a,b\n1,ab,\(inner)\n2,\"q\"\"r\",\(inner)\n3,ok,ok\n".utf8)
        for _ in 0..<2000 {
            // One byte becomes another one; quotes, line feeds, and the commas beside quotes stay.
            var damaged = text
            let place = 6 + generator.below(text.count - 6)
            let others = Array(",\r\u{1}a ".utf8)
            let other = others[generator.below(others.count)]
            let isBesideQuote = [place - 1, place + 1].contains {
                text.indices.contains($0) && text[$0] == UInt8(ascii: "\"")
            }
            guard !Array("\"\n".utf8).contains(text[place]),
                text[place] != UInt8(ascii: ",") || !isBesideQuote
            else { continue }
            damaged[place] = other == 1 ? 0xFF : other
            for line in try read(damaged, as: .csv) {
                #expect(!line.contains(#"{"a":"smuggled""#), "\(place) \(other): \(line)")
            }
        }
    }

    @Test("Nor in JSON: what stands inside a text is never a record")
    func jsonResync() throws {
        let smuggled = #"{"k":"9","smuggled":true}"#
        for damage in [
            #"[{"k":"1","a":"say "hi},"# + smuggled + #",{" there"}]"#,
            #"[{"k":5" pipe"},"# + smuggled + #",{"a":""}]"#,
            #"[{"k":"1" "a":"},"# + smuggled + #",{"}]"#,
        ] {
            let lines = try read(damage, as: .json)
            #expect(!lines.contains { $0.contains("\"smuggled\":true}") && !$0.contains("bad") })
            #expect(lines.last?.contains(" broken ") == true, "\(lines)")
        }
        // Damage that leaves no doubt about the quotes costs its record only.
        for damage in [
            #"{"a":tru}"#, #"{"a":"x\q"}"#, #"{"a":1,"a":2}"#, #"{"a":"x","a":"y"}"#, #"{,}"#,
            "{\"a\":\"x\u{1}\"}", #"{"a":-}"#,
        ] {
            #expect(try read("[\(damage),7]", as: .json).last == "1 7", "\(damage)")
            #expect(try read("\(damage)\n7", as: .jsonl).last == "2 7", "\(damage)")
        }
        // A line ends where it ends: a line feed is in no text.
        #expect(
            try read("{\"a\":\"x\n{\"a\":\"y\"}\n", as: .jsonl).last == #"2 {"a":"y"}"#)
    }

    @Test(
        "CSV without a header that names every column, or with a quote that never ends, is refused",
        arguments: [
            ("", "1 broken there is no header row"),
            ("a,,b\n", "1 broken column 2 has no name"),
            ("a,\"\"\n", "1 broken column 2 has no name"),
            ("a,b,a\n1,2,3\n", "1 broken two columns are called \"a\""),
            ("a\"\n1\n", "1 broken a quote inside a field that does not begin with one"),
            ("a\n1\n\"x\ny\nz", "3 broken a quoted field that begins here does not end"),
        ])
    func brokenCSV(text: String, last: String) throws {
        #expect(try read(text, as: .csv).last == last)
    }

    @Test("Whatever text a row holds, it is read back as it was, and absent is not empty")
    func csvRoundTrip() throws {
        var generator = SeededGenerator(seed: 11)
        let scalars: [Unicode.Scalar] = [
            "a", ",", "\"", "\r", "\n", " ", "é", "\u{1F1F5}", "\u{0}",
        ]
        var rows: [[String?]] = []
        for _ in 0..<500 {
            rows.append(
                (0..<3).map { _ in
                    guard !generator.chance(1, in: 5) else { return nil }
                    var text = String.UnicodeScalarView()
                    for _ in 0..<generator.below(6) {
                        text.append(scalars[generator.below(scalars.count)])
                    }
                    return String(text)
                })
        }
        let names = ["a", "b", "c"]
        var text = CSVText.row(names.map { .string($0) }) + "\n"
        // A row of nothing is no row where there are three columns.
        rows.removeAll { $0 == [nil, nil, nil] }
        for row in rows { text += CSVText.row(row.map { $0.map { .string($0) } }) + "\n" }
        let expected = rows.map { row in
            var pairs: [ExactText: JSONText] = [:]
            for (name, value) in zip(names, row) {
                pairs[ExactText(name)] = value.map { .string($0) }
            }
            return JSONText.object(pairs).text
        }
        let found = try read(text, as: .csv).map { $0.drop { $0 != " " }.dropFirst() }
        #expect(found.map(String.init) == expected)
    }

    // MARK: JSON

    @Test("JSON lines are values, each with its line; one that is not JSON harms no other")
    func jsonLines() throws {
        let text = """
            {"b": 1.50, "a": [true, null]}\r

            {"a": }
            "text"
            {"a": 1} {"a": 2}
            {"a": "\\u00e9\\ud83c\\uddf5"}
            """
        #expect(
            try read(text, as: .jsonl) == [
                #"1 {"a":[true,null],"b":1.50}"#,
                "3 bad not JSON: no value begins like this at byte 6", #"4 "text""#,
                "5 bad not JSON: something behind the value at byte 9", #"6 {"a":"é🇵"}"#,
            ])
    }

    @Test("A JSON array is read with the line of each element, alone or as an object's only member")
    func jsonArrays() throws {
        let elements = "[\n {\"a\": \"],}\\\"\"},\n {\"b\": [1, {\"c\": {}}]}, {bad},\n 7\n]"
        let expected = [
            #"2 {"a":"],}\""}"#, #"3 {"b":[1,{"c":{}}]}"#,
            "3 bad not JSON: no name of a member at byte 1", "4 7",
        ]
        #expect(try read(elements, as: .json) == expected)
        #expect(try read("{\"3166-1\": \(elements) }\n", as: .json) == expected)
        #expect(try read(" [ ] ", as: .json) == [])
        #expect(try read("{\"x\":[]}", as: .json) == [])
    }

    @Test(
        "What is no array of records is refused with the line where it goes wrong",
        arguments: [
            ("", "1 broken neither an array nor an object whose only member is an array"),
            ("7", "1 broken neither an array nor an object whose only member is an array"),
            (
                "{\"a\":\n1}",
                "2 broken neither an array nor an object whose only member is an array"
            ),
            ("[1\n,2", "2 broken the file ends inside a record"),
            ("[1,{\"a\":[}\n", "1 broken the file ends inside a record"),
            ("[1,\n]", "2 broken a record is missing"),
            ("[1,,2]", "1 broken a record is missing"),
            ("[1\n2]", "1 bad not JSON: something behind the value at byte 2"),
            ("[1]\n[2]", "2 broken something follows the end of the array"),
            ("{\"a\":[1],\"b\":[2]}", "1 broken the object has another member, or does not end"),
        ])
    func brokenJSON(text: String, last: String) throws {
        #expect(try read(text, as: .json).last == last)
    }

    @Test(
        "The parser takes what Foundation's takes and nothing else, commas that trail apart",
        arguments: [
            "0", "-0", "10", "01", "1.", "1.5", "-", "+1", ".5", "1e5", "1E-5", "1e", "0x1", "NaN",
            "true", "tru", "truex", "null", "nul", "\"\"", "\"\\x\"", "\"\\u12\"", "\"\\u00e9\"",
            "\"\\ud800\"", "\"\\udc00x\"", "\"\\ud83c\\uddf5\"", "\"a\tb\"", "\"", "[]",
            "[,1]", "[1 2]", "[", "]", "{}", "{\"a\" 1}", "{a:1}", "{\"a\":}", "{",
            " [ 1 , 2 ] ", "{\"a\":{\"b\":[{}]}}", "", " ", "1 1", "\u{A0}1",
        ])
    func grammar(text: String) {
        let foundation = try? JSONSerialization.jsonObject(
            with: Data(text.utf8), options: [.fragmentsAllowed])
        let own = try? JSONParser.parse(Array(text.utf8))
        #expect((own == nil) == (foundation == nil))
        for trailing in ["[1,]", "{\"a\":1,}"] {
            #expect((try? JSONParser.parse(Array(trailing.utf8))) == nil)
        }
    }

    @Test("Digits stay as they are; a name twice, and more than 64 levels, are refused")
    func exactness() throws {
        let numbers = "[12345678901234567890123,1.10,-0,1E400]"
        #expect(try JSONParser.parse(Array(numbers.utf8)).text == numbers)
        #expect(throws: JSONParser.Problem.self) {
            try JSONParser.parse(Array("{\"a\":1,\"a\":1}".utf8))
        }
        func nested(_ depth: Int) -> Bytes {
            Bytes(repeating: UInt8(ascii: "["), count: depth)
                + Bytes(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(try JSONParser.parse(nested(Limits.jsonDepthMax)).text.utf8.count == 128)
        #expect(throws: JSONParser.Problem.self) {
            try JSONParser.parse(nested(Limits.jsonDepthMax + 1))
        }
    }

    @Test("A record over its limit is left out, in every format, and the next one is read")
    func tooLarge() throws {
        let large = String(repeating: "x", count: Limits.importRecordBytesMax)
        for (format, text) in [
            (RecordFormat.json, "[{\"a\":\"\(large)\"},\n{\"a\":\"b\"}]"),
            (.jsonl, "{\"a\":\"\(large)\"}\n{\"a\":\"b\"}"),
            (.csv, "a,b\n\(large),y\nb,\n"),
        ] {
            let lines = try read(Array(text.utf8), as: format)
            #expect(lines.count == 2)
            #expect(lines[0].contains("importRecordBytesMax = \(Limits.importRecordBytesMax)"))
            #expect(lines[1].hasSuffix(#"{"a":"b"}"#))
        }
    }

    // MARK: Names

    @Test("Names that only look alike are different members, columns and keys")
    func exactNames() throws {
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        #expect(
            try read("{\"\(composed)\":1,\"\(decomposed)\":2}", as: .jsonl)
                .map { Array($0.utf8) }
                == [Array("1 {\"\(decomposed)\":2,\"\(composed)\":1}".utf8)])
        #expect(
            try read("[{\"\(composed)\":1,\"\(decomposed)\":2}]", as: .json).count == 1)
        #expect(
            try read("\(composed),\(decomposed)\n1,2\n", as: .csv).map { Array($0.utf8) }
                == [Array("2 {\"\(decomposed)\":\"2\",\"\(composed)\":\"1\"}".utf8)])
        // One that is there twice is one name still.
        #expect(
            try read("\(composed),\(composed)\n1,2\n", as: .csv)
                == ["1 broken two columns are called \"\(composed)\""])
        #expect(throws: JSONParser.Problem.self) {
            try JSONParser.parse(Array("{\"\(composed)\":1,\"\(composed)\":2}".utf8))
        }
        // A quote, a comma and a bracket end what they end, whatever mark stands behind them.
        #expect(
            try read("a,b\n\"x\",\u{301}y\n", as: .csv) == ["2 {\"a\":\"x\",\"b\":\"\u{301}y\"}"])
        #expect(
            try JSONParser.parse(Array("[\"a\",\"\u{301}\"]".utf8)).text == "[\"a\",\"\u{301}\"]")
    }

    // MARK: Keys

    @Test("Keys are written and read back in their type's order, and other texts are refused")
    func keys() throws {
        for (form, texts, wrong) in [
            (KeyForm.text, ["", "A", "a", "é"], nil),
            (.int, ["\(Int64.min)", "-5", "0", "7", "10", "\(Int64.max)"], "1.5"),
            (.hex, ["", "00", "00ff", "ff"], "0"),
            (
                .uuid,
                ["00000000-0000-0000-0000-000000000001", "ffffffff-0000-0000-0000-000000000000"],
                "1"
            ),
            (
                KeyForm("date"),
                [
                    "-inf", "0001-01-01T00:00:00Z", "2000-12-31T23:59:59.5Z",
                    "2001-01-01T00:00:00Z",
                    "2026-11-29T12:30:00.25Z", "1e+300",
                ], "2026-02-30"
            ),
            (
                KeyForm("(text,date)"),
                [
                    #"["","2001-01-01T00:00:00Z"]"#, #"["a","2000-01-01T00:00:00Z"]"#,
                    #"["a","2026-11-29T12:30:00Z"]"#, #"["a\"","2000-01-01T00:00:00Z"]"#,
                ], #"["a"]"#
            ),
            (KeyForm("double"), ["-inf", "-1.5", "0.0", "5e-324", "inf"], "x"),
            (KeyForm("int64?"), ["null", "-1", "2"], "\"x\""),
            (KeyForm("bool"), ["false", "true"], "1"),
        ] as [(KeyForm, [String], String?)] {
            let keys = try texts.map { try form.key($0) }
            #expect(keys == keys.sorted { $0.lexicographicallyPrecedes($1) })
            #expect(try keys.map { try form.text(of: $0) } == texts)
            if let wrong {
                let error = #expect(throws: DatabaseError.self) { try form.key(wrong) }
                #expect(error?.code == .invalidArgument)
            }
        }
        let error = #expect(throws: DatabaseError.self) { try KeyForm.int.text(of: [1, 2]) }
        #expect(error?.code == .valueUndecodable)
        let large = String(repeating: "x", count: Limits.keyBytesMax + 1)
        let limit = #expect(throws: DatabaseError.self) { try KeyForm.text.key(large) }
        #expect(limit?.code == .valueTooLarge)
    }
}
