import BlockDeployment
import BlockRuntime
import Foundation
import Optimystic
import Testing

extension Integration {
    /// What the operating system does to a process: full disks, unread logs, few descriptors, odd
    /// clocks, terminals that go away.
    @Suite("What the system does to a process")
    struct ProcessFaultTests {
        private static let proxy = LocalCluster.Member(.clientProxy, 1)
        private static let peer = LocalCluster.Member(.storagePeer, 1)
        private let environment = BlockRuntime.Environment.live()

        /// Starts a service by a shell that first does `preparation`.
        private func start(
            _ cluster: LocalCluster, _ member: LocalCluster.Member, after preparation: String,
            redirecting: String = ""
        ) throws -> ChildProcess {
            let program = "\(cluster.executables)/\(member.role.rawValue)"
            return try ChildProcess.start(
                "/bin/sh",
                ["-c", "\(preparation); exec \"$0\" \"$@\" \(redirecting)", program]
                    + cluster.arguments(of: member), output: nil,
                errors: cluster.logFile(of: member))
        }

        private func waitFor(
            _ what: Comment, timeout: Duration = .seconds(20), _ isDone: () -> Bool
        ) throws {
            let end = environment.now().advanced(by: timeout)
            while !isDone() {
                try #require(environment.now() < end, what)
                usleep(20_000)
            }
        }

        private func isReady(_ cluster: LocalCluster, _ member: LocalCluster.Member) -> Bool {
            cluster.log(of: member).contains("\"msg\":\"ready\"")
        }

