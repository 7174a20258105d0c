import BlockDeployment
import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import Testing

extension Integration {
    @Suite("SIGKILL at any moment")
    struct KillTests {
        @Test(
            "Killing one of each role while writers write loses and doubles nothing",
            arguments: LocalCluster.Member.Role.allCases)
        func killed(role: LocalCluster.Member.Role) async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "events")
                let appending = Appending(database, diary)
                let member = LocalCluster.Member(role, 1)
                try await appending.run(writers: 6, count: 60, disturbAt: 120) {
                    cluster.kill(member)
                    // The only proxy must come back for anybody to go on.
                    if role == .clientProxy { try cluster.start(member) }
                }
                if role != .clientProxy { try cluster.start(member) }
                try cluster.waitUntilReady(member)
                try await expectExactlyOnce(appending, in: diary)
                try expectSound(cluster)
            }
        }

        @Test("Killing every process at once and starting them again loses nothing")
        func everything() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "events")
                let appending = Appending(database, diary)
                try await appending.run(writers: 4, count: 60, disturbAt: 100) {
                    for member in cluster.members { cluster.process(of: member)?.send(SIGKILL) }
                    for member in cluster.members { cluster.kill(member) }
                    try cluster.startAll()
                }
                try await expectExactlyOnce(appending, in: diary)
                try expectSound(cluster)
            }
        }

        @Test("A client of a proxy that is gone goes on through the other one")
        func otherProxy() async throws {
            var shape = LocalCluster.Shape()
            shape.proxies = 2
            try await withDatabase(shape) { cluster, database in
                let diary = try await database.diary(named: "events")
                let appending = Appending(database, diary)
                try await appending.run(writers: 4, count: 40, disturbAt: 60) {
                    cluster.kill(LocalCluster.Member(.clientProxy, 1))
                }
                cluster.kill(LocalCluster.Member(.clientProxy, 2))
                try cluster.start(LocalCluster.Member(.clientProxy, 1))
                try await expectExactlyOnce(appending, in: diary)
            }
        }

        @Test("Without a quorum an append ends in bounded time with the truth, and resolves later")
        func noQuorum() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "events")
                try await diary.append(Bytes("before".utf8))
                let peers = [2, 3].map { LocalCluster.Member(.storagePeer, $0) }
                for peer in peers { cluster.kill(peer) }

                let id = database.makeActionID()
                let firstRevision = diary.revision
                let start = cluster.environment.now()
                let error = await #expect(throws: DatabaseError.self) {
                    try await diary.append(
                        Bytes("during".utf8), id: id, firstRevision: firstRevision,
                        timeout: .seconds(3))
                }
                let took = cluster.environment.now().since(start)
                #expect(took < .seconds(8), "bounded by its deadline, not \(took)")
                let isHonest =
                    error?.code == .quorumUnavailable && error?.outcome == .notApplied
                    || error?.code == .commitResultUnknown && error?.outcome == .unknown
                #expect(isHonest, "\(String(describing: error))")

                for peer in peers { try cluster.start(peer) }
                for peer in peers { try cluster.waitUntilReady(peer) }
                let position = try await diary.append(
                    Bytes("during".utf8), id: id, firstRevision: firstRevision,
                    timeout: .seconds(20))
                let status = try await diary.status(of: id, firstRevision: firstRevision)
                #expect(status == .landed(position))
                #expect(try await diary.all().map(\.value) == ["before", "during"])
                try expectSound(cluster)
            }
        }

        @Test("A peer whose store is gone refuses to vote and says why; the others carry on")
        func amnesia() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "events")
                for number in 0..<40 { try await diary.append(Bytes("\(number)".utf8)) }
                let peer = LocalCluster.Member(.storagePeer, 3)
                #expect(cluster.stop(peer) == .exited(0))
                try FileManager.default.removeItem(
                    atPath: cluster.dataDirectory(of: peer) + "/store")
                try cluster.start(peer)
                try cluster.waitUntilReady(peer)

                try await diary.append(Bytes("40".utf8))
                let status = try cluster.run(
                    "optimystic", ["--connect", cluster.url, "--output", "json", "status"])
                #expect(status.output.contains("amnesia"), "\(status.output)\(status.errors)")
                #expect(try await diary.all().count == 41)
                #expect(cluster.stop(peer) == .exited(0))
            }
        }

        @Test("A disk that refuses a write ends its peer with 74; the others carry on")
        func failingDisk() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "events")
                let peer = LocalCluster.Member(.storagePeer, 3)
                #expect(cluster.stop(peer) == .exited(0))
                // No file may grow beyond 2 MiB: a write fails as it would on a full disk.
                let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""
                let log = cluster.directory + "/limited.log"
                let limited = try ChildProcess.start(
                    "/bin/bash",
                    ["-c", script, cluster.executables + "/storage-peer"]
                        + cluster.arguments(of: peer), output: nil, errors: log)
                defer { limited.kill(environment: cluster.environment) }
                let value = Bytes(repeating: 7, count: Limits.valueBytesMax)
                var appended = 0
                while limited.isRunning, appended < 200 {
                    try await diary.append(value, timeout: .seconds(20))
                    appended += 1
                }
                let ending = limited.wait(timeout: .seconds(5), environment: cluster.environment)
                #expect(ending == .exited(74))
                let last = try String(contentsOfFile: log, encoding: .utf8)
                    .split(separator: "\n").last
                #expect(last?.contains("\"level\":\"critical\"") == true, "\(last ?? "")")
                #expect(last?.contains("\"exit.code\"") == true, "\(last ?? "")")

                try cluster.start(peer)
                try cluster.waitUntilReady(peer)
                try await diary.append(value)
                #expect(try await diary.all().count == appended + 1)
                try expectSound(cluster)
            }
        }

        @Test("Every acknowledged cycle was synced: RocksDB's own counter says so")
        func synced() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "events")
                for number in 0..<50 { try await diary.append(Bytes("\(number)".utf8)) }
                for member in cluster.members where member.role == .storagePeer {
                    #expect(cluster.stop(member) == .exited(0))
                    let last = try #require(
                        cluster.log(of: member).split(separator: "\n").last {
                            $0.contains("\"wal.syncs\"")
                        })
                    let line = try JSONDecoder().decode(
                        StoreLine.self, from: Data(String(last).utf8))
                    let cycles = try #require(Int(line.cycles))
                    let syncs = try #require(Int(line.syncs))
                    #expect(cycles > 10)
                    // The directory is new: all its cycles are of this process.
                    #expect(syncs >= cycles, "\(member): \(syncs) syncs for \(cycles) cycles")
                }
            }
        }

        private struct StoreLine: Decodable {
            let cycles: String
            let syncs: String
            enum CodingKeys: String, CodingKey {
                case cycles
                case syncs = "wal.syncs"
            }
        }
    }
}
