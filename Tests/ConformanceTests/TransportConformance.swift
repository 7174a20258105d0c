import BlockRuntime
import BlockStorage
import BlockTransport
import Foundation
import Testing

@Suite("Every transport carries messages")
struct TransportConformance {
    @Test(
        "a request reaches the server and its reply the client",
        arguments: TransportKind.allCases)
    func roundTrip(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: server.address())
        let request = envelope(1, payload: [1, 2, 3])
        #expect(client.send(request, to: link) == .queued)

        let received = try server.messages(1)
        #expect(received.map(\.envelope) == [request])
        let source = try #require(received.first?.from)
        let reply = envelope(2)
        #expect(server.send(reply, to: source) == .queued)

        let answer = try client.messages(1)
        #expect(answer.map(\.envelope) == [reply])
        #expect(answer.map(\.from) == [link])
        #expect(server.statistics.messagesIn == 1)
        #expect(server.statistics.messagesOut == 1)
        #expect(server.statistics.bytesIn == 47)
        #expect(server.statistics.bytesOut == 44)
        #expect(server.statistics.malformed == 0)
        #expect(server.statistics.dropped == 0)
    }

    @Test("a link keeps the order of its messages", arguments: TransportKind.allCases)
    func order(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: server.address())
        let sent = (1...3000).map { envelope($0, payload: Bytes(repeating: 9, count: $0 % 50)) }
        for envelope in sent { #expect(client.send(envelope, to: link) == .queued) }
        #expect(try server.messages(sent.count).map(\.envelope) == sent)
    }

    @Test("each of many clients gets its own replies", arguments: TransportKind.allCases)
    func manyClients(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let clients = try (0..<12).map { _ in try harness.client() }
        let links = try clients.map { try $0.connect(to: server.address()) }
        for round in 0..<20 {
            for (index, client) in clients.enumerated() {
                let request = envelope(index * 100 + round)
                #expect(client.send(request, to: links[index]) == .queued)
            }
        }
        for (source, request) in try server.messages(12 * 20) {
            #expect(server.send(request, to: source) == .queued)
        }
        for (index, client) in clients.enumerated() {
            let expected = (0..<20).map { UInt64(index * 100 + $0) }
            #expect(try client.messages(20).map(\.envelope.correlation) == expected)
        }
    }

    @Test("one client talks to two servers and tells them apart", arguments: TransportKind.allCases)
    func twoLinks(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let servers = [try harness.server(), try harness.server()]
        let client = try harness.client()
        defer { client.close() }
        let links = try servers.map { try client.connect(to: $0.address()) }
        #expect(links[0] != links[1])
        #expect(try client.connect(to: servers[0].address()) == links[0])
        for (index, link) in links.enumerated() {
            #expect(client.send(envelope(index + 1), to: link) == .queued)
        }
        for (index, server) in servers.enumerated() {
            let received = try server.messages(1)
            #expect(received.map(\.envelope.correlation) == [UInt64(index + 1)])
            #expect(server.send(envelope(index + 1), to: received[0].from) == .queued)
        }
        for (source, reply) in try client.messages(2) {
            #expect(source == links[Int(reply.correlation) - 1])
        }
    }

    @Test("what is sent before anybody listens arrives", arguments: TransportKind.allCases)
    func earlyLink(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        // Of a server that was closed, a connection could still be taken, and what it brings lost.
        let address = try harness.unusedAddress()
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: address)
        #expect(client.send(envelope(5), to: link) == .queued)
        // That nobody listens is told where the system says so.
        for arrival in try client.receive(timeout: .milliseconds(100)) {
            guard case .unreachable(link, let error) = arrival else {
                Issue.record("\(arrival)")
                continue
            }
            #expect(error.message.contains("refused"))
        }
        let server = try reopen(harness, at: address)
        #expect(try server.messages(1).map(\.envelope) == [envelope(5)])
    }

    @Test("a link works again when its server is back", arguments: TransportKind.allCases)
    func serverBack(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let first = try harness.server()
        let address = try first.address()
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: address)
        #expect(client.send(envelope(1), to: link) == .queued)
        #expect(try first.messages(1).count == 1)
        first.close()

        let second = try reopen(harness, at: address)
        // A message sent while the old connection dies may be lost: ask until there is an answer.
        var answer: Inbound?
        let isBack = try eventually {
            _ = client.send(envelope(2), to: link)
            guard
                case .message(let source, let request)? =
                    try second.receive(timeout: .milliseconds(50)).last
            else { return false }
            #expect(second.send(request, to: source) == .queued)
            answer = try client.receive(timeout: .seconds(5)).last { $0 != .broken(link) }
            return answer != nil
        }
        #expect(isBack)
        #expect(answer == .message(from: link, envelope(2)))
    }

    @Test(
        "a break of a link is told, after what arrived before it, and of that link only",
        arguments: TransportKind.allCases)
    func broken(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let (first, other) = (try harness.server(), try harness.server())
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: first.address())
        let otherLink = try client.connect(to: other.address())
        for endpoint in [link, otherLink] {
            #expect(client.send(envelope(1), to: endpoint) == .queued)
        }
        #expect(try other.messages(1).count == 1)
        let source = try #require(try first.messages(1).first?.from)
        for number in 2...4 {
            #expect(first.send(envelope(number), to: source) == .queued)
        }
        first.close()
        var arrivals: [Inbound] = []
        let isTold = try eventually {
            arrivals += try client.receive(timeout: .milliseconds(100))
            return arrivals.contains(.broken(link))
        }
        #expect(isTold)
        let messages = (2...4).map { Inbound.message(from: link, envelope($0)) }
        #expect(arrivals == messages + [.broken(link)])
        // Ending a link oneself is no break.
        client.disconnect(otherLink)
        let rest = try client.receive(timeout: .milliseconds(100))
        // The other end is gone for good, which may be told of this link.
        #expect(rest.allSatisfy { $0.endpoint == link && $0 != .broken(link) })
    }

    @Test("a reply to a client that is gone is unroutable", arguments: TransportKind.allCases)
    func clientGone(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: server.address())
        #expect(client.send(envelope(1), to: link) == .queued)
        let source = try #require(try server.messages(1).first?.from)
        client.close()
        let isGone = try eventually {
            let stray = try server.receive(timeout: .milliseconds(5))
            #expect(stray.isEmpty)
            return server.send(envelope(2), to: source) == .unroutable
        }
        #expect(isGone)
        #expect(server.statistics.dropped == 1)
        let stranger = Endpoint.route(Route([9, 9, 9]))
        #expect(server.send(envelope(3), to: stranger) == .unroutable)
        #expect(server.send(envelope(3), to: .link(77)) == .unroutable)
    }

    @Test(
        "an ended link takes nothing more and its address can be linked anew",
        arguments: TransportKind.allCases)
    func disconnected(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: server.address())
        client.disconnect(link)
        client.disconnect(link)
        #expect(client.send(envelope(1), to: link) == .unroutable)
        let again = try client.connect(to: server.address())
        #expect(again != link)
        #expect(client.send(envelope(2), to: again) == .queued)
        #expect(try server.messages(1).map(\.envelope) == [envelope(2)])
    }

    @Test(
        "a link that ends at whatever moment of its making leaves the others alone",
        arguments: TransportKind.allCases)
    func endedWhileMade(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let client = try harness.client()
        defer { client.close() }
        // A connection over loopback is there after some tenths of a millisecond.
        for step in 0..<300 {
            let link = try client.connect(to: server.address())
            usleep(UInt32(step % 100) * 20)
            client.disconnect(link)
        }
        let link = try client.connect(to: server.address())
        #expect(client.send(envelope(1), to: link) == .queued)
        #expect(try server.messages(1).map(\.envelope) == [envelope(1)])
    }

    @Test(
        "a link to nobody answers backlogged when its queue is full",
        arguments: TransportKind.allCases)
    func backlog(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: harness.addressOfNobody)
        var results = (0..<Limits.sendQueueCountMax).map { client.send(envelope($0), to: link) }
        #expect(results.allSatisfy { $0 == .queued })
        results = (0..<10).map { client.send(envelope($0), to: link) }
        #expect(results.allSatisfy { $0 == .backlogged })
        #expect(client.statistics.dropped == 10)
    }

    @Test(
        "one who does not read costs so many bytes and no more, and the others nothing",
        arguments: TransportKind.allCases)
    func slowReader(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let silent = try harness.silentClient(to: server.address())
        silent.send(envelope(1).frames)
        let source = try #require(try server.messages(1).first).from
        let payload = Bytes(repeating: 7, count: 1 << 20)
        let results = (0..<100).map { server.send(envelope($0, payload: payload), to: source) }
        // What the system takes has left this process.
        let taken = results.filter { $0 == .queued }.count
        #expect(taken <= Limits.sendQueueBytesMax >> 20 + 16, "\(taken) of 1 MiB are taken")
        #expect(results.last == .backlogged)
        #expect(server.statistics.dropped == UInt64(100 - taken))
        let backlog = server.backlogBytes(to: source)
        #expect(backlog > Limits.unreadReplyBytesMax && backlog <= Limits.sendQueueBytesMax)
        #expect(server.send(envelope(5), to: source) == .queued, "it can still be told so")

        let other = try harness.client()
        defer { other.close() }
        let link = try other.connect(to: server.address())
        #expect(other.send(envelope(2), to: link) == .queued)
        let otherSource = try #require(try server.messages(1).first).from
        #expect(server.send(envelope(3, payload: payload), to: otherSource) == .queued)
        #expect(try other.messages(1).first?.envelope.payload == payload)
        #expect(try eventually { server.backlogBytes(to: otherSource) == 0 })

        silent.close()
        let isForgotten = try eventually {
            _ = try server.receive(timeout: .zero)
            return server.backlogBytes(to: source) == 0
        }
        #expect(isForgotten, "it is gone")
    }

    @Test("what waits for a link to nobody is bounded in bytes", arguments: TransportKind.allCases)
    func linkBytes(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let client = try harness.client()
        defer { client.close() }
        let link = try client.connect(to: harness.addressOfNobody)
        let payload = Bytes(repeating: 7, count: 1 << 20)
        let results = (0..<40).map { client.send(envelope($0, payload: payload), to: link) }
        let taken = results.filter { $0 == .queued }.count
        #expect((14...16).contains(taken), "\(taken) of 1 MiB wait")
        #expect(results.last == .backlogged)
        #expect(client.backlogBytes(to: link) <= Limits.sendQueueBytesMax)
        client.disconnect(link)
        #expect(client.backlogBytes(to: link) == 0)
    }

    @Test("one call returns a bounded number and nobody starves", arguments: TransportKind.allCases)
    func bounded(kind: TransportKind) throws {
        let harness = TransportHarness(kind)
        let server = try harness.server()
        let loud = try harness.client()
        defer { loud.close() }
        let quiet = try harness.client()
        defer { quiet.close() }
        let loudLink = try loud.connect(to: server.address())
        let quietLink = try quiet.connect(to: server.address())
        for number in 0..<3000 { #expect(loud.send(envelope(number), to: loudLink) == .queued) }
        let first = try server.receive(timeout: .seconds(5))
        #expect(first.count <= Limits.receiveMessageCountMax)
        #expect(quiet.send(envelope(9999), to: quietLink) == .queued)
        var calls = 0
        var heard = first.count
        var isQuietHeard = false
        while heard < 3001, calls < 3001 {
            let arrivals = try server.receive(timeout: .seconds(5))
            #expect(arrivals.count <= Limits.receiveMessageCountMax)
            heard += arrivals.count
            calls += 1
            for case .message(_, let envelope) in arrivals where envelope.correlation == 9999 {
                isQuietHeard = true
            }
            if arrivals.isEmpty { break }
        }
        #expect(heard == 3001)
        #expect(isQuietHeard)
    }

    /// The port of a server that closed is free a moment later.
    private func reopen(_ harness: TransportHarness, at address: String) throws -> any Transport {
        var server: (any Transport)?
        _ = try eventually {
            server = try? harness.server(at: address)
            return server != nil
        }
        return try #require(server)
    }
}
