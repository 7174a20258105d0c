import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import OptimysticClient
import Testing

private struct Reading: Codable, Sendable, Hashable {
    var at: Date
    var level: Double
    var tags: Set<String>
    var counts: [UUID: Int]
}

/// Values of every kind come back as they were, and are compared as they are stored.
@Suite("Exact values", .serialized) struct ExactValueTests {
    /// Encodes, decodes and encodes again.
    private func pass<Value: Codable & Sendable>(
        _ value: Value, _ isSame: (Value, Value) -> Bool
    ) throws -> Bool {
        let coding = ValueCoding<Value>.json
        let bytes = try coding.encode(value)
        let back = try coding.decode(bytes)
        return try isSame(value, back) && coding.encode(back) == bytes
    }

    private func pass<Value: Codable & Sendable & Equatable>(_ value: Value) throws -> Bool {
        try pass(value, ==)
    }

    private func hasSameBits(_ left: Double, _ right: Double) -> Bool {
        left.bitPattern == right.bitPattern
    }

    @Test("dates come back to the last bit, whenever they are")
    func dates() throws {
        var generator = SeededGenerator(seed: 20)
        let same: (Date, Date) -> Bool = {
            $0.timeIntervalSinceReferenceDate.bitPattern
                == $1.timeIntervalSinceReferenceDate.bitPattern
        }
        for _ in 0..<4000 {
            let seconds = Double(generator.below(2_000_000_000)) - 1e9
            let part = Double(generator.next() >> 11) / Double(1 << 53)
            #expect(try pass(Date(timeIntervalSinceReferenceDate: seconds + part), same))
        }
        for date in [.distantPast, .distantFuture, Date(), Date(timeIntervalSince1970: 0.001)] {
            #expect(try pass(date, same))
        }
    }

    @Test("numbers come back to the last bit: −0, subnormal, beyond 2⁵³, and the extremes")
    func numbers() throws {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<4000 {
            let double = Double(bitPattern: generator.next())
            if double.isFinite { #expect(try pass(double, hasSameBits)) }
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
            if float.isFinite { #expect(try pass(float) { $0.bitPattern == $1.bitPattern }) }
        }
        for double in [
            -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e16, 1e22,
            1e23,
            9_007_199_254_740_992, 9_007_199_254_740_994, 0.1, .pi,
        ] {
            #expect(try pass(double, hasSameBits))
            #expect(try pass([double]) { hasSameBits($0[0], $1[0]) })
        }
        #expect(try pass([Int64.min, .max, 9_007_199_254_740_993, 0, -1]))
        #expect(try pass([UInt64.max, 1 << 63]))
        for text in [
            "0.1", "12345678901234567890.123456789", "1e30", "1e-100", "-0.5",
            "99999999999999999999999999999999999999",
        ] {
            #expect(try pass(try #require(Decimal(string: text))))
        }
    }

    @Test("texts, data, optionals and dictionaries come back, whatever they hold")
    func others() throws {
        let awkward = "a\u{0}b\u{1F600}\u{FEFF}e\u{301}\u{E9}\u{2028}\u{FFFF}/\\\"\r\n\u{7F}"
        #expect(try pass(awkward) { $0.utf8.elementsEqual($1.utf8) })
        #expect(
            try pass(["e\u{301}": 1]) {
                $0.keys.first?.utf8.elementsEqual($1.keys.first?.utf8 ?? "".utf8) ?? false
            })
        #expect(try pass(Data([0, 255, 1])) && pass(Data()))
        #expect(try pass([Int?.none, 3]) && pass(["a": Int?.none]) && pass(Int?.none))
        #expect(try pass([1: "a", -2: "b"]) && pass(["": 1]))
        let read = try ValueCoding<Set<Int>>.json.decode(
            ValueCoding<Set<Int>>.json.encode(Set(0..<100)))
        #expect(read == Set(0..<100))
    }

    @Test("what JSON does not have is refused before anything is sent")
    func refused() async throws {
        for value in [Double.infinity, -.infinity, .nan] {
            let error = #expect(throws: DatabaseError.self) {
                try ValueCoding<[Double]>.json.bytes(of: [value])
            }
            #expect(error?.code == .invalidArgument && error?.outcome == .notApplied)
        }
        // As the documentation says: of an optional in an optional one level stays.
        let back = try ValueCoding<Int??>.json.decode(ValueCoding<Int??>.json.encode(.some(.none)))
        #expect(back == Int??.none)
    }

