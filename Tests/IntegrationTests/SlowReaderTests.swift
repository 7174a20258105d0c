import BlockDeployment
import BlockModel
import BlockRuntime
import BlockTransport
import BlockWire
import Foundation
import Optimystic
import Testing

extension Integration {
    @Suite("A client that asks and does not read")
    struct SlowReaderTests {
        /// The greeting of ZeroMQ and the introduction of a DEALER, without waiting for the answer.
        private static let introduction: Bytes = {
            let mechanism = Bytes("NULL".utf8) + Bytes(repeating: 0, count: 16)
            let greeting =
                [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0] + mechanism
                + Bytes(repeating: 0, count: 32)
            let property =
                [11] + Bytes("Socket-Type".utf8) + [0, 0, 0, 6] + Bytes("DEALER".utf8)
            let ready = [5] + Bytes("READY".utf8) + property
            return greeting + [4, UInt8(ready.count)] + ready
        }()

        /// A message as ZeroMQ frames it: short frames, all but the last one marked.
        private func framed(_ envelope: Envelope) -> Bytes {
            let frames = envelope.frames
            return frames.enumerated().flatMap { index, frame in
                [index == frames.count - 1 ? 0 : 1, UInt8(frame.count)] + frame
            }
        }

        @Test(
            "Costs a proxy some answers and no more, however much it asks, and the others nothing")
        func bounded() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "large")
                for _ in 0..<17 { try await diary.append(Bytes(repeating: 7, count: 60_000)) }
                let proxy = try #require(cluster.members.last)
                let process = try #require(cluster.process(of: proxy))
                let before = try #require(process.residentBytes)
                let read = DiaryReadRequest(
                    collection: diary.info.collection, incarnation: diary.info.incarnation)
                let payload = Wire.encode(ClientRequest.readDiary(read))
                try #require(payload.count < 256)
                var bytes = Self.introduction
                for number in 1...400 as ClosedRange<UInt64> {
                    bytes += framed(
                        Envelope(
                            kind: WireKind.clientRequest.rawValue, correlation: number,
                            remainingMilliseconds: 20_000,
                            cluster: database.cluster.cluster.rawValue, trace: 1,
                            payload: payload))
                }
                var most = before
                try await RawConnection(cluster.address(of: proxy)).holding(bytes) {
                    for _ in 0..<30 {
                        try await Task.sleep(for: .milliseconds(100))
                        most = max(most, process.residentBytes ?? 0)
                    }
                    try await diary.append([1])
                }
                // 400 pages of a MiB were asked for.
                let grown = (most - before) >> 20
                #expect(grown < 120, "\(grown) MiB")
            }
        }
    }
}

extension RawConnection {
    /// Sends `bytes`, and reads nothing while `body` runs.
    func holding(_ bytes: Bytes, _ body: () async throws -> Void) async throws {
        let descriptor = try connected()
        defer { close(descriptor) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            try #require(count > 0, "errno \(errno)")
            sent += count
        }
        try await body()
    }
}
