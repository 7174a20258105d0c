import BlockChaos
import BlockRuntime
import Testing

/// Streams as ZeroMQ sends them.
enum Stream {
    static let greeting = Bytes(repeating: 0xAA, count: 64)

    static func frame(_ body: Bytes, more: Bool = false, command: Bool = false) -> Bytes {
        var flags: UInt8 = (more ? 1 : 0) | (command ? 4 : 0)
        guard body.count > 255 else { return [flags, UInt8(body.count)] + body }
        flags |= 2
        return [flags] + withUnsafeBytes(of: UInt64(body.count).bigEndian) { Bytes($0) } + body
    }

    static func message(_ frames: Bytes...) -> Bytes {
        frames.enumerated().flatMap { frame($1, more: $0 < frames.count - 1) }
    }
}

@Suite("The filter of a relay") struct MessageFilterTests {
    private let small = Stream.message([1], [2, 2])
    private let large = Stream.message(Bytes(repeating: 7, count: 1000), [], [9])
    private let heartbeat = Stream.frame([4, 0x50, 0x49], command: true)

    /// Passes `stream` in parts of `partCount` bytes; drops the messages with these numbers.
    private func passed(
        _ stream: Bytes, partCount: Int, dropping dropped: Set<Int>
    ) -> (Bytes, MessageFilter) {
        var filter = MessageFilter()
        var result = Bytes()
        var number = 0
        for start in stride(from: 0, to: stream.count, by: partCount) {
            result += filter.pass(Bytes(stream[start...].prefix(partCount))) {
                defer { number += 1 }
                return dropped.contains(number)
            }
        }
        return (result, filter)
    }

    @Test(
        "A stream of which nothing is dropped passes as it is, however it is cut up",
        arguments: [1, 2, 7, 64, 4096])
    func verbatim(partCount: Int) {
        let stream = Stream.greeting + small + heartbeat + large + small
        let (result, filter) = passed(stream, partCount: partCount, dropping: [])
        #expect(result == stream)
        #expect(filter.droppedMessageCount == 0)
    }

    @Test(
        "A message is dropped whole, with every frame of it and nothing else",
        arguments: [1, 3, 64, 4096])
    func whole(partCount: Int) {
        let stream = Stream.greeting + small + heartbeat + large + heartbeat + small + large
        let (result, filter) = passed(stream, partCount: partCount, dropping: [1, 2])
        #expect(result == Stream.greeting + small + heartbeat + heartbeat + large)
        #expect(filter.droppedMessageCount == 2)
    }

    @Test("A command between the frames of a dropped message passes")
    func command() {
        let stream =
            Stream.greeting + Stream.frame([1], more: true) + heartbeat + Stream.frame([2]) + small
        let (result, _) = passed(stream, partCount: 5, dropping: [0])
        #expect(result == Stream.greeting + heartbeat + small)
    }
}
