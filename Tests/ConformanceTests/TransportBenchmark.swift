import BlockRuntime
import BlockTransport
import Foundation
import Testing

/// Echo round trips over each transport: `OPTIMYSTIC_BENCHMARK=1 swift test -c release --filter
/// TransportBenchmark`.
@Suite(
    "Benchmark of the transports", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["OPTIMYSTIC_BENCHMARK"] != nil))
struct TransportBenchmark {
    @Test("every request comes back", arguments: TransportKind.allCases, [1, 64, 512])
    func echo(kind: TransportKind, inFlight: Int) throws {
        let harness = TransportHarness(kind)
        let client = try harness.client()
        defer { client.close() }
        let server = try harness.server()
        let link = try client.connect(to: server.address())
        let echo = EchoThread(server)
        defer { echo.stop() }
        let request = envelope(1, payload: Bytes(repeating: 7, count: 256))
        _ = try exchange(client, link, request, inFlight: inFlight, for: .milliseconds(500))
        let used = processorTime()
        let start = ContinuousClock.now
        let latencies = try exchange(client, link, request, inFlight: inFlight, for: .seconds(4))
        let elapsed = ContinuousClock.now - start
        let rate = Double(latencies.count) / (Double(elapsed.nanoseconds) / 1e9)
        let sorted = latencies.sorted()
        let p50 = sorted[sorted.count / 2].nanoseconds / 1000
        let p99 = sorted[sorted.count * 99 / 100].nanoseconds / 1000
        let cost = Double((processorTime() - used).nanoseconds) / 1000 / Double(latencies.count)
        print(
            "\(kind), \(inFlight) in flight: \(Int(rate)) per second,",
            "p50 \(p50) µs, p99 \(p99) µs,",
            "\((cost * 100).rounded() / 100) µs of CPU each, both sides together")
        #expect(client.statistics.messagesIn == client.statistics.messagesOut)
        #expect(client.statistics.dropped == 0)
    }

    /// What the process has used so far: on a machine with other work, a steadier measure.
    private func processorTime() -> Duration {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        return .seconds(seconds) + .microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }

    /// Keeps `inFlight` requests under way for `duration`, then waits for the last replies.
    private func exchange(
        _ client: any Transport, _ link: Endpoint, _ request: Envelope, inFlight: Int,
        for duration: Duration
    ) throws -> [Duration] {
        var latencies: [Duration] = []
        var sent: [ContinuousClock.Instant] = Array(repeating: .now, count: inFlight)
        var request = request
        for slot in 0..<inFlight {
            request.correlation = UInt64(slot)
            sent[slot] = .now
            #expect(client.send(request, to: link) == .queued)
        }
        var underWay = inFlight
        let end = ContinuousClock.now.advanced(by: duration)
        while underWay > 0 {
            let arrivals = try client.receive(timeout: .seconds(5))
            try #require(!arrivals.isEmpty)
            let now = ContinuousClock.now
            for case .message(_, let reply) in arrivals {
                let slot = Int(reply.correlation)
                latencies.append(now - sent[slot])
                guard now < end else {
                    underWay -= 1
                    continue
                }
                sent[slot] = now
                request.correlation = reply.correlation
                if client.send(request, to: link) != .queued { Issue.record("refused") }
            }
        }
        return latencies
    }
}
