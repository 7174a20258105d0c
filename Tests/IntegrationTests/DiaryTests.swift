import BlockDeployment
import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import Testing

extension Integration {
    @Suite("A diary on a real cluster")
    struct DiaryTests {
        private struct Event: Codable, Hashable, Sendable {
            let number: Int
            let text: String
        }

        @Test("What is appended is read in both directions, and again after everything restarted")
        func restart() async throws {
            try await withCluster { cluster in
                let events = (0..<100).map { Event(number: $0, text: "event \($0)") }
                let first = try await Database.connect(cluster.url)
                let diary = try await first.diary("events", of: Event.self)
                for event in events { try await diary.append(event) }
                var backward: [Event] = []
                for try await item in diary.entries(direction: .backward) {
                    backward.append(item.value)
                }
                #expect(backward == events.reversed())
                first.close()

                let endings = cluster.stopAll()
                #expect(endings.count == 6)
                #expect(endings.values.allSatisfy { $0 == .exited(0) }, "\(endings)")
                try cluster.startAll()

                let second = try await Database.connect(cluster.url)
                defer { second.close() }
                let reopened = try await second.openDiary("events", of: Event.self)
                var forward: [Event] = []
                for try await item in reopened.entries() { forward.append(item.value) }
                #expect(forward == events)
                let more = Event(number: 100, text: "after the restart")
                #expect(try await reopened.append(more).revision == reopened.revision)
                try expectSound(cluster)
            }
        }

        @Test("A body over the inline limit and one of the greatest size come back whole")
        func bodies() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary(named: "bodies")
                let values = [1, Limits.inlineBodyBytesMax, Limits.valueBytesMax].map { count in
                    Bytes((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                }
                for value in values { try await diary.append(value) }
                var read: [Bytes] = []
                for try await item in diary.entries() { read.append(item.value) }
                #expect(read == values)
                try expectSound(cluster)
            }
        }

        @Test("What an application gets wrong is one typed error, and changes nothing")
        func mistakes() async throws {
            try await withDatabase { cluster, database in
                let diary = try await database.diary("events", of: Event.self)
                let tooLarge = Event(
                    number: 1, text: String(repeating: "x", count: Limits.valueBytesMax))
                let large = await #expect(throws: DatabaseError.self) {
                    try await diary.append(tooLarge)
                }
                #expect(large?.code == .valueTooLarge)
                #expect(large?.message.contains("\(Limits.valueBytesMax)") == true)
                let missing = await #expect(throws: DatabaseError.self) {
                    _ = try await database.openDiary(named: "missing")
                }
                #expect(missing?.code == .collectionNotFound)
                let kind = await #expect(throws: DatabaseError.self) {
                    _ = try await database.diary(named: "events")
                }
                #expect(kind?.code == .collectionKindMismatch)
                let url = cluster.url.replacingOccurrences(of: "/demo", with: "/other")
                let other = await #expect(throws: DatabaseError.self) {
                    _ = try await Database.connect(url)
                }
                #expect(other?.code == .wrongCluster)
                #expect(try await database.collections().map(\.revision) == [diary.info.revision])
            }
        }

        @Test("The Python client does the same with nothing but the protocol files")
        func python() async throws {
            try await withCluster { cluster in
                let output = try cluster.runPython("run_live.py", "from-python")
                #expect(output.contains("chain verified"))
                // And what it wrote is what everybody else reads.
                let database = try await Database.connect(cluster.url)
                defer { database.close() }
                let diary = try await database.openDiary(named: "from-python")
                #expect(try await diary.all().last?.value == "twice")
                try expectSound(cluster)
            }
        }
    }
}
