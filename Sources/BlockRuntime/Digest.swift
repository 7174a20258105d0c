import Crypto

/// A SHA-256 value: 32 bytes, held inline as four big-endian words.
package struct Digest: Hashable, Sendable, Comparable {
    /// Length of every digest, in bytes.
    package static let byteCount = 32
    /// The digest whose bytes are all zero. It stands for "none" and is never the hash of anything.
    package static let zero = Digest(words: (0, 0, 0, 0))

    private let word0: UInt64
    private let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        (word0, word1, word2, word3) = words
    }

    /// - Returns: nil unless `bytes` is exactly 32 bytes long.
    package init?(_ bytes: some Collection<UInt8>) {
        // Read where they lie: generic code that goes byte by byte costs more than the hash.
        let digest = bytes.withContiguousStorageIfAvailable { Digest(UnsafeRawBufferPointer($0)) }
        guard let digest = digest ?? Bytes(bytes).withUnsafeBytes({ Digest($0) }) else {
            return nil
        }
        self = digest
    }

    /// - Returns: nil unless `raw` is exactly 32 bytes long.
    package init?(_ raw: UnsafeRawBufferPointer) {
        guard raw.count == Self.byteCount else { return nil }
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        self.init(words: (word(0), word(1), word(2), word(3)))
    }

    /// The SHA-256 of `domain`, one zero byte, and `bytes`.
    ///
    /// Every use of the hash has its own domain, so that a value made for one purpose can never be
    /// passed off as another.
    /// - Complexity: O(`bytes.count`).
    package init(domain: StaticString, _ bytes: Bytes) {
        var hasher = DigestBuilder(domain: domain)
        hasher.update(bytes)
        self = hasher.finalize()
    }

    fileprivate init(_ digest: SHA256.Digest) {
        self = digest.withUnsafeBytes { raw in
            func word(_ index: Int) -> UInt64 {
                UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
            }
            return Digest(words: (word(0), word(1), word(2), word(3)))
        }
    }

    /// The 32 bytes.
    package var bytes: Bytes {
        var bytes = Bytes()
        bytes.reserveCapacity(Self.byteCount)
        append(to: &bytes)
        return bytes
    }

    /// Appends the 32 bytes to `bytes`.
    package func append(to bytes: inout Bytes) {
        withUnsafeBytes(of: bigEndianWords) { bytes.append(contentsOf: $0) }
    }

    /// Copies the 32 bytes to `target`, which has room for them.
    package func store(to target: UnsafeMutableRawPointer) {
        withUnsafeBytes(of: bigEndianWords) { words in
            UnsafeMutableRawBufferPointer(start: target, count: Self.byteCount)
                .copyMemory(from: words)
        }
    }

    private var bigEndianWords: (UInt64, UInt64, UInt64, UInt64) {
        (word0.bigEndian, word1.bigEndian, word2.bigEndian, word3.bigEndian)
    }

    /// The first eight bytes as a number: what placement divides into shards.
    package var prefix64: UInt64 { word0 }

    package static func < (left: Digest, right: Digest) -> Bool {
        (left.word0, left.word1, left.word2, left.word3)
            < (right.word0, right.word1, right.word2, right.word3)
    }
}

extension Digest: CustomStringConvertible {
    /// 52 characters of base32.
    package var description: String { ByteText.base32(bytes) }

    /// - Returns: nil unless `text` is the base32 form of 32 bytes.
    package init?(base32 text: String) {
        guard let bytes = ByteText.bytes(base32: text) else { return nil }
        self.init(bytes)
    }
}

/// Builds a ``Digest`` from several pieces without joining them first.
package struct DigestBuilder {
    private var hasher = SHA256()

    /// Starts a hash in `domain`; see ``Digest/init(domain:_:)``.
    package init(domain: StaticString) {
        // A static string ends with a zero byte, which ends the domain here.
        let count = domain.utf8CodeUnitCount + 1
        hasher.update(
            bufferPointer: UnsafeRawBufferPointer(start: domain.utf8Start, count: count))
    }

    package mutating func update(_ bytes: Bytes) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hasher.update(bufferPointer: bytes)
    }

    package func finalize() -> Digest { Digest(hasher.finalize()) }
}
