import BlockModel
import BlockRuntime
import ModelSamples
import Testing

/// One key with its type and value as other languages read them: JSON, bytes in hex.
private struct KeyVector {
    let type: String
    let value: String
    /// What the type says of itself.
    let keyType: KeyType
    let bytes: () throws(DatabaseError) -> Bytes

    /// - Parameter value: JSON.
    init(_ type: String, _ value: String, _ key: some OrderedKey) {
        self.type = type
        self.value = value
        keyType = Swift.type(of: key).keyType
        bytes = { () throws(DatabaseError) in try key.keyBytes }
    }

    func vector() throws -> VectorFile.Vector {
        ["type": type, "value": value, "key": ByteText.hex(try bytes())]
    }
}

private func integers<Number: FixedWidthInteger & OrderedKey>(
    _ type: String, _: Number.Type
) -> [KeyVector] {
    let numbers: Set<Number> = [0, 1, 0 &- 1, 100, .min, .max]
    return numbers.sorted().map { KeyVector(type, "\($0)", $0) }
}

private var scalars: [KeyVector] {
    integers("int8", Int8.self) + integers("int16", Int16.self) + integers("int32", Int32.self)
        + integers("int64", Int64.self) + integers("uint8", UInt8.self)
        + integers("uint16", UInt16.self) + integers("uint32", UInt32.self)
        + integers("uint64", UInt64.self)
        + [
            KeyVector("bool", "false", false), KeyVector("bool", "true", true),
            KeyVector("double", "-1e308", -1e308), KeyVector("double", "-1.5", -1.5),
            KeyVector("double", "-5e-324", -Double.leastNonzeroMagnitude),
            KeyVector("double", "-0.0", -0.0), KeyVector("double", "0.0", 0.0),
            KeyVector("double", "5e-324", Double.leastNonzeroMagnitude),
            KeyVector("double", "1.5", 1.5), KeyVector("double", "Infinity", Double.infinity),
            KeyVector("double", "-Infinity", -Double.infinity),
            KeyVector("float", "-1.5", -1.5 as Float), KeyVector("float", "0.0", 0.0 as Float),
            KeyVector("float", "0.25", 0.25 as Float),
            KeyVector("date", "0.0", 0.0), KeyVector("date", "720000000.125", 720_000_000.125),
            KeyVector("date", "-978307200.0", -978_307_200.0),
            KeyVector(
                "uuid", "\"00112233-4455-6677-8899-aabbccddeeff\"",
                Identifier128(0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF)),
        ]
}

private var strings: [KeyVector] {
    [
        KeyVector("text", "\"\"", ""), KeyVector("text", "\"a\"", "a"),
        KeyVector("text", "\"a\\u0000b\"", "a\u{0}b"), KeyVector("text", "\"日本\"", "日本"),
        KeyVector("text", "\"\\u00e9\"", "\u{E9}"), KeyVector("text", "\"e\\u0301\"", "e\u{301}"),
        KeyVector("text", "\"\\ud834\\udd1e\"", "\u{1D11E}"),
        KeyVector("bytes", "\"\"", Bytes()), KeyVector("bytes", "\"00ff\"", [0, 255] as Bytes),
    ]
}

private var tuples: [KeyVector] {
    [
        KeyVector("int16?", "null", Int16?.none), KeyVector("int16?", "-2", Int16?(-2)),
        KeyVector("text?", "\"\"", String?("")), KeyVector("text?", "\"a\"", String?("a")),
        KeyVector("(text,int64)", "[\"a\",-5]", KeyPair("a", -5 as Int64)),
        KeyVector("(text,int64)", "[\"\",0]", KeyPair("", 0 as Int64)),
        KeyVector("(text,text)", "[\"a\\u0000\",\"b\\u0000\"]", KeyPair("a\u{0}", "b\u{0}")),
        KeyVector("(text,text)", "[\"a\",\"\"]", KeyPair("a", "")),
        KeyVector("(int32,bytes)", "[7,\"0001\"]", KeyPair(7 as Int32, [0, 1] as Bytes)),
        KeyVector("(bytes,bytes)", "[\"00ff00\",\"00\"]", KeyPair([0, 255, 0], [0] as Bytes)),
        KeyVector("(text?,bool)", "[null,true]", KeyPair(String?.none, true)),
        KeyVector("(text?,bool)", "[\"x\",true]", KeyPair(String?("x"), true)),
        KeyVector(
            "(text,uint8,text)", "[\"a\",255,\"b\"]", KeyTriple("a", UInt8.max, "b")),
        KeyVector(
            "((text,text),text)", "[[\"a\",\"b\"],\"c\"]", KeyPair(KeyPair("a", "b"), "c")),
        KeyVector("(text,text,text)", "[\"a\",\"b\",\"c\"]", KeyTriple("a", "b", "c")),
    ]
}

@Suite("Golden keys")
struct KeyVectorTests {
    @Test("every type of key is encoded as Protos/vectors/keys.json says")
    func keys() throws {
        let vectors = try (scalars + strings + tuples).map { try $0.vector() }
        let file = VectorFile(
            about: "Order-preserving keys: the type, the value as JSON (byte strings in hex, dates "
                + "in seconds since 2001), the key in hex",
            vectors: vectors)
        #expect(try file.golden("keys") == file)
    }

    @Test("each type of key says what it is in the words of the vectors, and its keys fit it")
    func types() throws {
        for vector in scalars + strings + tuples where vector.type != "date" {
            // Tuples in tuples are written as one, since they are encoded as one.
            let flat = vector.type == "((text,text),text)" ? "(text,text,text)" : vector.type
            #expect(vector.keyType.text == flat)
            #expect(KeyType(text: flat) == vector.keyType)
            #expect(vector.keyType.problem(with: try vector.bytes()) == nil, "\(vector.type)")
        }
    }
}
