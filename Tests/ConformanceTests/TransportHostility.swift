import BlockRuntime
import BlockTransport
import BlockTransportZeroMQ
import Foundation
import Testing

@Suite("No transport is hurt by what it receives")
struct TransportHostility {
    /// A server, a client in good standing that is connected to it, and a raw peer.
    private final class Scene {
        let server: any Transport
        let client: any Transport
        let link: Endpoint
        let raw: any RawClient

        init(_ kind: TransportKind) throws {
            let harness = TransportHarness(kind)
            server = try harness.server()
            client = try harness.client()
            link = try client.connect(to: server.address())
            raw = try harness.rawClient(to: server.address())
            try checkOthersUnhurt()
        }

        /// The client's requests still arrive, as the only messages, and are answered.
        /// - Returns: How many malformed messages arrived meanwhile.
        @discardableResult
        func checkOthersUnhurt() throws -> Int {
            #expect(client.send(envelope(42), to: link) == .queued)
            var requests: [Inbound] = []
            var malformedCount = 0
            while requests.isEmpty {
                let arrivals = try server.receive(timeout: .seconds(5))
                try #require(!arrivals.isEmpty, "the request is lost")
                requests += arrivals.filter { if case .message = $0 { true } else { false } }
                malformedCount += arrivals.count
            }
            malformedCount -= requests.count
            guard case .message(let source, envelope(42))? = requests.first, requests.count == 1
            else { throw DatabaseError(.internalError, "other requests: \(requests)") }
            #expect(server.send(envelope(43), to: source) == .queued)
            #expect(try client.messages(1).map(\.envelope) == [envelope(43)])
            return malformedCount
        }
    }

    private static var goodHeader: Bytes { envelope(1).frames[0] }

    private static func header(replacing offset: Int, with byte: UInt8) -> Bytes {
        var header = goodHeader
        header[offset] = byte
        return header
    }

    @Test(
        "each malformed message is delivered as such, with its reason",
        arguments: TransportKind.allCases)
    func malformed(kind: TransportKind) throws {
        let scene = try Scene(kind)
        let cases: [(frames: [Bytes], code: ErrorCode, words: String)] = [
            ([[]], .malformedMessage, "1 frames"),
            ([[], []], .malformedMessage, "0 bytes"),
            ([[], [], []], .malformedMessage, "3 frames"),
            ([[1, 2, 3]], .malformedMessage, "1 frames"),
            ([[1, 2, 3], []], .malformedMessage, "3 bytes"),
            ([Self.goodHeader], .malformedMessage, "1 frames"),
            ([Self.goodHeader, [1], [2]], .malformedMessage, "3 frames"),
            ([[], Self.goodHeader, [1]], .malformedMessage, "3 frames"),
            ([Self.goodHeader.dropLast(), [1]].map { Bytes($0) }, .malformedMessage, "43 bytes"),
            ([Self.goodHeader + [0], [1]], .malformedMessage, "45 bytes"),
            ([Self.header(replacing: 0, with: 0x6F), [1]], .malformedMessage, "6f505459"),
            ([Self.header(replacing: 5, with: 2), [1]], .versionUnsupported, "version 2"),
            ([Self.header(replacing: 5, with: 0), []], .versionUnsupported, "version 0"),
        ]
        for (index, sample) in cases.enumerated() {
            scene.raw.send(sample.frames)
            let (source, error) = try scene.server.malformed()
            #expect(error.code == sample.code, "case \(index)")
            #expect(error.message.contains(sample.words), "case \(index): \(error.message)")
            #expect(error.outcome == .notApplied)
            // A reply is possible.
            #expect(scene.server.send(envelope(1), to: source) == .queued)
            #expect(scene.server.statistics.malformed == UInt64(index + 1))
        }
        #expect(try scene.checkOthersUnhurt() == 0)
    }

    @Test(
        "a message of ten thousand frames is counted and dropped",
        arguments: TransportKind.allCases)
    func overlong(kind: TransportKind) throws {
        let scene = try Scene(kind)
        var frames = [Bytes](repeating: [7], count: 10_000)
        frames[0] = Self.goodHeader
        scene.raw.send(frames)
        // Thrown away over several calls, which return nothing meanwhile.
        var arrivals: [Inbound] = []
        for _ in 0..<100 where arrivals.isEmpty {
            arrivals = try scene.server.receive(timeout: .seconds(5))
        }
        guard case .malformed(_, let error)? = arrivals.first, arrivals.count == 1 else {
            Issue.record("\(arrivals)")
            return
        }
        #expect(error.message.contains("10000 frames"))
        #expect(error.message.contains("limit is \(Limits.frameCountMax)"))
        #expect(scene.server.statistics.malformed == 1)
        scene.raw.send(envelope(8).frames)
        #expect(try scene.server.messages(1).map(\.envelope) == [envelope(8)])
        #expect(try scene.checkOthersUnhurt() == 0)
    }

