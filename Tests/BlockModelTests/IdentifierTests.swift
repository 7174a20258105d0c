import BlockModel
import BlockRuntime
import ModelSamples
import Testing

@Suite("Identifiers and their texts")
struct IdentifierTests {
    @Test("hex and base32 of any bytes read back to the same bytes")
    func textRoundTrip() {
        var samples = ModelSamples(seed: 1)
        for count in 0..<70 {
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: samples.random.next()) }
            #expect(ByteText.bytes(hex: ByteText.hex(bytes)) == bytes)
            #expect(ByteText.bytes(base32: ByteText.base32(bytes)) == bytes)
            #expect(ByteText.bytes(base32: ByteText.base32(bytes).uppercased()) == bytes)
        }
    }

    @Test("base32 agrees with the examples of RFC 4648, lowercase and without padding")
    func base32Examples() {
        let examples = [
            "": "", "f": "my", "fo": "mzxq", "foo": "mzxw6", "foob": "mzxw6yq",
            "fooba": "mzxw6ytb", "foobar": "mzxw6ytboi",
        ]
        for (text, expected) in examples { #expect(ByteText.base32(text.utf8) == expected) }
        for wrong in ["a", "m!", "mz", "1", "my======", "mzxq0", "é"] {
            #expect(ByteText.bytes(base32: wrong) == nil, "\(wrong)")
        }
        for wrong in ["a", "0g", "é", "0x"] { #expect(ByteText.bytes(hex: wrong) == nil) }
    }

    @Test("an identifier reads back from its UUID form and orders as its bytes do")
    func identifierRoundTrip() {
        var samples = ModelSamples(seed: 2)
        var previous = Identifier128.zero
        for _ in 0..<200 {
            let identifier = samples.identifier()
            #expect(Identifier128(text: identifier.description) == identifier)
            #expect(Identifier128(identifier.bytes) == identifier)
            #expect(identifier.bytes.withUnsafeBytes { Identifier128($0) } == identifier)
            let precedes = previous.bytes.lexicographicallyPrecedes(identifier.bytes)
            #expect((previous < identifier) == precedes)
            previous = identifier
        }
        #expect(Identifier128(Bytes(repeating: 0, count: 15)) == nil)
        #expect(Identifier128(text: "0") == nil)
    }

    @Test("a digest reads back from bytes and base32 and orders as its bytes do")
    func digestRoundTrip() {
        var samples = ModelSamples(seed: 3)
        var previous = Digest.zero
        for _ in 0..<200 {
            let digest = samples.digest()
            #expect(Digest(digest.bytes) == digest)
            #expect(digest.bytes.withUnsafeBytes { Digest($0) } == digest)
            #expect(Digest(base32: digest.description) == digest)
            #expect((previous < digest) == previous.bytes.lexicographicallyPrecedes(digest.bytes))
            previous = digest
        }
        #expect(Digest(Bytes(repeating: 0, count: 33)) == nil)
        #expect(Bytes(repeating: 0, count: 31).withUnsafeBytes { Digest($0) } == nil)
    }

    @Test("one text under two domains has two ids")
    func domains() {
        let bytes = Bytes("events".utf8)
        let ids = [
            CollectionID(name: "events").digest, BlockID(content: bytes).digest,
            RegisterRecord.hash(of: bytes), Segment.hash(of: bytes),
            Digest(domain: "optimystic/chain/1", bytes),
        ]
        #expect(Set(ids).count == ids.count)
    }

    @Test("attempts that differ in anything have an order")
    func attemptOrder() {
        var samples = ModelSamples(seed: 4)
        let collection = samples.collection()
        let payload = samples.payload()
        let attempts = [UInt64(1), 2].flatMap { generation in
            [UInt64(1), 2].map { target in
                Attempt(
                    payload: payload,
                    on: Participant(
                        collection: collection,
                        incarnation: Incarnation(generation: generation, nonce: .zero),
                        target: Revision(target)))
            }
        }
        for left in attempts {
            for right in attempts where left != right { #expect((left < right) != (right < left)) }
        }
    }
}
