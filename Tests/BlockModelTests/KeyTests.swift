import BlockModel
import BlockRuntime
import ModelSamples
import Testing

/// Byte strings of up to `lengthMax` bytes over an alphabet, all of them.
private func strings(over alphabet: Bytes, lengthMax: Int) -> [Bytes] {
    var all: [Bytes] = [[]]
    var longest: [Bytes] = [[]]
    for _ in 0..<lengthMax {
        longest = longest.flatMap { string in alphabet.map { string + [$0] } }
        all += longest
    }
    return all
}

/// Expects that the keys of `values` order as the values do and come back, alone and in front of
/// another component.
private func expectOrdered<Key: OrderedKey>(
    _ values: [Key], by isLess: (Key, Key) -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let alone = try values.map { value throws(DatabaseError) in try value.keyBytes }
    let leading = try values.map { value throws(DatabaseError) in
        try KeyPair(value, UInt8.max).keyBytes
    }
    for (value, bytes) in zip(values, alone) {
        #expect(try Key(keyBytes: bytes).keyBytes == bytes, sourceLocation: sourceLocation)
        let back = try Key(keyBytes: bytes)
        #expect(!isLess(back, value) && !isLess(value, back), sourceLocation: sourceLocation)
    }
    for (value, bytes) in zip(values, leading) {
        let back = try KeyPair<Key, UInt8>(keyBytes: bytes)
        #expect(!isLess(back.first, value) && !isLess(value, back.first))
        #expect(back.second == .max, sourceLocation: sourceLocation)
    }
    var wrongCount = 0
    for left in values.indices {
        for right in values.indices {
            let order = isLess(values[left], values[right])
            let reverse = isLess(values[right], values[left])
            for keys in [alone, leading] {
                if keys[left].lexicographicallyPrecedes(keys[right]) != order { wrongCount += 1 }
                if (keys[left] == keys[right]) != (!order && !reverse) { wrongCount += 1 }
            }
        }
    }
    #expect(wrongCount == 0, sourceLocation: sourceLocation)
}

private func scalarsAscend(_ left: String, _ right: String) -> Bool {
    left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
}

private func bytesAscend(_ left: Bytes, _ right: Bytes) -> Bool {
    left.lexicographicallyPrecedes(right)
}

@Suite("Ordered keys")
struct KeyTests {
    /// Edges, their neighbours and random values of an integer type.
    private func numbers<Number: FixedWidthInteger>(_: Number.Type) -> [Number] {
        var random = SeededGenerator(seed: UInt64(Number.bitWidth))
        var numbers: Set<Number> = [0, 1, 2, .min, .min + 1, .max, .max - 1, 127, 100]
        for shift in 0..<Number.bitWidth { numbers.insert(1 << Number(shift)) }
        for shift in 0..<Number.bitWidth { numbers.insert(0 &- 1 << Number(shift)) }
        for _ in 0..<100 { numbers.insert(Number(truncatingIfNeeded: random.next())) }
        return numbers.sorted()
    }

    @Test("integers order as numbers, the smallest types exhaustively")
    func integers() throws {
        try expectOrdered(Array(Int8.min...Int8.max), by: <)
        try expectOrdered(Array(UInt8.min...UInt8.max), by: <)
        try expectOrdered(numbers(Int16.self), by: <)
        try expectOrdered(numbers(Int32.self), by: <)
        try expectOrdered(numbers(Int64.self), by: <)
        try expectOrdered(numbers(Int.self), by: <)
        try expectOrdered(numbers(UInt16.self), by: <)
        try expectOrdered(numbers(UInt32.self), by: <)
        try expectOrdered(numbers(UInt64.self), by: <)
        try expectOrdered(numbers(UInt.self), by: <)
    }

    @Test("truth and identifiers order as they do in Swift")
    func otherScalars() throws {
        try expectOrdered([false, true]) { !$0 && $1 }
        var random = SeededGenerator(seed: 3)
        let identifiers = [.zero, Identifier128(.max)] + (0..<100).map { _ in random.identifier() }
        try expectOrdered(identifiers, by: <)
        try expectOrdered([Bool?.none, false, true]) { left, right in
            [nil, false, true].firstIndex(of: left)! < [nil, false, true].firstIndex(of: right)!
        }
    }

