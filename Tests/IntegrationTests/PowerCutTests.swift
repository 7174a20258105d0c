import BlockChaos
import BlockDeployment
import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import OptimysticEmbedded
import Testing

extension Integration {
    /// Real processes that lose their power: they are killed, and what the page cache held of their
    /// files and was not synced is taken away.
    @Suite("Power cuts")
    struct PowerCutTests {
        private static func library() throws -> String {
            let library = try Executables.require() + "/libPowerCut.so"
            try #require(FileManager.default.fileExists(atPath: library), "\(library) is missing")
            return library
        }

        private static var variables: [String] {
            ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        }

        private func values(of path: String) async throws -> [String] {
            let database = try await Database.embedded(at: path)
            let diary = try await database.diary(named: "cut")
            var values: [String] = []
            for try await entry in diary.entries(from: .start) {
                values.append(String(decoding: entry.value, as: UTF8.self))
            }
            let report = try await database.verify()
            #expect(report.isSound, "\(report)")
            await database.closeAndWait()
            return values
        }

        @Test("What an embedded database has acknowledged is there after the power was cut")
        func embedded() async throws {
            let place = try LocalCluster(executables: Executables.require())
            defer { place.tearDown() }
            let environment = BlockRuntime.Environment.live()
            let path = place.directory + "/database"
            // Its directory is there before the first cut, as that of a program that was installed.
            #expect(
                try place.run("optimystic", ["--embedded", path, "collections"]).ending
                    == .exited(0))
            var random = SeededGenerator(seed: 5)
            var kept: [String] = []
            var acknowledgedCount = 0
            for round in 1...6 {
                let lines = (1...20_000).map { "\(round):\($0)" }
                let input = place.directory + "/lines"
                try (lines.joined(separator: "\n") + "\n").write(
                    toFile: input, atomically: false, encoding: .utf8)
                let cut = PowerCut(directory: path)
                let output = place.directory + "/positions"
                let process = try ChildProcess.start(
                    "\(place.executables)/optimystic",
                    ["--embedded", path, "diary", "append", "cut", "-"], input: input,
                    output: output, errors: place.directory + "/errors",
                    variables: Self.variables + cut.variables(library: try Self.library()))
                func acknowledged() -> Int {
                    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                    return text.utf8.count { $0 == UInt8(ascii: "\n") }
                }
                let wanted = 1 + Int(random.below(60))
                let end = environment.now().advanced(by: .seconds(60))
                while acknowledged() < wanted, process.isRunning, environment.now() < end {
                    usleep(1000)
                }
                process.send(SIGKILL)
                let ending = process.wait(timeout: .seconds(20), environment: environment)
                #expect(ending == .killed(signal: SIGKILL))
                // What it noted is there, so the library was in front of it.
                #expect(FileManager.default.fileExists(atPath: cut.logFile))
                _ = try cut.strike()
                let count = acknowledged()
                #expect(count >= wanted)
                acknowledgedCount += count
                let found = try await values(of: path)
                // All of before, then what was acknowledged, then perhaps what was under way.
                let new = found.dropFirst(kept.count)
                #expect(found.starts(with: kept))
                #expect(new.count >= count && new.count <= count + 1, "\(new.count) of \(count)")
                #expect(new.elementsEqual(lines.prefix(new.count)))
                kept = found
            }
            #expect(acknowledgedCount >= 6)
        }

        @Test("What services have acknowledged is there after all storage peers lost their power")
        func services() async throws {
            let cluster = try LocalCluster(executables: Executables.require())
            defer { cluster.tearDown() }
            let library = try Self.library()
            let peers = cluster.members.filter { $0.role == .storagePeer }
            var cuts: [LocalCluster.Member: PowerCut] = [:]
            for peer in peers {
                let cut = PowerCut(directory: cluster.dataDirectory(of: peer))
                cluster.setVariables(cut.variables(library: library), of: peer)
                cuts[peer] = cut
            }
            try cluster.startAll()
            let database = try await Database.connect(cluster.url)
            defer { database.close() }
            let diary = try await database.diary(named: "cut")
            var positions: [LogPosition: Bytes] = [:]
            for round in UInt8(1)...3 {
                for number in UInt8(0)..<40 {
                    let position = try await diary.append([round, number], timeout: .seconds(20))
                    positions[position.place] = [round, number]
                }
                // All at once, while more is under way.
                async let last: Void = {
                    for number in UInt8(40)..<50 {
                        _ = try? await diary.append([round, number], timeout: .seconds(20))
                    }
                }()
                for peer in peers { cluster.process(of: peer)?.send(SIGKILL) }
                for peer in peers { cluster.kill(peer) }
                for peer in peers { _ = try cuts[peer]?.strike() }
                for peer in peers { try cluster.start(peer) }
                for peer in peers { try cluster.waitUntilReady(peer) }
                await last
            }
            var found: [LogPosition: Bytes] = [:]
            for try await entry in diary.entries(from: .start) {
                found[entry.position.place] = entry.value
            }
            for (position, value) in positions { #expect(found[position] == value, "\(position)") }
            try expectSound(cluster)
            cluster.stopAll()
        }
    }
}
