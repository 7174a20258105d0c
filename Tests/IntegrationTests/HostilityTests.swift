import BlockDeployment
import BlockModel
import BlockRuntime
import BlockTransport
import BlockTransportZeroMQ
import BlockWire
import Foundation
import Optimystic
import Testing

extension Integration {
    @Suite("What strangers send")
    struct HostilityTests {
        /// Sends one envelope to a service and returns the error it answers.
        private func error(
            from address: String, to envelope: Envelope
        ) throws -> DatabaseError {
            let transport = try ZeroMQTransport()
            defer { transport.close() }
            let link = try transport.connect(to: address)
            #expect(transport.send(envelope, to: link) == .queued)
            let environment = BlockRuntime.Environment.live()
            let end = environment.now().advanced(by: .seconds(5))
            while environment.now() < end {
                for arrival in try transport.receive(timeout: .milliseconds(100)) {
                    guard case .message(_, let reply) = arrival else { continue }
                    #expect(reply.kind == WireKind.error.rawValue)
                    #expect(reply.correlation == envelope.correlation)
                    return try Wire.decodeError(reply.payload)
                }
            }
            throw DatabaseError(.deadlineExceeded, "\(address) did not answer")
        }

        /// The kind of request that a service takes.
        private func kind(of role: LocalCluster.Member.Role) -> WireKind {
            switch role {
            case .storagePeer: .peerBatch
            case .coordinator: .repositoryRequest
            case .clientProxy: .clientRequest
            }
        }

        @Test("Garbage at every port is answered with an error where possible, and hurts nobody")
        func garbage() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "events")
                try await diary.append(Bytes("before".utf8))
                let clusterID = database.cluster.cluster.rawValue
                var generator = SeededGenerator(seed: 7)
                for member in cluster.members {
                    let address = cluster.address(of: member)
                    try RawConnection(address).send(
                        (0..<4096).map { _ in UInt8(generator.below(256)) })
                    // The greeting of ZeroMQ, and then nonsense.
                    try RawConnection(address).send(
                        [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Bytes("NULL".utf8)
                            + Bytes(repeating: 0xEE, count: 500))
                    let payload = (0..<200).map { _ in UInt8(generator.below(256)) }
                    for kind in [kind(of: member.role).rawValue, 999] {
                        let envelope = Envelope(
                            kind: kind, correlation: 42, remainingMilliseconds: 1000,
                            cluster: clusterID, trace: 1, payload: payload)
                        #expect(try error(from: address, to: envelope).code == .malformedMessage)
                    }
                }
                try await diary.append(Bytes("after".utf8))
                #expect(try await diary.all().map(\.value) == ["before", "after"])
                for member in cluster.members {
                    #expect(cluster.process(of: member)?.isRunning == true, "\(member)")
                }
            }
        }

        @Test("Every service refuses the messages of another cluster")
        func otherCluster() async throws {
            try await withDatabase { cluster, database in
                let other = Identifier128(database.cluster.cluster.rawValue.value &+ 1)
                for member in cluster.members {
                    for id in [other, .zero] {
                        let envelope = Envelope(
                            kind: kind(of: member.role).rawValue, correlation: 43,
                            remainingMilliseconds: 1000, cluster: id, trace: 0,
                            payload: wellFormed(for: member.role))
                        let refusal = try error(from: cluster.address(of: member), to: envelope)
                        #expect(refusal.code == .wrongCluster, "\(member): \(refusal)")
                    }
                }
            }
        }

        /// A request that the service would serve for its own cluster.
        private func wellFormed(for role: LocalCluster.Member.Role) -> Bytes {
            switch role {
            case .storagePeer: Wire.encode([PeerBatchItem]())
            case .coordinator: Wire.encode(RepositoryRequest.status)
            case .clientProxy: Wire.encode(ClientRequest.clusterStatus)
            }
        }
    }
}

/// A TCP connection that says what nobody expects.
struct RawConnection {
    private let address: sockaddr_in

    /// - Parameter text: `tcp://127.0.0.1:port`.
    init(_ text: String) throws {
        let port = try #require(text.split(separator: ":").last.flatMap { UInt16($0) })
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        self.address = address
    }

    /// Connects, sends as much of `bytes` as is taken, and goes away.
    func send(_ bytes: Bytes) throws {
        let descriptor = try connected()
        defer { close(descriptor) }
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// - Returns: A connected socket, for the caller to close.
    func connected() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        var address = address
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, size)
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw DatabaseError(.endpointUnreachable, "errno \(errno)")
        }
        return descriptor
    }
}
