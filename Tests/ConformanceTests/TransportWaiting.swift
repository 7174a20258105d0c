import BlockRuntime
import BlockTransport
import BlockTransportZeroMQ
import Foundation
import Testing

@Suite("Every transport waits as asked, opens and closes")
struct TransportWaiting {
    @Test("a wait ends at its timeout and not before", arguments: TransportKind.allCases)
    func timeout(kind: TransportKind) throws {
        let transport = try TransportHarness(kind).server()
        for milliseconds in [0, 1, 30, 120] {
            let start = ContinuousClock.now
            #expect(try transport.receive(timeout: .milliseconds(milliseconds)).isEmpty)
            let elapsed = ContinuousClock.now - start
            #expect(elapsed >= .milliseconds(milliseconds))
            #expect(elapsed < .milliseconds(milliseconds + 2000))
        }
        let start = ContinuousClock.now
        #expect(try transport.receive(timeout: .microseconds(300)).isEmpty)
        #expect(ContinuousClock.now - start >= .microseconds(300))
    }

    @Test("another thread ends an endless wait", arguments: TransportKind.allCases)
    func wake(kind: TransportKind) throws {
        let transport = try TransportHarness(kind).server()
        let waker = transport.waker
        let start = ContinuousClock.now
        Thread.detachNewThread {
            usleep(50_000)
            waker.wake()
        }
        #expect(try transport.receive(timeout: nil).isEmpty)
        #expect(ContinuousClock.now - start >= .milliseconds(50))
    }

    @Test("wake-ups before a wait count once", arguments: TransportKind.allCases)
    func earlyWake(kind: TransportKind) throws {
        let transport = try TransportHarness(kind).server()
        for _ in 0..<5 { transport.waker.wake() }
        let start = ContinuousClock.now
        #expect(try transport.receive(timeout: .seconds(20)).isEmpty)
        #expect(ContinuousClock.now - start < .seconds(10))
        let second = ContinuousClock.now
        #expect(try transport.receive(timeout: .milliseconds(60)).isEmpty)
        #expect(ContinuousClock.now - second >= .milliseconds(60))
    }

    @Test("a waker outlives its transport", arguments: TransportKind.allCases)
    func lateWake(kind: TransportKind) throws {
        var transport: (any Transport)? = try TransportHarness(kind).server()
        let waker = try #require(transport?.waker)
        transport?.close()
        waker.wake()
        transport = nil
        waker.wake()
        let next = try TransportHarness(kind).server()
        waker.wake()
        let start = ContinuousClock.now
        #expect(try next.receive(timeout: .milliseconds(30)).isEmpty)
        #expect(ContinuousClock.now - start >= .milliseconds(30))
    }

    @Test("a mailbox reaches a waiting loop", arguments: TransportKind.allCases)
    func mailbox(kind: TransportKind) throws {
        let transport = try TransportHarness(kind).server()
        let mailbox = Mailbox<Int>(waker: transport.waker)
        Thread.detachNewThread {
            for number in 0..<1000 {
                do { try mailbox.post(number) } catch { Issue.record("\(error)") }
            }
        }
        var taken: [Int] = []
        while taken.count < 1000 {
            #expect(try transport.receive(timeout: .seconds(20)).isEmpty)
            taken += mailbox.drain()
        }
        #expect(taken == Array(0..<1000))
    }

    @Test("threads exchange requests and replies", arguments: TransportKind.allCases)
    func threads(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let client = try harness.client()
        defer { client.close() }
        let server = try harness.server()
        let link = try client.connect(to: server.address())
        let echo = EchoThread(server)
        for round in 0..<500 {
            #expect(client.send(envelope(round), to: link) == .queued)
            #expect(try client.messages(1).map(\.envelope) == [envelope(round)])
        }
        echo.stop()
    }

    @Test(
        "a closed transport says so and closing again is nothing",
        arguments: TransportKind.allCases)
    func closed(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: server.address())
        client.close()
        client.close()
        #expect(client.send(envelope(1), to: link) == .unroutable)
        client.disconnect(link)
        expect(.shuttingDown) { _ = try client.receive(timeout: .zero) }
        expect(.shuttingDown) { _ = try client.connect(to: "loopback://elsewhere") }
    }

    @Test("a second server at an address is refused by name", arguments: TransportKind.allCases)
    func addressInUse(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let address = try server.address()
        let error = expect(.addressInUse) { _ = try harness.server(at: address) }
        #expect(error?.message.contains("\"\(address)\"") == true)
        // The refused one has left nothing behind: the address serves on.
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: address)
        #expect(client.send(envelope(1), to: link) == .queued)
        #expect(try server.messages(1).count == 1)
    }

    @Test("an address that cannot work is refused by name", arguments: TransportKind.allCases)
    func badAddress(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        for address in ["", "nonsense", "carrier-pigeon://a:1", "tcp:", "tcp://"] {
            let bind = expect(.configurationInvalid) { _ = try harness.server(at: address) }
            #expect(bind?.message.contains("\"\(address)\"") == true)
            let client = try harness.client()
            defer { client.close() }
            let connect = expect(.configurationInvalid) { _ = try client.connect(to: address) }
            #expect(connect?.message.contains("\"\(address)\"") == true)
        }
    }

    @Test("the free port that was taken is reported")
    func freePort() throws {
        for wildcard in ["tcp://127.0.0.1:*", "tcp://127.0.0.1:0"] {
            let address = try #require(try ZeroMQTransport(address: wildcard).boundAddress)
            let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
            #expect(port > 0)
            #expect(address.hasPrefix("tcp://127.0.0.1:"))
        }
    }

    @Test("two transports share a context and outlive its creator")
    func sharedContext() throws {
        var context: ZeroMQContext? = try ZeroMQContext()
        let server = try ZeroMQTransport(context: context, address: "inproc://shared")
        let client = try ZeroMQTransport(context: context)
        context = nil
        let link = try client.connect(to: "inproc://shared")
        #expect(client.send(envelope(1, payload: [7]), to: link) == .queued)
        #expect(try server.messages(1).map(\.envelope) == [envelope(1, payload: [7])])
        #expect(ZeroMQContext.libraryDescription.hasPrefix("libzmq 4."))
    }

    @discardableResult
    private func expect(
        _ code: ErrorCode, _ body: () throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> DatabaseError? {
        let error = #expect(
            throws: DatabaseError.self, sourceLocation: sourceLocation, performing: body)
        #expect(error?.code == code, sourceLocation: sourceLocation)
        return error
    }
}

/// Answers every request with itself, on a thread of its own, until it is stopped.
final class EchoThread: @unchecked Sendable {
    // SAFETY: the transport is used by the echo thread alone until `ended` is signalled.
    private let transport: any Transport
    private let waker: Waker
    private let commands: Mailbox<Bool>
    private let ended = DispatchSemaphore(value: 0)

    init(_ transport: any Transport) {
        self.transport = transport
        waker = transport.waker
        commands = Mailbox(waker: transport.waker)
        Thread.detachNewThread { [self] in
            run()
            ended.signal()
        }
    }

    private func run() {
        do {
            while commands.drain().isEmpty {
                for case .message(let source, let envelope) in try transport.receive(timeout: nil) {
                    _ = transport.send(envelope, to: source)
                }
            }
        } catch {
            Issue.record("\(error)")
        }
    }

    func stop() {
        try? commands.post(true)
        ended.wait()
    }
}