    @Test("floating point orders as numbers from infinity to infinity; the zeros are one key")
    func floatingPoint() throws {
        var random = SeededGenerator(seed: 4)
        var doubles: [Double] = [
            -.infinity, -.greatestFiniteMagnitude, -1, -.leastNormalMagnitude,
            -.leastNonzeroMagnitude, -0.0, 0.0, .leastNonzeroMagnitude, .leastNormalMagnitude, 1,
            1.0.nextUp, 1.0.nextDown, .pi, .greatestFiniteMagnitude, .infinity,
        ]
        doubles += (0..<300).map { _ in Double(bitPattern: random.next()) }.filter { !$0.isNaN }
        try expectOrdered(doubles, by: <)
        var floats: [Float] = [
            -.infinity, -.greatestFiniteMagnitude, -1, -.leastNonzeroMagnitude, -0.0, 0.0,
            .leastNonzeroMagnitude, .leastNormalMagnitude, 1, .greatestFiniteMagnitude, .infinity,
        ]
        floats += (0..<300).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
        }
        .filter { !$0.isNaN }
        try expectOrdered(floats, by: <)
        #expect(try Double(keyBytes: (-0.0).keyBytes).sign == .plus)
    }

    @Test("a number that is none is refused, written or read, and so is a zero with a sign")
    func notANumber() {
        func expectRefused(_ code: ErrorCode, _ body: () throws(DatabaseError) -> Void) {
            do throws(DatabaseError) {
                try body()
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.code == code)
            }
        }
        for value in [Double.nan, -.nan, .signalingNaN] {
            expectRefused(.invalidArgument) { () throws(DatabaseError) in _ = try value.keyBytes }
            expectRefused(.invalidArgument) { () throws(DatabaseError) in
                _ = try KeyPair(value, 1).keyBytes
            }
            expectRefused(.invalidArgument) { () throws(DatabaseError) in
                _ = try KeyPair<Double, Int>.prefix(value)
            }
        }
        expectRefused(.invalidArgument) { () throws(DatabaseError) in _ = try Float.nan.keyBytes }
        let patterns: [Bytes] = [
            Bytes(repeating: 0xFF, count: 8), Bytes(repeating: 0, count: 8),
            [0x7F] + Bytes(repeating: 0xFF, count: 7),
        ]
        for bytes in patterns {
            expectRefused(.valueUndecodable) { () throws(DatabaseError) in
                _ = try Double(keyBytes: bytes)
            }
            expectRefused(.valueUndecodable) { () throws(DatabaseError) in
                _ = try Float(keyBytes: Bytes(bytes[..<4]))
            }
        }
    }

    @Test("text orders by Unicode scalar values, and is its UTF-8 when it stands alone")
    func text() throws {
        var random = SeededGenerator(seed: 5)
        let alphabet: [Unicode.Scalar] = [
            "\u{0}", "\u{1}", "a", "b", "\u{7F}", "\u{80}", "é", "e", "\u{301}", "\u{FFFD}",
            "\u{FFFF}", "𝄞", "\u{10FFFF}",
        ]
        let texts = (0..<200).map { _ in
            var text = ""
            for _ in 0..<random.below(6) {
                text.unicodeScalars.append(alphabet[random.below(alphabet.count)])
            }
            return text
        }
        try expectOrdered(texts + ["", "\u{E9}", "e\u{301}"], by: scalarsAscend)
        #expect(try "a\u{0}é".keyBytes == Bytes("a\u{0}é".utf8))
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        #expect(composed == decomposed)
        #expect(try composed.keyBytes != decomposed.keyBytes)
    }

    @Test("bytes order as bytes and are themselves when they stand alone")
    func bytes() throws {
        let all = strings(over: [0x00, 0x01, 0xFE, 0xFF], lengthMax: 4)
        try expectOrdered(all, by: bytesAscend)
        for string in all { #expect(try string.keyBytes == string) }
    }

    @Test("pairs of short byte strings order by the first component, then by the second")
    func pairs() throws {
        let short = strings(over: [0x00, 0x01, 0xFF], lengthMax: 2)
        let pairs = short.flatMap { first in short.map { KeyPair(first, $0) } }
        try expectOrdered(pairs) { left, right in
            left.first == right.first
                ? bytesAscend(left.second, right.second) : bytesAscend(left.first, right.first)
        }
    }

    @Test("triples order component by component, and are pairs in pairs, however nested")
    func triples() throws {
        var random = SeededGenerator(seed: 6)
        func string(_ random: inout SeededGenerator) -> Bytes {
            (0..<random.below(4)).map { _ in [0x00, 0x01, 0x61, 0xFF][random.below(4)] }
        }
        let triples = (0..<300).map { _ in
            KeyTriple(
                string(&random), random.chance(1, in: 3) ? nil : string(&random),
                Int16(truncatingIfNeeded: random.next()) / 8192)
        }
        try expectOrdered(triples) { left, right in
            if left.first != right.first { return bytesAscend(left.first, right.first) }
            if left.second != right.second {
                guard let first = left.second, let second = right.second else {
                    return left.second == nil
                }
                return bytesAscend(first, second)
            }
            return left.third < right.third
        }
        for triple in triples {
            let (first, second, third) = (triple.first, triple.second, triple.third)
            let bytes = try triple.keyBytes
            #expect(try KeyPair(first, KeyPair(second, third)).keyBytes == bytes)
            #expect(try KeyPair(KeyPair(first, second), third).keyBytes == bytes)
        }
    }

    @Test("a prefix holds the keys with its components and no others, up to the last key there is")
    func prefixes() throws {
        let short = strings(over: [0x00, 0x01, 0xFF], lengthMax: 3)
        let keys = short.flatMap { first in
            short.map { KeyTriple(first, UInt8($0.count) &- 1, $0) }
        }
        let encoded = try keys.map { key throws(DatabaseError) in try key.keyBytes }
        for first in short {
            let prefixes = [
                (try KeyTriple<Bytes, UInt8, Bytes>.prefix(first), nil as UInt8?),
                (try KeyTriple<Bytes, UInt8, Bytes>.prefix(first, .max), .max),
                (try KeyTriple<Bytes, UInt8, Bytes>.prefix(first, 1), 1),
            ]
            for (prefix, second) in prefixes {
                var wrongCount = 0
                for (key, bytes) in zip(keys, encoded) {
                    let belongs = key.first == first && (second == nil || key.second == second)
                    let isBetween =
                        !bytes.lexicographicallyPrecedes(prefix.lower)
                        && (prefix.upper.map { bytes.lexicographicallyPrecedes($0) } ?? true)
                    if belongs != isBetween || belongs != prefix.contains(bytes) { wrongCount += 1 }
                    if belongs != prefix.range.contains(bytes) { wrongCount += 1 }
                }
                #expect(wrongCount == 0)
            }
        }
        #expect(KeyPrefix([]).upper == nil)
        #expect(try KeyPair<UInt16, Bytes>.prefix(.max).upper == nil)
        #expect(try KeyPair<UInt16, Bytes>.prefix(0x01FF).upper == [0x02])
        #expect(KeyPrefix(text: "ab").upper == Bytes("ac".utf8))
    }

    @Test("a key or prefix over its limit is refused, one at its limit is not")
    func limits() throws {
        let longest = Bytes(repeating: 7, count: Limits.keyBytesMax)
        #expect(try longest.keyBytes == longest)
        #expect(throws: DatabaseError.self) { _ = try (longest + [7]).keyBytes }
        #expect(throws: DatabaseError.self) { _ = try KeyPair(longest, 1).keyBytes }
        #expect(throws: DatabaseError.self) { _ = try KeyPair<Bytes, Int>.prefix(longest) }
        do throws(DatabaseError) {
            _ = try (longest + [7]).keyBytes
        } catch {
            #expect(error.code == .valueTooLarge)
            #expect(error.message.contains("1025") && error.message.contains("keyBytesMax"))
        }
    }
}

