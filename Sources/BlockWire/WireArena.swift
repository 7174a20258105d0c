import BlockRuntime
import CProtocol

/// Memory of one message while it is converted: taken in a few chunks, given back all at once.
///
/// protobuf-c wants a pointer for each field and message. A bump allocator makes each of them a
/// few instructions, and its budget bounds what a hostile frame can make this process allocate.
package final class WireArena {
    private static let alignment = MemoryLayout<UInt64>.alignment
    private static let firstChunkBytes = 4096

    private let bytesMax: Int
    private let allocationCountMax: Int
    private var chunks: [UnsafeMutableRawPointer] = []
    private var cursor: UnsafeMutableRawPointer?
    private var chunkBytesLeft = 0
    private var chunkBytes: Int

    /// Bytes taken from the system.
    package private(set) var bytesReserved = 0
    package private(set) var allocationCount = 0
    /// Whether an allocation was refused.
    package private(set) var isExhausted = false

    /// An arena for a message that this process makes: not bounded, since its parts are.
    /// - Parameter bytesExpected: What the message takes, roughly.
    init(bytesExpected: Int = firstChunkBytes) {
        bytesMax = .max
        allocationCountMax = .max
        chunkBytes = max(bytesExpected, Self.firstChunkBytes)
    }

    /// An arena to unpack a frame of `frameByteCount` bytes that came from outside.
    package init(unpackingFrameOf frameByteCount: Int) {
        bytesMax = Self.budget(frameByteCount: frameByteCount)
        allocationCountMax = Limits.unpackAllocationCountMax
        chunkBytes = min(max(2 * frameByteCount, Self.firstChunkBytes), bytesMax)
    }

    deinit {
        for chunk in chunks { chunk.deallocate() }
    }

    /// The most bytes that unpacking a frame may take.
    package static func budget(frameByteCount: Int) -> Int {
        let scaled = min(
            frameByteCount * Limits.unpackFactor, frameByteCount + Limits.unpackBytesMax)
        return scaled + Limits.unpackBytesMin
    }

    /// - Returns: nil when the budget is spent.
    package func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount <= bytesMax, allocationCount < allocationCountMax else { return refuse() }
        let rounded = (byteCount + Self.alignment - 1) & ~(Self.alignment - 1)
        if rounded > chunkBytesLeft || cursor == nil {
            guard let chunk = addChunk(atLeast: rounded) else { return refuse() }
            cursor = chunk
        }
        let start = cursor
        cursor = start.map { $0 + rounded }
        chunkBytesLeft -= rounded
        allocationCount += 1
        return start
    }

    private func refuse() -> UnsafeMutableRawPointer? {
        isExhausted = true
        return nil
    }

    private func addChunk(atLeast byteCount: Int) -> UnsafeMutableRawPointer? {
        let budgetLeft = bytesMax - bytesReserved
        guard byteCount <= budgetLeft else { return nil }
        let size = min(max(chunkBytes, byteCount), budgetLeft)
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: Self.alignment)
        chunks.append(chunk)
        bytesReserved += size
        chunkBytesLeft = size
        chunkBytes = min(chunkBytes, 1 << 19) * 2
        invariant(bytesReserved <= bytesMax, "\(bytesReserved) bytes of \(bytesMax) are reserved")
        return chunk
    }

    /// Calls `body` with an allocator for protobuf-c that takes from this arena and frees nothing.
    package func withAllocator<Result>(
        _ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result
    ) -> Result {
        var allocator = ProtobufCAllocator(
            alloc: { context, byteCount in
                guard let context else { return nil }
                return Unmanaged<WireArena>.fromOpaque(context).takeUnretainedValue()
                    .allocate(byteCount)
            },
            free: { _, _ in },
            allocator_data: Unmanaged.passUnretained(self).toOpaque())
        return withExtendedLifetime(self) { withUnsafeMutablePointer(to: &allocator, body) }
    }
}

// MARK: - Building messages

extension WireArena {
    private func memory(_ byteCount: Int) -> UnsafeMutableRawPointer {
        guard let memory = allocate(byteCount) else {
            fatalError("invariant: an arena for outgoing messages has no budget to exceed")
        }
        return memory
    }

    /// A new message: cleared by `initialize` (the generated `…__init`), then filled by `fill`.
    func make<Message>(
        _ initialize: (UnsafeMutablePointer<Message>?) -> Void,
        _ fill: (inout Message) -> Void = { _ in }
    ) -> UnsafeMutablePointer<Message> {
        let message = memory(MemoryLayout<Message>.size).bindMemory(to: Message.self, capacity: 1)
        initialize(message)
        fill(&message.pointee)
        return message
    }

    /// A copy of `bytes` that lives as long as the arena.
    func bytes(_ bytes: Bytes) -> ProtobufCBinaryData {
        bytes.withUnsafeBytes { copy($0) }
    }

    /// The UTF-8 of `text`.
    func text(_ text: String) -> ProtobufCBinaryData {
        var text = text
        return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    func identifier(_ identifier: Identifier128) -> ProtobufCBinaryData {
        withUnsafeBytes(of: identifier.value.bigEndian) { copy($0) }
    }

    func digest(_ digest: Digest) -> ProtobufCBinaryData {
        let target = memory(Digest.byteCount)
        digest.store(to: target)
        return ProtobufCBinaryData(
            len: Digest.byteCount, data: target.assumingMemoryBound(to: UInt8.self))
    }

    /// No bytes stand for nil.
    func digest(_ digest: Digest?) -> ProtobufCBinaryData {
        digest.map { self.digest($0) } ?? ProtobufCBinaryData()
    }

    /// Pointers to the messages that `make` builds from `values`; nil for none.
    func list<Value, Message>(
        _ values: [Value], _ make: (Value) -> UnsafeMutablePointer<Message>
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message>?>? {
        guard !values.isEmpty else { return nil }
        typealias Element = UnsafeMutablePointer<Message>?
        let pointers = memory(values.count * MemoryLayout<Element>.stride)
            .bindMemory(to: Element.self, capacity: values.count)
        for (position, value) in values.enumerated() { pointers[position] = make(value) }
        return pointers
    }

    /// Scalars or byte strings side by side; nil for none.
    func array<Value, Element: BitwiseCopyable>(
        _ values: [Value], _ convert: (Value) -> Element
    ) -> UnsafeMutablePointer<Element>? {
        guard !values.isEmpty else { return nil }
        let elements = memory(values.count * MemoryLayout<Element>.stride)
            .bindMemory(to: Element.self, capacity: values.count)
        for (position, value) in values.enumerated() {
            (elements + position).initialize(to: convert(value))
        }
        return elements
    }

    private func copy(_ source: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
        guard let base = source.baseAddress, !source.isEmpty else { return ProtobufCBinaryData() }
        let target = memory(source.count)
        target.copyMemory(from: base, byteCount: source.count)
        return ProtobufCBinaryData(
            len: source.count, data: target.assumingMemoryBound(to: UInt8.self))
    }
}
