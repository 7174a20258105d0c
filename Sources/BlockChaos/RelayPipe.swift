import BlockRuntime

/// One direction of a relayed connection: what was read and not written yet, in a bounded buffer.
///
/// Pure: the relayed connection reads and writes the sockets, and reads no more than there is
/// ``room`` for.
package struct RelayPipe: Sendable {
    private struct Chunk {
        let release: Instant
        var bytes: Bytes
        /// Of `bytes`, from the front.
        var writtenCount = 0
    }

    private var chunks: [Chunk] = []
    private var filter = MessageFilter()
    private var lastRelease = Instant.origin
    package private(set) var byteCount = 0
    /// Bytes that it holds at most.
    package let byteCountMax: Int

    package init(byteCountMax: Int = Limits.relayBufferBytesMax) {
        self.byteCountMax = byteCountMax
    }

    /// Bytes that may be read.
    package var room: Int { max(0, byteCountMax - byteCount) }
    package var isEmpty: Bool { chunks.isEmpty }
    package var droppedMessageCount: Int { filter.droppedMessageCount }

    /// Takes what was read.
    package mutating func take(
        _ bytes: Bytes, at now: Instant, _ condition: LinkCondition,
        using generator: inout SeededGenerator
    ) {
        let passed = filter.pass(bytes) {
            condition.lossRate > 0 && generator.chance(condition.lossRate, in: 1000)
        }
        guard !passed.isEmpty else { return }
        var delay = condition.delay
        if condition.jitter > .zero {
            delay += .nanoseconds(Int64(generator.below(Int(condition.jitter.nanoseconds))))
        }
        // A stream keeps its order: nothing overtakes what was read before.
        let release = max(lastRelease, now.advanced(by: delay))
        lastRelease = release
        chunks.append(Chunk(release: release, bytes: passed))
        byteCount += passed.count
        // A header kept back comes with the bytes after it.
        invariant(
            byteCount <= byteCountMax + 8, "a relay read \(byteCount) of \(byteCountMax) bytes")
    }

    /// What may be written now.
    package func due(at now: Instant) -> ArraySlice<UInt8>? {
        guard let first = chunks.first, first.release <= now else { return nil }
        return first.bytes[first.writtenCount...]
    }

    /// When more may be written, should nothing be read; nil when nothing waits.
    package var nextRelease: Instant? { chunks.first?.release }

    /// Notes that `count` bytes of ``due(at:)`` were written.
    package mutating func wrote(_ count: Int) {
        guard var first = chunks.first else {
            return invariant(false, "nothing was there to write")
        }
        first.writtenCount += count
        byteCount -= count
        if first.writtenCount == first.bytes.count {
            chunks.removeFirst()
        } else {
            chunks[0] = first
        }
    }
}