    @Test(
        "random frames are all refused or understood, in their number",
        arguments: TransportKind.allCases)
    func randomFrames(kind: TransportKind) throws {
        let scene = try Scene(kind)
        var generator = SeededGenerator(seed: 0xF00D)
        let count = 500
        for _ in 0..<count {
            let frames = (0...generator.below(6)).map { _ in
                var frame = (0..<generator.below(90)).map { _ in
                    UInt8(truncatingIfNeeded: generator.next())
                }
                if generator.chance(1, in: 3) { frame = Self.goodHeader }
                return frame
            }
            scene.raw.send(frames)
        }
        #expect(try scene.server.arrivals(count).count == count)
        let statistics = scene.server.statistics
        #expect(statistics.malformed + statistics.messagesIn == UInt64(count + 1))
        #expect(statistics.malformed > 0)
        #expect(try scene.checkOthersUnhurt() == 0)
    }

    @Test(
        "a payload at the limit passes and one above it is refused",
        arguments: TransportKind.allCases)
    func frameLimit(kind: TransportKind) throws {
        let scene = try Scene(kind)
        var payload = Bytes(repeating: 0, count: Limits.frameBytesMax)
        payload[0] = 1
        payload[payload.count - 1] = 2
        let largest = envelope(6, payload: payload)
        #expect(scene.client.send(largest, to: scene.link) == .queued)
        #expect(try scene.server.messages(1).map(\.envelope) == [largest])

        payload.append(3)
        let larger = envelope(7, payload: payload)
        #expect(scene.client.send(larger, to: scene.link) == .oversized)
        #expect(scene.client.statistics.dropped == 1)
        #expect(try scene.checkOthersUnhurt() == 0)

        // A peer that sends it all the same: told so, or cut off before memory is taken for it.
        scene.raw.send(larger.frames)
        switch kind {
        case .loopback:
            let error = try scene.server.malformed().error
            #expect(error.message.contains("\(Limits.frameBytesMax)"))
            #expect(error.message.contains("\(payload.count)"))
        case .zeroMQ:
            #expect(try scene.server.receive(timeout: .milliseconds(500)).isEmpty)
        }
        #expect(try scene.checkOthersUnhurt() == 0)
    }

    @Test("a stranger that talks garbage over TCP disturbs nobody")
    func garbageOverTCP() throws {
        let scene = try Scene(.zeroMQ)
        let address = try scene.server.address()
        let parts = address.dropFirst("tcp://".count).split(separator: ":")
        let port = try #require(parts.last.flatMap { UInt16($0) })
        let host = String(try #require(parts.first))
        var generator = SeededGenerator(seed: 0xBAD)
        // A ZMTP 3 greeting with nothing behind it, an HTTP request, and noise.
        var greeting: Bytes = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0]
        greeting += Array("NULL".utf8) + Bytes(repeating: 0, count: 48)
        let web = Bytes("GET / HTTP/1.1\r\n\r\n".utf8)
        var talks: [Bytes] = [greeting, greeting + [0x04, 0xFF], web]
        for _ in 0..<30 {
            talks.append((0..<2000).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
        }
        var malformedCount = 0
        for talk in talks {
            let stranger = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            try #require(stranger >= 0)
            defer { close(stranger) }
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = port.bigEndian
            target.sin_addr.s_addr = inet_addr(host)
            let status = withUnsafePointer(to: &target) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(stranger, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(status == 0)
            #expect(send(stranger, talk, talk.count, Int32(MSG_NOSIGNAL)) == talk.count)
            malformedCount += try scene.checkOthersUnhurt()
        }
        // Noise may pass for the unversioned ZMTP 1, and then is a malformed message.
        malformedCount += try scene.server.receive(timeout: .milliseconds(100)).count
        #expect(scene.server.statistics.malformed == UInt64(malformedCount))
        #expect(scene.server.statistics.messagesIn == UInt64(talks.count + 1))
    }
}
