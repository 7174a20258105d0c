import BlockRuntime
import BlockTransport
import Testing

@Suite("Envelope")
struct EnvelopeTests {
    private static let sample = Envelope(
        kind: 0x0102, correlation: 0x0304_0506_0708_090A, remainingMilliseconds: 0x0B0C_0D0E,
        cluster: Identifier128(0x1011_1213_1415_1617_1819_1A1B_1C1D_1E1F),
        trace: 0x2021_2223_2425_2627, payload: [0xAA, 0xBB])

    @Test("the header is the 44 bytes that the format says")
    func vector() {
        let expected =
            "4f505459" + "0001" + "0102" + "030405060708090a" + "0b0c0d0e"
            + "101112131415161718191a1b1c1d1e1f" + "2021222324252627"
        #expect(Self.sample.frames.count == 2)
        #expect(ByteText.hex(Self.sample.frames[0]) == expected)
        #expect(Self.sample.frames[1] == [0xAA, 0xBB])
        #expect(Self.sample.byteCount == 46)
    }

    @Test("what is encoded decodes to itself")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<2000 {
            let envelope = Envelope(
                kind: UInt16(truncatingIfNeeded: generator.next()), correlation: generator.next(),
                remainingMilliseconds: UInt32(truncatingIfNeeded: generator.next()),
                cluster: generator.identifier(), trace: generator.next(),
                payload: Bytes(repeating: 5, count: generator.below(100)))
            #expect(try Envelope(frames: envelope.frames) == envelope)
        }
    }

    @Test("every bit of the header changes what is decoded, or is refused")
    func everyBitCounts() {
        for bit in 0..<Envelope.headerByteCount * 8 {
            var frames = Self.sample.frames
            frames[0][bit / 8] ^= 1 << UInt8(bit % 8)
            let decoded = try? Envelope(frames: frames)
            #expect(decoded != Self.sample)
            #expect((decoded == nil) == (bit < 48))
        }
    }

    @Test("no length but 44 bytes is a header")
    func lengths() {
        for length in 0...200 where length != Envelope.headerByteCount {
            var header = Self.sample.frames[0] + Bytes(repeating: 0, count: 200)
            header.removeLast(header.count - length)
            let error = #expect(throws: DatabaseError.self) {
                try Envelope(frames: [header, []])
            }
            #expect(error?.code == .malformedMessage)
            #expect(error?.message.contains("\(length) bytes") == true)
        }
    }

    @Test("another version is named before the size of its header is judged")
    func otherVersion() {
        var header = Bytes(Self.sample.frames[0].prefix(10))
        header[4] = 0x12
        let error = #expect(throws: DatabaseError.self) { try Envelope(frames: [header, []]) }
        #expect(error?.code == .versionUnsupported)
        #expect(error?.message.contains("version \(0x1201)") == true)
    }

    @Test("a payload above the limit is refused with both figures")
    func payloadLimit() throws {
        var frames = Self.sample.frames
        frames[1] = Bytes(repeating: 0, count: Limits.frameBytesMax)
        #expect(try Envelope(frames: frames).isWithinLimits)
        frames[1].append(0)
        let error = #expect(throws: DatabaseError.self) { try Envelope(frames: frames) }
        #expect(error?.code == .malformedMessage)
        #expect(error?.message.contains("\(Limits.frameBytesMax)") == true)
        #expect(error?.message.contains("\(Limits.frameBytesMax + 1)") == true)
    }

    @Test("random and damaged frames decode to themselves or to a typed error")
    func fuzz() {
        var generator = SeededGenerator(seed: 0xF022)
        var decodedCount = 0
        for _ in 0..<20_000 {
            var frames = Self.sample.frames
            switch generator.below(4) {
            case 0:
                frames = (0..<generator.below(7)).map { _ in
                    (0..<generator.below(60)).map { _ in
                        UInt8(truncatingIfNeeded: generator.next())
                    }
                }
            case 1: frames[0][generator.below(44)] = UInt8(truncatingIfNeeded: generator.next())
            case 2: frames[0].removeLast(generator.below(45))
            default: frames.insert([1], at: generator.below(3))
            }
            do throws(DatabaseError) {
                let envelope = try Envelope(frames: frames)
                if envelope.frames != frames { Issue.record("\(frames) became \(envelope)") }
                decodedCount += 1
            } catch {
                if error.code != .malformedMessage && error.code != .versionUnsupported {
                    Issue.record("\(error)")
                }
            }
        }
        #expect(decodedCount > 2000)
    }

    @Test("a route keeps its bytes, whatever their length")
    func routes() {
        var seen = Set<Route>()
        for length in [0, 1, 2, 5, 7, 8, 9, 16, 255] {
            for filler in [UInt8(0), 1, 255] where length > 0 || filler == 0 {
                let bytes = Bytes(repeating: filler, count: length)
                let route = Route(bytes)
                #expect(route.bytes == bytes)
                #expect(route == Route(bytes))
                #expect(seen.insert(route).inserted)
            }
        }
        #expect(Route([0, 1, 2, 3, 4]).bytes == [0, 1, 2, 3, 4])
        #expect("\(Endpoint.route(Route([0, 0xAB])))" == "route 00ab")
    }
}