@Suite("Key bytes that are no keys")
struct KeyGarbageTests {
    /// Decodes and, where that succeeds, expects the same bytes again.
    private func isDecodable<Key: OrderedKey>(_ bytes: Bytes, as _: Key.Type) -> Bool {
        do throws(DatabaseError) {
            #expect(try Key(keyBytes: bytes).keyBytes == bytes, "\(Key.self)")
            return true
        } catch {
            #expect(error.code == .valueUndecodable, "\(Key.self)")
            return false
        }
    }

    private func decodableCount<Key: OrderedKey>(_ all: [Bytes], as type: Key.Type) -> Int {
        all.count { isDecodable($0, as: type) }
    }

    @Test("of all byte strings of up to two bytes exactly the keys of a type are decoded")
    func exhaustive() {
        let all = strings(over: Bytes(UInt8.min...UInt8.max), lengthMax: 2)
        #expect(decodableCount(all, as: Bytes.self) == all.count)
        #expect(decodableCount(all, as: Int8.self) == 256)
        #expect(decodableCount(all, as: UInt16.self) == 65536)
        #expect(decodableCount(all, as: Bool.self) == 2)
        #expect(decodableCount(all, as: Int32.self) == 0)
        #expect(decodableCount(all, as: Double.self) == 0)
        // ASCII of up to two characters, and the scalars of two bytes.
        #expect(decodableCount(all, as: String.self) == 1 + 128 + 128 * 128 + 0x780)
        // Absent; or one byte less.
        #expect(decodableCount(all, as: Bytes?.self) == 1 + 1 + 256)
        #expect(decodableCount(all, as: Bool?.self) == 1 + 2)
        #expect(decodableCount(all, as: KeyPair<UInt8, Int8>.self) == 65536)
        // Nothing but an empty first component has its end so soon.
        #expect(decodableCount(all, as: KeyPair<Bytes, Bytes>.self) == 1)
        #expect(decodableCount(all, as: KeyPair<String, Bytes>.self) == 1)
        #expect(decodableCount(all, as: KeyPair<Bytes?, Bool>.self) == 2)
    }

