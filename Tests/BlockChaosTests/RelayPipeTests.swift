import BlockChaos
import BlockRuntime
import Testing

@Suite("The buffer of a relay") struct RelayPipeTests {
    private var generator = SeededGenerator(seed: 7)

    private func at(_ milliseconds: Int) -> Instant {
        Instant.origin.advanced(by: .milliseconds(milliseconds))
    }

    @Test("What is read is written in the same order, and may be written in parts")
    mutating func order() throws {
        var pipe = RelayPipe(byteCountMax: 100)
        pipe.take([1, 2, 3], at: at(0), .healthy, using: &generator)
        pipe.take([4], at: at(0), .healthy, using: &generator)
        #expect(pipe.byteCount == 4)
        #expect(pipe.room == 96)
        #expect(try Bytes(#require(pipe.due(at: at(0)))) == [1, 2, 3])
        pipe.wrote(2)
        #expect(try Bytes(#require(pipe.due(at: at(0)))) == [3])
        pipe.wrote(1)
        #expect(try Bytes(#require(pipe.due(at: at(0)))) == [4])
        pipe.wrote(1)
        #expect(pipe.isEmpty)
        #expect(pipe.due(at: at(9)) == nil)
    }

    @Test("A delay holds bytes back for its time, and nothing overtakes them")
    mutating func delay() throws {
        var slow = LinkCondition()
        slow.delay = .milliseconds(50)
        slow.jitter = .milliseconds(30)
        var pipe = RelayPipe(byteCountMax: 100)
        pipe.take([1], at: at(0), slow, using: &generator)
        // The link is fast again, but these bytes stand behind slow ones.
        pipe.take([2], at: at(1), .healthy, using: &generator)
        #expect(pipe.due(at: at(49)) == nil)
        let release = try #require(pipe.nextRelease)
        #expect(release >= at(50))
        #expect(release < at(80))
        #expect(try Bytes(#require(pipe.due(at: release))) == [1])
        pipe.wrote(1)
        #expect(try Bytes(#require(pipe.due(at: release))) == [2])
    }

    @Test("A full buffer has no room until something is written")
    mutating func bounded() {
        var pipe = RelayPipe(byteCountMax: 64)
        pipe.take(Bytes(repeating: 1, count: 64), at: at(0), .healthy, using: &generator)
        #expect(pipe.room == 0)
        pipe.wrote(10)
        #expect(pipe.room == 10)
    }

    @Test("Of a thousand messages about as many are lost as the condition says")
    mutating func loss() {
        var lossy = LinkCondition()
        lossy.lossRate = 200
        var pipe = RelayPipe(byteCountMax: 100_000)
        pipe.take(Stream.greeting, at: at(0), .healthy, using: &generator)
        for _ in 0..<1000 {
            pipe.take(Stream.message([1, 2], [3]), at: at(0), lossy, using: &generator)
        }
        #expect((150...250).contains(pipe.droppedMessageCount))
        // Seven bytes each: what was lost takes no room.
        #expect(pipe.byteCount == 64 + (1000 - pipe.droppedMessageCount) * 7)
    }
}
