import BlockDeployment
import BlockRuntime
import Foundation
import Optimystic
import Testing

/// The files of Debian's package iso-codes.
private enum IsoCodes {
    static let folder = "/usr/share/iso-codes/json"

    /// The records of a file, in its order.
    static func records(_ name: String) throws -> [[String: String]] {
        let data = try #require(
            FileManager.default.contents(atPath: "\(folder)/\(name)"),
            "install the Debian package iso-codes; make setup")
        let file = try JSONDecoder().decode([String: [[String: String]]].self, from: data)
        return try #require(file.values.first)
    }
}

extension Integration {
    @Suite("Importing while services die")
    struct ImportTests {
        private static let peer = LocalCluster.Member(.storagePeer, 2)
        private static let coordinator = LocalCluster.Member(.coordinator, 1)

        @Test("Two imports into one tree through two proxies lose nothing to kills, nor does a CSV")
        func kills() async throws {
            var shape = LocalCluster.Shape()
            shape.proxies = 2
            shape.isolatesProxies = true
            try await withCluster(shape) { cluster in
                let languages = try IsoCodes.records("iso_639-3.json")
                let countries = try IsoCodes.records("iso_3166-1.json")
                let run = CommandLine(cluster: cluster)
                try run(
                    "tree", "import", "countries", IsoCodes.folder + "/iso_3166-1.json", "--key",
                    "alpha_3")
                let csv = try run.file(
                    "countries.csv", try run("tree", "export", "countries", "--format", "csv"))
                let imports = try [
                    start(cluster, 1, "languages", half(languages, 0, cluster), "2"),
                    start(cluster, 2, "languages", half(languages, 1, cluster), "2"),
                    start(cluster, 2, "from-csv", csv, "2"),
                ]
                try await disturb(cluster, languages.count)
                for process in imports {
                    let ending = process.wait(
                        timeout: .seconds(60), environment: cluster.environment)
                    #expect(ending == .exited(0), "\(errors(cluster))")
                }
                try cluster.startAll()
                try expectEqual(run("tree", "export", "languages"), languages)
                try expectEqual(run("tree", "export", "countries"), countries)
                try expectEqual(run("tree", "export", "from-csv"), countries)
                try await expectVerified(cluster)
            }
        }

        /// Every other record as a file, so that both halves change the same leaves all the time.
        private func half(
            _ records: [[String: String]], _ rest: Int, _ cluster: LocalCluster
        ) throws -> String {
            let part = records.indices.filter { $0 % 2 == rest }.map { records[$0] }
            let path = cluster.directory + "/half-\(rest).json"
            try JSONEncoder().encode(["639-3": part]).write(to: URL(fileURLWithPath: path))
            return path
        }

        /// An import through one proxy, which the client does not leave.
        private func start(
            _ cluster: LocalCluster, _ proxy: Int, _ tree: String, _ file: String, _ batch: String
        ) throws -> ChildProcess {
            let url = cluster.url(of: [LocalCluster.Member(.clientProxy, proxy)])
            return try ChildProcess.start(
                cluster.executables + "/optimystic",
                [
                    "--connect", url, "tree", "import", tree, file, "--key", "alpha_3", "--batch",
                    batch,
                ], output: nil, errors: cluster.directory + "/import-\(proxy)-\(tree).log")
        }

        private func errors(_ cluster: LocalCluster) -> String {
            ["1-languages", "2-languages", "2-from-csv"].map { name in
                let path = cluster.directory + "/import-\(name).log"
                return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            }.joined()
        }

        /// Kills a peer and a coordinator while the imports are at work, and starts them again.
        private func disturb(_ cluster: LocalCluster, _ count: Int) async throws {
            let database = try await Database.connect(cluster.url)
            defer { database.close() }
            let tree = try await database.tree(
                "languages", key: String.self, coding: .rawJSON, timeout: .seconds(20))
            /// The imports must still be at work then: killing something afterwards shows nothing.
            func awaitShare(_ percent: Int) async throws {
                let end = cluster.environment.now().advanced(by: .seconds(40))
                var landed = 0
                while landed < count * percent / 100 {
                    try #require(cluster.environment.now() < end, "no progress")
                    try await Task.sleep(for: .milliseconds(20))
                    landed = try await tree.count(timeout: .seconds(20))
                }
                #expect(landed < count, "\(percent) % came too late")
            }
            try await awaitShare(10)
            cluster.kill(Self.peer)
            try await awaitShare(25)
            cluster.kill(Self.coordinator)
            try await awaitShare(40)
            try cluster.start(Self.peer)
            try cluster.start(Self.coordinator)
        }

        /// The lines of an export are the records, each once.
        private func expectEqual(
            _ lines: String, _ records: [[String: String]],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let decoder = JSONDecoder()
            let found = try lines.split(separator: "\n").map {
                try decoder.decode([String: String].self, from: Data($0.utf8))
            }
            #expect(found.count == records.count, sourceLocation: sourceLocation)
            #expect(Set(found) == Set(records), sourceLocation: sourceLocation)
        }

        /// Nothing is lost and no two replicas disagree; what one of them lacks, because it was
        /// dead, is brought to it by the verification, so that in the end all hold the same bytes.
        private func expectVerified(_ cluster: LocalCluster) async throws {
            let end = cluster.environment.now().advanced(by: .seconds(30))
            while try !verify(cluster) {
                try #require(cluster.environment.now() < end, "a replica still lacks something")
                try await Task.sleep(for: .milliseconds(200))
            }
        }

        /// - Returns: Whether every object is on every replica.
        private func verify(_ cluster: LocalCluster) throws -> Bool {
            var isFull = true
            let result = try cluster.run(
                "optimystic",
                ["--connect", cluster.url, "--timeout", "20s", "--output", "json", "verify"])
            #expect(result.ending == .exited(0), "\(result.output)\(result.errors)")
            for line in result.output.split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let pairs = try #require(object as? [String: Any])
                #expect(pairs["sound"] as? Bool == true, "\(line)")
                #expect(pairs["blockWrites"] as? Int ?? 0 > 0, "\(line)")
                let full = try #require(pairs["fullyReplicated"] as? Int)
                let partly = try #require(pairs["partlyReplicated"] as? Int)
                #expect(full + partly == pairs["objects"] as? Int)
                if partly > 0 { isFull = false }
            }
            return isFull
        }
    }
}
