import BlockDeployment
import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import Testing

extension Integration {
    /// A connection that cannot be made says which and why, at once.
    @Suite("Connections that cannot be made")
    struct ConnectionFaultTests {
        private let environment = BlockRuntime.Environment.live()

        /// Somebody else's server, for as long as this lives.
        private final class Stranger {
            let port: UInt16
            private let process: ChildProcess

            /// - Parameter script: Python over a bound and listening socket `server`.
            init(_ place: LocalCluster, _ script: String, family: String = "AF_INET") throws {
                let output = place.directory + "/port-\(place.environment.identifier())"
                let host = family == "AF_INET" ? "127.0.0.1" : "::1"
                let text = """
                    import socket, threading
                    server = socket.socket(socket.\(family)); server.bind(("\(host)", 0))
                    server.listen(16); print(server.getsockname()[1], flush=True)
                    kept = []
                    def serve(connection):
                        \(script)
                    while True:
                        connection, _ = server.accept(); kept.append(connection)
                        threading.Thread(target=serve, args=(connection,), daemon=True).start()
                    """
                process = try ChildProcess.start(
                    "/usr/bin/python3", ["-B", "-c", text], output: output, errors: nil)
                var port: UInt16?
                for _ in 0..<400 where port == nil {
                    usleep(20_000)
                    let said = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                    port = said.hasSuffix("\n") ? UInt16(said.dropLast()) : nil
                }
                self.port = try #require(port)
            }

            deinit { process.kill(environment: .live()) }
        }

        private func failure(
            _ hosts: String, _ name: String = "demo", within bound: Duration = .seconds(3)
        ) async -> DatabaseError? {
            let start = environment.now()
            do {
                let database = try await Database.connect(
                    "optimystic://\(hosts)/\(name)", connectTimeout: .seconds(8))
                database.close()
                return nil
            } catch {
                let taken = environment.now().since(start)
                #expect(taken < bound, "\(hosts) took \(taken): \(error)")
                return error as? DatabaseError
            }
        }

        private static func withPlace(_ body: (LocalCluster) async throws -> Void) async throws {
            let place = try LocalCluster(executables: Executables.require())
            defer { place.tearDown() }
            try await body(place)
        }

        @Test("A refused port and a name that is none are told as what they are")
        func nobody() async throws {
            let refused = await failure("127.0.0.1:1")
            #expect(refused?.code == .endpointUnreachable)
            #expect(refused?.message.contains("refused") == true, "\(String(describing: refused))")
            #expect(refused?.message.contains("127.0.0.1:1") == true)
            let unknown = await failure("no-such-host.invalid:7730", within: .seconds(7))
            #expect(
                unknown?.message.contains("cannot be resolved") == true,
                "\(String(describing: unknown))")
        }

        @Test(
            "Somebody who speaks another protocol is named",
            arguments: [
                (
                    "connection.recv(10); b = connection.recv(99); "
                        + "connection.sendall(b'HTTP/1.0 400 Bad Request\\r\\n\\r\\n')", "HTTP"
                ),
                ("connection.sendall(b'SSH-2.0-OpenSSH_9.2\\r\\n')", "SSH-2.0"),
                (
                    "connection.recv(1); connection.sendall(bytes([0x15, 3, 1, 0, 2, 2, 70])); "
                        + "connection.close()", "TLS"
                ),
                ("connection.recv(1); connection.close()", "another protocol"),
            ])
        func strangers(script: String, words: String) async throws {
            try await Self.withPlace { place in
                let stranger = try Stranger(place, script)
                let error = await failure("127.0.0.1:\(stranger.port)")
                #expect(error?.code == .endpointUnreachable)
                #expect(error?.message.contains(words) == true, "\(String(describing: error))")
            }
        }

