import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import OptimysticEmbedded
import Testing

/// What an embedded database has of its own: its directory.
@Suite("Embedded database", .serialized) struct EmbeddedTests {
    @Test("What was written is there when the directory is opened again")
    func reopens() async throws {
        try await TemporaryPath.run { path in
            let cluster: Identifier128
            do {
                let database = try await Database.embedded(at: path, timeout: TestTime.generous)
                cluster = database.cluster.cluster.rawValue
                let tree = try await database.tree("letters", key: String.self, value: Int.self)
                for (number, letter) in "abcdefgh".enumerated() {
                    try await tree.set(String(letter), to: number)
                }
                let diary = try await database.diary("events", of: String.self)
                try await diary.append("first")
                await database.closeAndWait()
            }
            let database = try await Database.embedded(at: path, timeout: TestTime.generous)
            #expect(database.cluster.cluster.rawValue == cluster)
            let tree = try await database.tree("letters", key: String.self, value: Int.self)
            #expect(try await tree.count() == 8)
            #expect(try await tree.value(for: "h") == 7)
            let diary = try await database.diary("events", of: String.self)
            var events: [String] = []
            for try await event in diary.entries(from: .start) { events.append(event.value) }
            #expect(events == ["first"])
            let report = try await database.verify()
            #expect(report.isSound)
            await database.closeAndWait()
        }
    }

    @Test("A path is bytes: two that differ in what is no text are two databases, so named")
    func bytePaths() async throws {
        try await TemporaryPath.run { path in
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
            let names: [Bytes] = [[0x78, 0xFF], [0x78, 0xFE]]
            let paths = names.map { SystemPath(Array("\(path)/".utf8) + $0) }
            for (name, path) in zip(names, paths) {
                let database = try await Database.embedded(at: path)
                try await database.diary("whose", of: Bytes.self).append(name)
                await database.closeAndWait()
            }
            for (name, path) in zip(names, paths) {
                let database = try await Database.embedded(at: path)
                let diary = try await database.diary("whose", of: Bytes.self)
                for try await entry in diary.entries(from: .start) { #expect(entry.value == name) }
                // Locked, and told by a path that can be read.
                do {
                    _ = try await Database.embedded(at: path)
                    Issue.record("it was opened twice")
                } catch {
                    let said = (error as? DatabaseError)?.message ?? ""
                    #expect(said.contains("/x\\xf"), "\(said)")
                }
                await database.closeAndWait()
            }
            for odd: SystemPath in ["", SystemPath([0x61, 0, 0x62])] {
                await #expect(throws: DatabaseError.self) {
                    _ = try await Database.embedded(at: odd)
                }
            }
            await #expect(throws: DatabaseError.self) { _ = try await Database.embedded(at: "") }
        }
    }

    @Test(
        "What no collection can be called is refused before anything is sent, in plain words"
    )
    func names() async throws {
        try await TemporaryPath.run { path in
            let database = try await Database.embedded(at: path, timeout: TestTime.generous)
            for name in ["", "a\nb", String(repeating: "n", count: Limits.nameBytesMax + 1)] {
                for ask in [
                    { _ = try await database.openTree(named: $0) },
                    { _ = try await database.diary(named: $0) },
                    { try await database.drop($0) }, { _ = try await database.inspectTail($0) },
                    { _ = try await database.openQueue(named: $0) },
                ] as [(String) async throws -> Void] {
                    let error = await #expect(throws: DatabaseError.self) { try await ask(name) }
                    #expect(error?.code == .invalidArgument && error?.outcome == .notApplied)
                    #expect(error?.message.contains("collection's name") == true)
                    #expect(error?.message.contains("field") == false)
                }
            }
            await database.closeAndWait()
        }
    }

    @Test("An error says what happened where an application shows it, and which condition it was")
    func words() async throws {
        try await TemporaryPath.run { path in
            let database = try await Database.embedded(at: path, timeout: TestTime.generous)
            let tree = try await database.tree("t", key: String.self, value: String.self)
            try await tree.set("é", to: "1")
            let error = await #expect(throws: DatabaseError.self) {
                try await tree.replace(
                    [.set("a", "x")], if: [.isAbsent("a"), .isAbsent("é")],
                    id: database.makeActionID(), firstRevision: tree.revision)
            }
            #expect(error?.message.contains("key \"é\" has no value did not hold") == true)
            let general: (any Error)? = error
            #expect(general?.localizedDescription == error.map { "\($0.message) [\($0.code)]" })
            #expect((general as? any LocalizedError)?.recoverySuggestion?.isEmpty == false)
            #expect((general as? any LocalizedError)?.failureReason?.isEmpty == false)
            await database.closeAndWait()
        }
    }

    @Test("A directory that is open, or is something else, or forgot, is refused in words")
    func refusals() async throws {
        try await TemporaryPath.run { path in
            let database = try await Database.embedded(at: path, timeout: TestTime.generous)
            #expect(await problem(at: path) == .directoryLocked)
            await database.closeAndWait()
            try FileManager.default.removeItem(atPath: path + "/store")
            #expect(await problem(at: path) == .amnesia)
        }
        try await TemporaryPath.run { path in
            try FileManager.default.createDirectory(
                atPath: path + "/photos", withIntermediateDirectories: true)
            #expect(await problem(at: path) == .directoryForeign)
            #expect(await problem(at: path + "/none/of/these") == .pathNotFound)
        }
    }

    /// Why the directory does not open.
    private func problem(at path: String) async -> ErrorCode? {
        do {
            await (try Database.embedded(at: path, timeout: TestTime.generous)).closeAndWait()
            return nil
        } catch {
            return (error as? DatabaseError)?.code
        }
    }

    @Test("Writers at the same time share entries, and so their syncs")
    func groups() async throws {
        try await TemporaryPath.run { path in
            let database = try await Database.embedded(at: path, timeout: TestTime.generous)
            let tree = try await database.tree("letters", key: Int.self, value: Int.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<64 {
                    group.addTask {
                        for round in 0..<10 { try await tree.set(writer * 100 + round, to: round) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await tree.count() == 640)
            let revision = tree.revision
            #expect(revision.rawValue < 320, "640 writes in \(revision) entries")
            await database.closeAndWait()
        }
    }
}
