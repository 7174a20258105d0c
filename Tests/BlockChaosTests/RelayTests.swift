import BlockChaos
import BlockDeployment
import BlockRuntime
import Testing

@Suite("The relay", .serialized) struct RelayTests {
    private let link = Link(from: nil, to: LocalCluster.Member(.clientProxy, 1))
    private let environment = Environment.live()
    private let relay: Relay
    private let target: TestSocket
    private let port: UInt16

    init() throws {
        var generator = environment.generator()
        let ports = try LoopbackPorts.take(2, using: &generator)
        port = ports[0]
        target = try #require(TestSocket.listening(at: ports[1]))
        relay = try Relay.start(
            [Relay.Route(link, port: ports[0], targetPort: ports[1])], environment: environment,
            generator: SeededGenerator(seed: 3))
    }

    private func apply(_ change: (inout LinkCondition) -> Void) {
        var condition = LinkCondition()
        change(&condition)
        relay.apply([link: condition])
        // The relay looks at its conditions at least every 5 ms.
        wait(.milliseconds(50))
    }

    private func wait(_ duration: Duration) {
        let end = environment.now().advanced(by: duration)
        while environment.now() < end { _ = target.hasNews(within: 5) }
    }

    private func connect() throws -> (source: TestSocket, target: TestSocket) {
        let source = try #require(TestSocket.connected(to: port))
        return (source, try #require(target.accepted()))
    }

    @Test("What goes in comes out, in both directions, and is counted")
    func transparent() throws {
        defer { relay.close() }
        let (source, target) = try connect()
        let stream = Stream.greeting + Stream.message(Bytes(repeating: 5, count: 200_000))
        source.write(stream)
        #expect(target.read(stream.count) == stream)
        target.write(Stream.greeting)
        #expect(source.read(64) == Stream.greeting)
        wait(.milliseconds(20))
        #expect(relay.counts.connections == 1)
        #expect(relay.counts.relayedBytes == stream.count + 64)
        #expect(relay.counts.droppedMessages == 0)
    }

    @Test("A delayed link delivers later, and all of it")
    func delay() throws {
        defer { relay.close() }
        let (source, target) = try connect()
        apply { $0.delay = .milliseconds(200) }
        let start = environment.now()
        source.write(Stream.greeting)
        #expect(target.read(64) == Stream.greeting)
        #expect(environment.now().since(start) >= .milliseconds(200))
    }

    @Test("A lossy link leaves out whole messages and counts them")
    func loss() throws {
        defer { relay.close() }
        let (source, target) = try connect()
        source.write(Stream.greeting)
        #expect(target.read(64) == Stream.greeting)
        apply { $0.lossRate = 1000 }
        source.write(Stream.message([1], [2]))
        #expect(!target.hasNews(within: 100))
        apply { $0.lossRate = 0 }
        source.write(Stream.message([3]))
        #expect(target.read(3) == Stream.message([3]))
        wait(.milliseconds(20))
        #expect(relay.counts.droppedMessages == 1)
    }

    @Test("A link that is cut one way still delivers the other way, and all when it is healed")
    func oneWay() throws {
        defer { relay.close() }
        let (source, target) = try connect()
        apply { $0.holdsRequests = true }
        source.write(Stream.greeting)
        target.write(Stream.greeting)
        #expect(source.read(64) == Stream.greeting)
        #expect(!target.hasNews(within: 100))
        relay.apply([:])
        #expect(target.read(64) == Stream.greeting)
    }

    @Test("A sender to a link that is cut is held up: nothing piles up in the relay")
    func bounded() throws {
        defer { relay.close() }
        let (source, target) = try connect()
        apply { $0.holdsReplies = true }
        // The target does not read: the buffers of the system and of the relay fill up.
        let part = Bytes(repeating: 1, count: 1 << 20)
        var taken = 0
        var silence = 0
        while silence < 20, taken < 256 << 20 {
            let count = source.writeWhatFits(part)
            taken += count
            silence = count == 0 ? silence + 1 : 0
            wait(.milliseconds(10))
        }
        // Both sockets' buffers, a few MiB each at most, and the relay's. A system that is short of
        // time may still take some, now and then.
        #expect(taken < 64 << 20)
        #expect(relay.counts.relayedBytes + Limits.relayBufferBytesMax < 64 << 20)
        #expect(target.read(1000)?.count == 1000)
    }

    @Test("A half-open link breaks the target's end alone; what is sent then vanishes")
    func halfOpen() throws {
        defer { relay.close() }
        let (source, target) = try connect()
        source.write(Stream.greeting)
        #expect(target.read(64) == Stream.greeting)
        apply { $0.isHalfOpen = true }
        #expect(target.isEnded)
        #expect(source.write([1, 2, 3]))
        #expect(!source.hasNews(within: 100))
        // Whoever comes anew is taken and never answered.
        let other = try #require(TestSocket.connected(to: port))
        other.write(Stream.greeting)
        #expect(!other.hasNews(within: 100))
        #expect(relay.counts.halfOpenConnections == 2)
        // Healed, both are told at last.
        relay.apply([:])
        #expect(source.isEnded)
        #expect(other.isEnded)
    }

    @Test("A reset breaks both ends once; the next connection works")
    func reset() throws {
        defer { relay.close() }
        let (source, target) = try connect()
        relay.reset([link])
        #expect(source.isEnded)
        #expect(target.isEnded)
        let (second, answering) = try connect()
        second.write(Stream.greeting)
        #expect(answering.read(64) == Stream.greeting)
        // What was counted is told the next time that the relay looks at its conditions.
        wait(.milliseconds(50))
        #expect(relay.counts.resetConnections == 1)
    }

    @Test("A target that is gone is as good as gone for the source")
    func refused() throws {
        defer { relay.close() }
        let (source, accepted) = try connect()
        accepted.close()
        #expect(source.isEnded)
        target.close()
        let second = try #require(TestSocket.connected(to: port))
        #expect(second.isEnded)
    }
}