        @Test(
            "Other servers of ZeroMQ are told as what is known of them, at once where something is",
            arguments: [
                ("REP", "time.sleep(60)", "a socket of kind REP", Duration.seconds(3)),
                ("PUB", "time.sleep(60)", "a socket of kind PUB", .seconds(3)),
                ("PULL", "time.sleep(60)", "a socket of kind PULL", .seconds(3)),
                (
                    "ROUTER",
                    "m = server.recv_multipart(); server.send_multipart([m[0], b'garbage']); "
                        + "time.sleep(60)", "not as a client proxy", .seconds(3)
                ),
                ("ROUTER", "time.sleep(60)", "did not answer the greeting", .seconds(12)),
            ])
        func otherSockets(
            kind: String, script: String, words: String, bound: Duration
        ) async throws {
            try await Self.withPlace { place in
                let output = place.directory + "/port"
                let process = try ChildProcess.start(
                    "/usr/bin/python3",
                    [
                        "-B", "-c",
                        """
                        import time, zmq
                        server = zmq.Context().socket(zmq.\(kind))
                        print(server.bind_to_random_port("tcp://127.0.0.1"), flush=True)
                        \(script)
                        """,
                    ], output: output, errors: nil)
                defer { process.kill(environment: .live()) }
                var port: UInt16?
                for _ in 0..<400 where port == nil {
                    usleep(20_000)
                    let said = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                    port = said.hasSuffix("\n") ? UInt16(said.dropLast()) : nil
                }
                let error = await failure("127.0.0.1:\(try #require(port))", within: bound)
                #expect(error?.code == .endpointUnreachable)
                #expect(error?.message.contains(words) == true, "\(String(describing: error))")
            }
        }

        @Test("A server that listens with IPv6 only is told with the address to write")
        func otherFamily() async throws {
            try await Self.withPlace { place in
                guard let stranger = try? Stranger(place, "pass", family: "AF_INET6") else {
                    return
                }
                let error = await failure("localhost:\(stranger.port)")
                #expect(
                    error?.message.contains("IPv6") == true
                        || error?.message.contains("refused") == true,
                    "\(String(describing: error))")
            }
        }

        @Test("A storage peer and a coordinator say what they are, and one good address is enough")
        func otherRoles() async throws {
            try await withCluster { cluster in
                func host(_ role: LocalCluster.Member.Role) -> String {
                    cluster.address(of: LocalCluster.Member(role, 1))
                        .replacingOccurrences(of: "tcp://", with: "")
                }
                let peer = await failure(host(.storagePeer))
                #expect(peer?.code == .wrongService, "\(String(describing: peer))")
                #expect(peer?.message.contains("storage peer") == true)
                let coordinator = await failure(host(.coordinator))
                #expect(coordinator?.code == .wrongService)
                #expect(coordinator?.message.contains("coordinator") == true)
                let name = await failure(host(.clientProxy), "other")
                #expect(name?.code == .wrongCluster)

                let good = [host(.storagePeer), "127.0.0.1:1", host(.clientProxy)]
                let start = environment.now()
                for hosts in [good, good.reversed()] {
                    #expect(await failure(hosts.joined(separator: ",")) == nil)
                }
                #expect(environment.now().since(start) < .seconds(3))
                let bad = await failure("\(host(.storagePeer)),127.0.0.1:1,\(host(.coordinator))")
                for words in ["storage peer", "refused", "coordinator"] {
                    #expect(bad?.message.contains(words) == true, "\(String(describing: bad))")
                }
                let tool = try cluster.run(
                    "optimystic",
                    ["--connect", "optimystic://\(host(.storagePeer))/demo", "status"])
                #expect(tool.ending == .exited(76), "\(tool.errors)")
            }
        }

        @Test("A service logs why another one cannot be reached")
        func logged() async throws {
            try await withCluster { cluster in
                let coordinator = LocalCluster.Member(.coordinator, 1)
                cluster.stop(LocalCluster.Member(.storagePeer, 3))
                let end = environment.now().advanced(by: .seconds(15))
                while !cluster.log(of: coordinator).contains("refused: nothing listens") {
                    try #require(environment.now() < end, "it is logged")
                    usleep(50_000)
                }
            }
        }
    }
}
