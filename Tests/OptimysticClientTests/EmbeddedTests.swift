import Foundation
import Optimystic
import Testing

/// What an embedded database has of its own: its directory.
@Suite("Embedded database", .serialized) struct EmbeddedTests {
    @Test("What was written is there when the directory is opened again")
    func reopens() async throws {
        try await TemporaryPath.run { path in
            let cluster: Identifier128
            do {
                let database = try await Database.embedded(at: path)
                cluster = database.cluster.cluster.rawValue
                let tree = try await database.tree("letters", key: String.self, value: Int.self)
                for (number, letter) in "abcdefgh".enumerated() {
                    try await tree.set(String(letter), to: number)
                }
                let diary = try await database.diary("events", of: String.self)
                try await diary.append("first")
                await database.closeAndWait()
            }
            let database = try await Database.embedded(at: path)
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

    @Test("A directory that is open, or is something else, or forgot, is refused in words")
    func refusals() async throws {
        try await TemporaryPath.run { path in
            let database = try await Database.embedded(at: path)
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
            await (try Database.embedded(at: path)).closeAndWait()
            return nil
        } catch {
            return (error as? DatabaseError)?.code
        }
    }

    @Test("Writers at the same time share entries, and so their syncs")
    func groups() async throws {
        try await TemporaryPath.run { path in
            let database = try await Database.embedded(at: path)
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
