import BlockModel
import BlockRuntime
import Optimystic
import Testing

@Suite("History that is given up")
struct HistoryTests {
    /// Waits until `condition` holds, as what goes on in the background is not told to anybody.
    private func eventually(
        _ condition: @Sendable () async throws -> Bool
    ) async throws -> Bool {
        for _ in 0..<300 {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    private func isSound(_ database: Database) async throws -> Bool {
        try await database.verify().collections.flatMap(\.findings)
            .allSatisfy { $0.kind == .underReplicated }
    }

    /// Truncates through `revision`, as soon as that much is final.
    private func truncate(
        _ database: Database, _ name: String, through revision: Revision
    ) async throws {
        let isDone = try await eventually {
            try await database.truncate(name, through: revision).truncatedThrough >= revision
        }
        #expect(isDone)
    }

    // protocol: truncate-then-delete
    @Test(
        "Truncation ends what is below it, with words, and nothing else",
        arguments: DatabaseHome.allCases)
    func truncation(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("t", key: Int.self, value: String.self)
            for number in 1...80 { try await tree.set(number % 8, to: "\(number)") }
            let before = try await tree.asOf(revision: Revision(50)).value(for: 2)
            #expect(before == "50")
            try await truncate(database, "t", through: Revision(60))

            for revision in [1, 30, 59] as [UInt64] {
                await #expect {
                    _ = try await tree.asOf(revision: Revision(revision)).value(for: 2)
                } throws: { ($0 as? DatabaseError)?.code == .historyTruncated }
            }
            for revision in 60...80 as ClosedRange<UInt64> {
                let then = try await tree.asOf(revision: Revision(revision)).value(for: 4)
                #expect(then == "\((revision - 4) / 8 * 8 + 4)")
            }
            await #expect {
                for try await _ in tree.changes(
                    since: CollectionPosition(revision: Revision(20), in: tree.info))
                { break }
            } throws: { ($0 as? DatabaseError)?.code == .historyTruncated }
            try await tree.set(9, to: "new")
            #expect(try await tree.value(for: 9) == "new")
            #expect(try await tree.value(for: 1) == "73")
            #expect(try await isSound(database))
            let state = try await database.history(of: "t")
            #expect(state.truncatedThrough == Revision(60) && state.retention == .all)
        }
    }

    @Test("A diary begins behind its truncation", arguments: DatabaseHome.allCases)
    func diary(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let diary = try await database.diary("d", of: String.self)
            let long = String(repeating: "x", count: 3000)
            for number in 1...70 { try await diary.append("\(number)\(long)") }
            let position = CollectionPosition(revision: Revision(20), in: diary.info)
            let state = try await database.truncate("d", through: Revision(40))
            #expect(state.truncatedThrough == Revision(40))
            var seen: [String] = []
            for try await entry in diary.entries() { seen.append(entry.value) }
            #expect(seen == (41...70).map { "\($0)\(long)" })
            await #expect {
                for try await _ in diary.follow(after: position) { break }
            } throws: { ($0 as? DatabaseError)?.code == .historyTruncated }
            // Bodies and segments that are wholly below it go.
            let isRemoved = try await eventually {
                try await database.status().compactMap(\.status).allSatisfy {
                    $0.contentCount == 30 && $0.segmentCount == 1
                }
            }
            #expect(isRemoved)
            #expect(try await isSound(database))
        }
    }

    @Test(
        "Truncation through a revision that does not exist yet is refused, and takes nothing",
        arguments: DatabaseHome.allCases)
    func ahead(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let diary = try await database.diary("d", of: String.self)
            for number in 1...3 { try await diary.append("\(number)") }
            for revision in [4, 5000] as [UInt64] {
                await #expect {
                    try await database.truncate("d", through: Revision(revision))
                } throws: { ($0 as? DatabaseError)?.code == .positionNotFound }
            }
            var seen: [String] = []
            for try await entry in diary.entries() { seen.append(entry.value) }
            #expect(seen == ["1", "2", "3"])
        }
    }

    @Test("What retention does not keep is truncated by itself", arguments: DatabaseHome.allCases)
    func retention(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("t", key: Int.self, value: Int.self)
            #expect(try await database.setRetention("t", to: .last(10)).retention == .last(10))
            for number in 1...60 { try await tree.set(number % 4, to: number) }
            let isTruncated = try await eventually {
                try await database.history(of: "t").truncatedThrough >= Revision(40)
            }
            #expect(isTruncated)
            #expect(try await tree.value(for: 0) == 60)
            let state = try await database.history(of: "t")
            #expect(state.truncatedThrough <= Revision(50))
            await #expect {
                _ = try await tree.asOf(revision: Revision(10)).value(for: 0)
            } throws: { ($0 as? DatabaseError)?.code == .historyTruncated }
            await #expect { try await database.setRetention("t", to: .last(0)) } throws: {
                ($0 as? DatabaseError)?.code == .invalidArgument
            }
        }
    }

    @Test(
        "What a dropped collection held is removed, also where the name lives again",
        arguments: DatabaseHome.allCases)
    func dropped(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let kept = try await database.diary("kept", of: String.self)
            let long = String(repeating: "y", count: 2000)
            for number in 1...4 { try await kept.append("\(number)\(long)") }
            let diary = try await database.diary("d", of: String.self)
            for number in 1...70 { try await diary.append("\(number)\(long)") }
            let isFull = try await eventually {
                try await database.status().compactMap(\.status).allSatisfy {
                    $0.contentCount == 74 && $0.segmentCount >= 1
                }
            }
            #expect(isFull)
            try await database.drop("d")
            let again = try await database.diary("d", of: String.self)
            try await again.append("one\(long)")
            let isEmpty = try await eventually {
                try await database.status().compactMap(\.status).allSatisfy {
                    $0.contentCount == 5 && $0.segmentCount == 0
                }
            }
            #expect(isEmpty)
            var seen: [String] = []
            for try await entry in kept.entries() { seen.append(entry.value) }
            #expect(seen.count == 4)
            #expect(try await isSound(database))
        }
    }
}
