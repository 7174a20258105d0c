import BlockModel
import BlockRuntime
import Testing

@Suite("Types of keys")
struct KeyTypeTests {
    @Test("a text that is no type, or another spelling of one, is refused")
    func texts() {
        for text in [
            "", "string", "int", "Int64", " int64", "int64 ", "(int64)", "()", "(int64,)",
            "(int64,text", "int64,text", "((int64,text),uuid)", "(int64, text)", "?", "int64??x",
            "custom:", "custom:a b", "custom:é", "int64:x", "(custom:(a),text)",
        ] {
            #expect(KeyType(text: text) == nil, "\(text)")
        }
        for text in [
            "int64", "int64??", "(text,(int64,uuid)?,bytes)", "custom", "custom:Order_7.b-c",
            "(custom:a,custom)",
        ] {
            #expect(KeyType(text: text)?.text == text)
        }
    }

    @Test("the text of a type is within its limit, which a tuple of sixteen texts is")
    func limit() {
        let sixteen = KeyType.tuple(Array(repeating: String.keyType, count: 16))
        #expect(KeyType(text: sixteen.text) == sixteen)
        let tooLong = "custom:" + String(repeating: "a", count: Limits.keyTypeBytesMax - 6)
        #expect(KeyType(text: tooLong) == nil)
        #expect(KeyType(text: String(tooLong.dropLast())) != nil)
    }

    @Test("types of one encoding are one type, and all others differ")
    func same() {
        #expect(Int.keyType == Int64.keyType)
        #expect(UInt.keyType == UInt64.keyType)
        #expect(
            KeyPair<String, KeyPair<Int, Bool>>.keyType == KeyTriple<String, Int, Bool>.keyType)
        #expect(
            KeyPair<KeyPair<String, Int>, Bool>.keyType == KeyTriple<String, Int, Bool>.keyType)
        let all: [KeyType] =
            KeyType.Scalar.allCases.map { KeyType(.scalar($0)) } + [
                .custom, "custom:a", Int?.keyType, KeyPair<Int, Int>.keyType,
                KeyPair<Int, Int>?.keyType, KeyTriple<Int, Int, Int>.keyType,
            ]
        #expect(Set(all).count == all.count)
        #expect(Set(all.map(\.text)).count == all.count)
    }

    /// A key of an application's own.
    private struct OrderKey: OrderedKey {
        func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
            try encoder.append(last: true)
        }
        init(from decoder: inout KeyDecoder) throws(DatabaseError) {
            _ = try decoder.last(Bool.self)
        }
    }

    @Test("a type of an application's own that does not say what it is, is custom")
    func own() {
        #expect(OrderKey.keyType == .custom)
        #expect(KeyPair<Int, OrderKey>.keyType.text == "(int64,custom)")
    }

    @Test("a key of another type is found out by its bytes, wherever it can be")
    func misfits() throws {
        let text = try "abc".keyBytes
        #expect(Int.keyType.problem(with: text) != nil)
        #expect(Int32.keyType.problem(with: try 7.keyBytes) != nil)
        #expect(Identifier128.keyType.problem(with: text) != nil)
        #expect(Bool.keyType.problem(with: [2]) != nil)
        #expect(Double.keyType.problem(with: Bytes(repeating: 0xFF, count: 8)) != nil)
        #expect(String.keyType.problem(with: [0xFF]) != nil)
        #expect(String.keyType.problem(with: text) == nil)
        #expect(Bytes.keyType.problem(with: [0xFF, 0]) == nil)
        let pair = KeyPair<String, Int>.keyType
        #expect(pair.problem(with: try KeyPair("a", 1).keyBytes) == nil)
        #expect(pair.problem(with: try KeyPair("a", 1 as Int16).keyBytes) != nil)
        #expect(pair.problem(with: try KeyPair("a", 1).keyBytes + [0]) != nil)
        #expect(pair.problem(with: text) != nil)
        #expect(Int?.keyType.problem(with: [0]) == nil)
        #expect(Int?.keyType.problem(with: [0, 1]) != nil)
        // What follows a custom component is known to the application alone.
        let mixed: KeyType = "(int64,custom,bool)"
        #expect(mixed.problem(with: try 7.keyBytes + [9, 9]) == nil)
        #expect(mixed.problem(with: [1, 2]) != nil)
    }
}

@Suite("Versions of stored forms")
struct FormVersionTests {
    private func sample() -> (tail: TailValue, entry: Entry, body: EntryBody, block: Block) {
        let body = EntryBody(actions: [Action(id: ActionID(rawValue: .zero), bytes: [1])])
        let entry = Entry(
            kind: .actions, revision: Revision(1),
            payload: PayloadID(action: ActionID(rawValue: .zero), execution: 0),
            bodyHash: BlockID(content: body.canonicalBytes).digest,
            body: .inline(body.canonicalBytes), wallMilliseconds: 0, previousHash: .zero)
        let id = BlockID(content: [])
        let block = Block(
            header: Block.Header(
                id: id, type: BlockTests.block([]).header.type, collection: CollectionID(name: "c")
            ))
        return (.absent(generation: 3), entry, body, block)
    }

    @Test("a form of another version is not damage: the error names both versions and the remedy")
    func otherVersion() throws {
        let (tail, entry, body, block) = sample()
        func check<Form: CanonicalCodable>(_ form: Form) {
            var bytes = form.canonicalBytes
            let known = bytes[0] & 0x0F
            #expect(bytes[0] & 0xF0 == 0xA0 && known > 0)
            bytes[0] += 1
            do throws(DatabaseError) {
                _ = try Form(canonicalBytes: bytes)
                Issue.record("version \(known + 1) of \(Form.self) was read")
            } catch {
                #expect(error.code == .formatUnsupported)
                #expect(
                    error.message.contains(
                        "of version \(known + 1), and this release knows version \(known)"))
                #expect(error.message.contains("run the release that wrote it, or a later one"))
                #expect(DatabaseError.undecodable("x", error).code == .formatUnsupported)
            }
        }
        check(tail)
        check(entry)
        check(body)
        check(block)
        check(
            Segment(
                collection: CollectionID(name: "c"),
                incarnation: Incarnation(generation: 1, nonce: .zero), index: 0,
                headerBefore: CollectionHeader(kind: .diary, encoding: .bytes), entries: [entry],
                links: []))
    }

    @Test("a form without a version says that it may be of before there were versions")
    func noVersion() {
        do throws(DatabaseError) {
            // A dropped register as it was written then.
            _ = try TailValue(canonicalBytes: [2, 0, 0, 0, 0, 0, 0, 0, 3])
            Issue.record("it was read")
        } catch {
            #expect(error.code == .malformedMessage)
            #expect(error.message.contains("before there were versions"))
        }
    }
}
