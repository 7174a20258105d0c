import BlockModel
import BlockRuntime
import Testing

@Suite("Keys as text")
struct KeyTextTests {
    @Test("a date's text says exactly which moment it is, whatever a Double can hold")
    func dates() {
        var random = SeededGenerator(seed: 12)
        var moments = [0, -0.0, 0.5, -0.25, 1e-300, 1e300, -1e300, .infinity, -.infinity]
        for _ in 0..<20_000 {
            // Of the years around 2001, of all years, and any bits at all.
            let second = Double(Int(random.below(2_000_000_000))) - 1_000_000_000
            moments.append(second + Double(Int(random.below(1_000_000))) / 1_000_000)
            moments.append(second * 300)
            let bits = Double(bitPattern: random.next())
            if !bits.isNaN { moments.append(bits) }
        }
        for moment in moments {
            let text = DateText.text(of: moment)
            #expect(DateText.seconds(of: text)?.bitPattern == moment.bitPattern, "\(text)")
        }
    }

    @Test(
        "known moments have the text that everybody writes",
        arguments: [
            (0, "2001-01-01T00:00:00Z"), (-978_307_200, "1970-01-01T00:00:00Z"),
            (-978_307_200.5, "1969-12-31T23:59:59.5Z"),
            (5_011_200 - 978_307_200, "1970-02-28T00:00:00Z"),
            (68_169_600 - 978_307_200, "1972-02-29T00:00:00Z"),
            (1_709_164_800 - 978_307_200, "2024-02-29T00:00:00Z"),
            (730_857_600.1, "2024-02-29T00:00:00.1Z"),
            (4_107_542_400 - 978_307_200, "2100-03-01T00:00:00Z"),
            (-62_135_596_800 - 978_307_200, "0001-01-01T00:00:00Z"),
            (253_402_300_799 - 978_307_200, "9999-12-31T23:59:59Z"),
            (253_402_300_800 - 978_307_200, "252423993600.0"),
        ] as [(Double, String)])
    func knownDates(seconds: Double, text: String) {
        #expect(DateText.text(of: seconds) == text)
        #expect(DateText.seconds(of: text) == seconds)
    }

    @Test("a day alone is its midnight, and what is no moment is refused")
    func typedDates() {
        #expect(DateText.seconds(of: "2001-01-02") == 86_400)
        for text in [
            "", "2026-13-01", "2023-02-29", "2026-00-01", "2026-11-29T24:00:00Z", "nan",
            "2026-11-29T12:30:00", "2026-11-29 12:30:00Z", "2026-11-29T12:30:00.Z", "0000-01-01",
            "2026-11-29T12:30:00.2e1Z", "yesterday", "+026-11-29",
        ] { #expect(DateText.seconds(of: text) == nil, "\(text)") }
    }

    @Test("a number or a date that would be rounded is no key: another one would be the same")
    func rounding() throws {
        func expect(_ type: String, kept: [String], refused: [String]) throws {
            let type = try #require(KeyType(text: type))
            for text in kept {
                #expect(throws: Never.self, "\(text)") { try type.key(text: text) }
            }
            for text in refused {
                let error = #expect(throws: DatabaseError.self, "\(text)") {
                    try type.key(text: text)
                }
                #expect(error?.code == .invalidArgument)
            }
        }
        try expect(
            "double",
            kept: [
                "0", "-0.000", "0.1", "0.10", "0.10000000000000001", "1e22", "-1.5E+3", "00012.50",
                "9007199254740992", "9007199254740994", "5e-324", "1.7976931348623157e308", "inf",
                "0x1p3", ".5", "123456789012345680000",
                "0.1000000000000000055511151231257827021181583404541015625",
            ],
            refused: [
                "9007199254740993", "-9007199254740993", "0.10000000000000000001", "1e400",
                "1e-400", "0.1000000000000000055511151231257827021181583404541015626",
                "123456789012345678901",
            ])
        try expect("float", kept: ["0.1", "16777216"], refused: ["16777217", "0.1000000001"])
        try expect(
            "date",
            kept: ["2026-11-29T12:30:00.25Z", "2026-11-29T12:30:00.123456Z", "12.5"],
            refused: [
                "2026-11-29T12:30:00.1234567891Z", "2026-11-29T12:30:00.99999999999Z",
                "9007199254740993",
            ])
    }

    @Test("keys of every type that has a text are read back from it")
    func types() throws {
        func expect(_ key: some OrderedKey, _ type: KeyType, _ text: String) throws {
            let bytes = try key.keyBytes
            #expect(type.hasText)
            #expect(try type.text(of: bytes) == text)
            #expect(try type.key(text: text) == bytes)
        }
        try expect(true, Bool.keyType, "true")
        try expect(-1.5, Double.keyType, "-1.5")
        try expect(Float(0.1), Float.keyType, "0.1")
        try expect(Int8(-5), Int8.keyType, "-5")
        try expect([0, 0xFF] as Bytes, Bytes.keyType, "00ff")
        try expect(
            KeyPair("a\u{0},\"é", Int64(-7)), KeyPair<String, Int64>.keyType,
            #"["a\u0000,\"é",-7]"#)
        try expect(
            KeyTriple(Bytes([0, 1]), UInt64.max, true),
            KeyTriple<Bytes, UInt64, Bool>.keyType, #"["0001",18446744073709551615,true]"#)
        try expect(
            KeyPair(Double.infinity, Double?.none), KeyPair<Double, Double?>.keyType,
            #"["inf",null]"#)
        try expect(
            KeyPair(String?.some("null"), Identifier128(1)),
            KeyPair<String?, Identifier128>.keyType,
            #"["null","00000000-0000-0000-0000-000000000001"]"#)
        try expect(String?.none, String?.keyType, "null")
        try expect(String?.some("null"), String?.keyType, #""null""#)
        try expect(KeyPair(0.5, "x"), "(date,text)", #"["2001-01-01T00:00:00.5Z","x"]"#)
    }

    @Test("what is no key of a type is refused, as text and as bytes")
    func refusals() throws {
        for (type, text) in [
            ("(text,int64)", #"["a"]"#), ("(text,int64)", #"["a",1,2]"#), ("(text,int64)", "a"),
            ("(text,int64)", #"[1,2]"#), ("(text,int64)", #"["a",1.5]"#), ("bool", "yes"),
            ("(text,int64)", #"["a",null]"#), ("date", "soon"), ("int64?", ""), ("uint8", "256"),
            ("double", "nan"),
        ] as [(KeyType, String)] {
            let error = #expect(throws: DatabaseError.self) { try type.key(text: text) }
            #expect(error?.code == .invalidArgument, "\(type) \(text)")
        }
        let pair: KeyType = "(text,int64)"
        for bytes in [[], [0x61], [0x61, 0, 0, 1]] as [Bytes] {
            let error = #expect(throws: DatabaseError.self) { try pair.text(of: bytes) }
            #expect(error?.code == .valueUndecodable)
        }
        for type in [.custom, "custom:a", "(text,custom)", "int64??"] as [KeyType] {
            #expect(!type.hasText)
        }
    }
}