        @Test(
            "A storage peer whose disk is full ends with a critical line and 74, comes back whole",
            .enabled(if: getuid() == 0))
        func fullDisk() async throws {
            let cluster = try LocalCluster(executables: Executables.require())
            defer { cluster.tearDown() }
            let disk = cluster.directory + "/disk"
            try FileManager.default.createDirectory(
                atPath: disk, withIntermediateDirectories: false)
            let mount = try cluster.runTool(
                "/bin/mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", disk])
            guard mount.ending == .exited(0) else { return }
            defer { _ = try? cluster.runTool("/bin/umount", ["-l", disk]) }
            let data = cluster.dataDirectory(of: Self.peer)
            try FileManager.default.moveItem(atPath: data, toPath: disk + "/data")
            try FileManager.default.createSymbolicLink(
                atPath: data, withDestinationPath: disk + "/data")
            try cluster.startAll()
            let database = try await Database.connect(cluster.url)
            defer { database.close() }
            let diary = try await database.diary(named: "full")
            let process = try #require(cluster.process(of: Self.peer))
            var count = 0
            while process.isRunning, count < 2000 {
                _ = try await diary.append(
                    Bytes(repeating: UInt8(count % 251), count: 10_000), timeout: .seconds(20))
                count += 1
            }
            let ending = process.wait(timeout: .seconds(20), environment: environment)
            #expect(ending == .exited(74))
            let last = cluster.log(of: Self.peer).split(separator: "\n").last ?? ""
            #expect(last.contains(#""level":"critical""#) && last.contains("noSpace"), "\(last)")
            // The others carry on, and with room so does this one.
            #expect(
                try cluster.runTool("/bin/mount", ["-o", "remount,size=60m", disk]).ending
                    == .exited(0))
            try cluster.start(Self.peer)
            try cluster.waitUntilReady(Self.peer)
            _ = try await diary.append([1], timeout: .seconds(20))
            try expectSound(cluster)
            cluster.stopAll()
        }

        @Test("A log that nobody reads stops no service, and SIGTERM still ends it with 0")
        func unreadLog() async throws {
            try await withCluster { cluster in
                cluster.stop(Self.proxy)
                let fifo = cluster.directory + "/fifo"
                try #require(mkfifo(fifo, 0o600) == 0)
                // Both ends, so that opening does not wait; and full before anything is written.
                let end = open(fifo, O_RDWR | O_NONBLOCK)
                defer { close(end) }
                let page = Bytes(repeating: 0x78, count: 4096)
                while write(end, page, page.count) > 0 {}
                let process = try ChildProcess.start(
                    "\(cluster.executables)/client-proxy",
                    cluster.arguments(of: Self.proxy) + ["--log-level", "trace"], output: nil,
                    errors: fifo)
                let database = try await Self.connect(cluster, patience: .seconds(15))
                let diary = try await database.diary(named: "unread")
                for number in 0..<20 { _ = try await diary.append([UInt8(number)]) }
                database.close()
                #expect(
                    process.stop(patience: .seconds(15), environment: environment) == .exited(0))
            }
        }

        private static func connect(
            _ cluster: LocalCluster, patience: Duration
        ) async throws -> Database {
            let environment = BlockRuntime.Environment.live()
            let end = environment.now().advanced(by: patience)
            while true {
                do {
                    return try await Database.connect(cluster.url)
                } catch {
                    guard environment.now() < end else { throw error }
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
        }

        @Test("With descriptors 0 to 2 closed at the start, no log line gets into a file of data")
        func closedDescriptors() async throws {
            try await withCluster { cluster in
                for member in [Self.peer, Self.proxy, LocalCluster.Member(.coordinator, 1)] {
                    cluster.stop(member)
                    let process = try start(
                        cluster, member, after: "true", redirecting: "0<&- 1>&- 2>&-")
                    let database = try await Self.connect(cluster, patience: .seconds(15))
                    _ = try await database.diary(named: "closed").append([1])
                    database.close()
                    usleep(300_000)
                    #expect(process.isRunning)
                    #expect(
                        process.stop(patience: .seconds(15), environment: environment)
                            == .exited(0))
                    try cluster.start(member)
                    try cluster.waitUntilReady(member)
                }
                let lock = cluster.dataDirectory(of: Self.peer) + "/LOCK"
                #expect(try Data(contentsOf: URL(fileURLWithPath: lock)).isEmpty)
            }
        }

        @Test("SIGHUP ends a service as SIGTERM does, unless it was started with it ignored")
        func hangUp() async throws {
            try await withCluster { cluster in
                for member in [Self.peer, LocalCluster.Member(.coordinator, 1), Self.proxy] {
                    let process = try #require(cluster.process(of: member))
                    process.send(SIGHUP)
                    let ending = process.wait(timeout: .seconds(15), environment: environment)
                    #expect(ending == .exited(0), "\(member)")
                    #expect(cluster.log(of: member).contains("\"msg\":\"stopped\""))
                }
                let process = try start(cluster, Self.proxy, after: "trap '' HUP")
                try waitFor("it is ready") { isReady(cluster, Self.proxy) }
                process.send(SIGHUP)
                usleep(300_000)
                #expect(process.isRunning)
                #expect(
                    process.stop(patience: .seconds(15), environment: environment) == .exited(0))
            }
        }

        @Test(
            "Too few descriptors end a service with 78 and what it needs; a soft limit does not"
        )
        func descriptors() async throws {
            let cluster = try LocalCluster(executables: Executables.require())
            defer { cluster.tearDown() }
            for member in [Self.peer, LocalCluster.Member(.coordinator, 1), Self.proxy] {
                let process = try start(cluster, member, after: "ulimit -n 22")
                let ending = process.awaitEnd(patience: .seconds(15), environment: environment)
                #expect(ending == .exited(78), "\(member)")
                let log = cluster.log(of: member)
                #expect(log.contains("22 files open and needs "), "\(log)")
                let soft = try start(cluster, member, after: "ulimit -S -n 22")
                try waitFor("\(member) is ready") { isReady(cluster, member) }
                #expect(
                    soft.stop(patience: .seconds(15), environment: environment) == .exited(0))
            }
            let tool = try cluster.runTool(
                "/bin/sh",
                [
                    "-c", "ulimit -n 24; exec \"$0\" \"$@\"", "\(cluster.executables)/optimystic",
                    "--connect", cluster.url, "collections",
                ])
            #expect(tool.ending == .exited(78), "\(tool.errors)")
            #expect(tool.errors.contains("ulimit -n"), "\(tool.errors)")
        }

        @Test("A service without a descriptor for another connection neither ends nor spins")
        func connectionFlood() async throws {
            try await withCluster { cluster in
                cluster.stop(Self.proxy)
                let process = try start(cluster, Self.proxy, after: "ulimit -n 110")
                try waitFor("it is ready") { isReady(cluster, Self.proxy) }
                let database = try await Self.connect(cluster, patience: .seconds(15))
                let diary = try await database.diary(named: "flood")
                let address = try #require(NetworkAddress(cluster.address(of: Self.proxy)))
                var sockets: [Int32] = []
                for _ in 0..<150 { sockets.append(Self.connect(to: address.port)) }
                usleep(500_000)
                let before = try #require(process.processorTicks)
                for number in 0..<5 { _ = try await diary.append([UInt8(number)]) }
                usleep(2_000_000)
                let used = try #require(process.processorTicks) - before
                #expect(used < 60, "\(used) ticks in two seconds")
                for socket in sockets { close(socket) }
                // Those who come later are served again.
                let later = try await Self.connect(cluster, patience: .seconds(20))
                _ = try await later.diary(named: "flood").append([9])
                later.close()
                database.close()
                #expect(
                    process.stop(patience: .seconds(15), environment: environment) == .exited(0))
                #expect(cluster.log(of: Self.proxy).contains("no descriptor is left"))
            }
        }

        private static func connect(to port: UInt16) -> Int32 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            return descriptor
        }

        private static let falseClock = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

        @Test(
            "A clock before 1970 or after 2262 ends no process",
            .enabled(
                if: FileManager.default.fileExists(atPath: falseClock), "Debian: libfaketime"),
            arguments: ["1901-12-31 00:00:00", "1969-12-31 12:00:00", "2263-01-01 00:00:00"])
        func oddClock(time: String) async throws {
            let cluster = try LocalCluster(executables: Executables.require())
            defer { cluster.tearDown() }
            let preparation = [
                "LD_PRELOAD=\(Self.falseClock)", "FAKETIME=@\(time)", "TZ=UTC",
                // Waiting goes by the monotonic clock, which is nobody's to set.
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
            ].map { "export '\($0)'" }.joined(separator: "; ")
            for role in LocalCluster.Member.Role.allCases {
                let member = LocalCluster.Member(role, 1)
                let process = try start(cluster, member, after: preparation)
                if role == .storagePeer, time.hasPrefix("19") {
                    // What stores knows no such time, and says so.
                    #expect(
                        process.wait(timeout: .seconds(15), environment: environment)
                            == .exited(74))
                    #expect(cluster.log(of: member).contains("before 1970"))
                    continue
                }
                try waitFor("\(member) is ready") { isReady(cluster, member) }
                #expect(
                    process.stop(patience: .seconds(15), environment: environment) == .exited(0))
            }
        }
    }
}
