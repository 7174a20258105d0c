import BlockRuntime

/// One record of a load test: where it is, and what its value says of who wrote it.
///
/// A value can be checked without knowing anything else: its bytes follow from the four numbers in
/// its head, so half of one value beside half of another is found.
package struct LoadRecord: Hashable, Sendable {
    /// Who loaded the records that were there first. Clients count from 1.
    package static let loader = 0
    /// Bytes of the smallest value: the head and one byte.
    package static let valueBytesMin = headBytes + 1
    private static let headBytes = 32

    package let number: Int
    package let client: Int
    /// Counts the writes of the client, from 1; the number of the record for the loader.
    package let sequence: Int
    /// Read-modify-writes that made it what it is.
    package let count: Int

    package init(number: Int, client: Int, sequence: Int, count: Int = 0) {
        self.number = number
        self.client = client
        self.sequence = sequence
        self.count = count
    }

    package static func loaded(_ number: Int) -> LoadRecord {
        LoadRecord(number: number, client: loader, sequence: number)
    }

    /// A number for another, one to one, without any order left.
    static func scramble(_ number: Int) -> UInt64 {
        var generator = SeededGenerator(seed: UInt64(number))
        return generator.next()
    }

    /// The key of a record. Records that follow one another are far apart, as in YCSB, where keys
    /// are hashes too; two never have the same key.
    package static func key(_ number: Int) -> Bytes {
        var digits = Bytes("user".utf8)
        let scrambled = scramble(number)
        for shift in stride(from: 60, through: 0, by: -4) {
            digits.append(Bytes("0123456789abcdef".utf8)[Int(scrambled >> UInt64(shift) & 15)])
        }
        return digits
    }

    /// The numbers from 0, so many, in the order of their keys.
    package static func numbersByKey(_ count: Int) -> [Int] {
        (0..<count).map { (scramble($0), $0) }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// The value of the record in so many bytes, ``valueBytesMin`` at least. What follows the head
    /// cannot be compressed.
    package func value(byteCount: Int) -> Bytes {
        invariant(byteCount >= LoadRecord.valueBytesMin, "a value of \(byteCount) bytes")
        var bytes = Bytes()
        bytes.reserveCapacity(byteCount + 8)
        for field in [number, client, sequence, count] {
            LoadRecord.append(UInt64(field), to: &bytes)
        }
        let seed = UInt64(client) << 48 ^ UInt64(sequence) << 16 ^ UInt64(count)
        var padding = SeededGenerator(seed: seed)
        while bytes.count < byteCount { LoadRecord.append(padding.next(), to: &bytes) }
        bytes.removeLast(bytes.count - byteCount)
        return bytes
    }

    /// - Returns: nil for a value that no client and no loader ever made.
    package init?(value: Bytes) {
        guard value.count >= LoadRecord.valueBytesMin else { return nil }
        let fields = (0..<4).map { field in
            value[(field * 8)..<(field * 8 + 8)].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        }
        guard fields.allSatisfy({ $0 <= UInt64(Int.max) }) else { return nil }
        self.init(
            number: Int(fields[0]), client: Int(fields[1]), sequence: Int(fields[2]),
            count: Int(fields[3]))
        guard self.value(byteCount: value.count) == value else { return nil }
    }

    private static func append(_ number: UInt64, to bytes: inout Bytes) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
        }
    }
}