    @Test("arrays are compared in their order, sets without")
    func order() {
        let sorted = JSONOrder.sorted(Bytes(#"{"a":[3,"]",[2,1]],"b":"[2,1\"]"}"#.utf8))
        let other = JSONOrder.sorted(Bytes(#"{"a":[[1,2],3,"]"],"b":"[2,1\"]"}"#.utf8))
        #expect(sorted == other)
        #expect(sorted != JSONOrder.sorted(Bytes(#"{"a":[[1,2],3,"]"],"b":"[1,2\"]"}"#.utf8)))
        let means = ValueCoding<[Int]>.json.means
        #expect(means?(Bytes("[2,1]".utf8), [1, 2]) == false)
        #expect(means?(Bytes("[ 1, 2 ]".utf8), [1, 2]) == true)
        #expect(ValueCoding<Set<Int>>.json.means?(Bytes("[2,1]".utf8), [1, 2]) == true)
        #expect(ValueCoding<Set<Int>>.json.means?(Bytes("[2,3]".utf8), [1, 2]) == false)
    }

    @Test(
        "compare-and-set of a value that was just read succeeds, whoever wrote it and however",
        arguments: DatabaseHome.allCases)
    func compareAndSet(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("t", key: Int.self, value: Reading.self)
            let raw = try await database.openTree(named: "t")
            var generator = SeededGenerator(seed: 22)
            for key in 0..<40 {
                let reading = Reading(
                    at: Date(timeIntervalSinceReferenceDate: Double(generator.next() >> 20) / 1024),
                    level: Double(bitPattern: generator.next() & ~(1 << 62)),
                    tags: Set((0..<8).map { "tag \($0) \(key)" }),
                    counts: Dictionary(uniqueKeysWithValues: (0..<5).map { (UUID(), $0) }))
                switch key % 3 {
                case 0: try await tree.set(key, to: reading)
                default:
                    // As another program writes it: other members first, spaces, other spellings.
                    let own = try ValueCoding<Reading>.json.encode(reading)
                    let object = try JSONSerialization.jsonObject(with: Data(own))
                    let other = try JSONSerialization.data(
                        withJSONObject: object, options: key % 3 == 1 ? [.prettyPrinted] : [])
                    try await raw.set(try key.keyBytes, to: Bytes(other))
                }
                var read = try #require(try await tree.value(for: key))
                if key % 2 == 1 {
                    for try await (_, value) in tree.entries(in: key...key) { read = value }
                }
                var next = read
                next.level = 1
                #expect(try await tree.exchange(key, read, with: next), "\(key)")
                // What is there no more is not taken for what is.
                #expect(try await !tree.exchange(key, read, with: next), "\(key)")
                #expect(try await tree.exchange(key, next, with: read), "\(key)")
            }
        }
    }

    @Test("what a handle keeps of the values that it read is bounded")
    func bound() {
        let read = ReadValues()
        let value = Bytes(repeating: 1, count: 10_000)
        for number in 0..<1000 { read.keep(value + [UInt8(number % 7)], of: [UInt8(number % 251)]) }
        var bytes = 0
        for key in 0..<251 {
            let values = read.values(of: [UInt8(key)])
            bytes += values.reduce(0) { $0 + $1.count }
        }
        #expect(bytes > 0 && bytes <= Limits.readValuesBytesMax)
        #expect(read.values(of: [UInt8(999 % 251)]).last?.last == UInt8(999 % 7))
    }
}