    @Test("short strings of escapes and ends are decoded to one value each, or refused")
    func escapes() {
        let all = strings(over: [0x00, 0x01, 0xFE, 0xFF], lengthMax: 6)
        #expect(decodableCount(all, as: KeyPair<Bytes, Bytes>.self) > 0)
        #expect(decodableCount(all, as: KeyTriple<Bytes, Bytes, Bytes>.self) > 0)
        #expect(decodableCount(all, as: KeyPair<KeyPair<Bytes, Bytes?>, UInt8>.self) > 0)
        #expect(decodableCount([[0x61, 0x00]], as: KeyPair<Bytes, Bytes>.self) == 0)
        #expect(decodableCount([[0x61, 0x00, 0x01]], as: KeyPair<Bytes, Bytes>.self) == 0)
        #expect(decodableCount([[0x61, 0x00, 0xFF]], as: KeyPair<Bytes, Bytes>.self) == 0)
    }

    @Test("damaged keys are refused, or are the one encoding of another value")
    func fuzz() throws {
        typealias Key = KeyTriple<String, KeyPair<Double, Bytes?>, Int32>
        var mutations = Mutations(seed: 8)
        var random = SeededGenerator(seed: 9)
        var refusedCount = 0
        for _ in 0..<5000 * Mutations.factor {
            let key = Key(
                "a\u{0}é\(random.below(100))",
                KeyPair(
                    Double(random.below(1000)) - 500, random.chance(1, in: 2) ? nil : [0, 255]),
                Int32(truncatingIfNeeded: random.next()))
            #expect(isDecodable(try key.keyBytes, as: Key.self))
            if !isDecodable(mutations.damaged(try key.keyBytes), as: Key.self) { refusedCount += 1 }
            if !isDecodable(mutations.garbage(countMax: 40), as: Key.self) { refusedCount += 1 }
        }
        #expect(refusedCount > 0)
    }
}
