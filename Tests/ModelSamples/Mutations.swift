import BlockRuntime
import Foundation

/// Damage done to valid bytes, from a seed: what a decoder must survive.
package struct Mutations {
    package var random: SeededGenerator

    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// How much fuzzing a test does: 1, or what `OPTIMYSTIC_FUZZ_FACTOR` says.
    package static var factor: Int {
        ProcessInfo.processInfo.environment["OPTIMYSTIC_FUZZ_FACTOR"].flatMap(Int.init) ?? 1
    }

    /// Bytes without any sense, up to `countMax`.
    package mutating func garbage(countMax: Int) -> Bytes {
        (0..<random.below(countMax + 1)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// `bytes` with one to four wounds: cut, bits turned, lengths that lie, parts doubled or lost.
    package mutating func damaged(_ bytes: Bytes) -> Bytes {
        var bytes = bytes
        for _ in 0...random.below(4) { wound(&bytes) }
        return bytes
    }

    private mutating func wound(_ bytes: inout Bytes) {
        guard !bytes.isEmpty else {
            bytes = garbage(countMax: 16)
            return
        }
        let position = random.below(bytes.count)
        let end = min(bytes.count, position + 1 + random.below(16))
        switch random.below(8) {
        case 0: bytes.removeSubrange(position...)
        case 1: bytes[position] ^= 1 << UInt8(random.below(8))
        case 2: bytes[position] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
        case 3: bytes[position] = bytes[position] &+ 1
        case 4: bytes.replaceSubrange(position..<end, with: Bytes(repeating: 0xFF, count: 9) + [1])
        case 5: bytes.insert(contentsOf: bytes[position..<end], at: position)
        case 6: bytes.removeSubrange(position..<end)
        default: bytes.replaceSubrange(position..<end, with: Bytes(repeating: 0xFF, count: 4))
        }
    }
}
