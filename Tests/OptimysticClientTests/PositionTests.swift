import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// Where to resume: a place in one life of a collection, checked against that life and its end.
@Suite("Positions", .serialized) struct PositionTests {
    /// The code that `body` fails with; nil when it does not.
    private func failure(
        _ body: @Sendable () async throws -> Void
    ) async -> ErrorCode? {
        do {
            try await body()
            return nil
        } catch let error as DatabaseError {
            #expect(error.outcome == .notApplied)
            return error.code
        } catch {
            Issue.record(error)
            return nil
        }
    }

    @Test("a position is written and read back, with its life and without, and nothing else is one")
    func texts() throws {
        let info = CollectionInfo(
            name: "d", incarnation: Incarnation(generation: 12, nonce: Identifier128(0x0102_0304)),
            header: CollectionHeader(kind: .diary, encoding: .bytes), revision: Revision(7),
            createdBy: ActionID(rawValue: .zero))
        let whole = CollectionPosition(revision: Revision(5), in: info)
        #expect(whole.index == nil && whole.description.hasPrefix("5@12-"))
        let tag = try #require(whole.life).description
        for text in ["5@\(tag)", "5.0@\(tag)", "0.0@\(tag)", "5.1023@\(tag)", "5", "5.3"] {
            #expect(CollectionPosition(text: text)?.description == text)
        }
        #expect(CollectionPosition(text: "5@\(tag)") == whole)
        for text in [
            "", "@", "5@", "5.@\(tag)", "x@\(tag)", "5@\(tag)x", "5@0-aaaaaaaa", "5@12-aaaaaaa",
            "5@\(tag)@\(tag)", "5@12-AAAAAAAA", "5@012-aaaaaaaa", "-5", "5@é",
            "5@12-aaaaaaa\u{301}",
        ] {
            #expect(CollectionPosition(text: text) == nil, "\(text)")
        }
        #expect(try CollectionPosition(text: "5")?.revision(in: info) == Revision(5))
    }

    @Test(
        "a reader never skips: a position of another life or behind the end is refused everywhere",
        arguments: DatabaseHome.allCases)
    func diaries(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let old = try await database.diary("d", of: String.self)
            var positions: [CollectionPosition] = []
            for number in 1...5 { positions.append(try await old.append("o\(number)")) }
            try await database.drop("d")
            let new = try await database.diary("d", of: String.self)
            for number in 1...3 { try await new.append("n\(number)") }
            let oldFirst = positions[0]
            let oldLast = positions[4]
            let unnamed = try #require(CollectionPosition(text: "5.0"))
            // Of another life, in front of the end and behind it; of no life named, behind it.
            for position in [oldFirst, oldLast, unnamed] {
                for direction in [ReadDirection.forward, .backward] {
                    let code = await failure {
                        for try await _ in new.entries(from: .after(position), direction: direction)
                        {}
                    }
                    #expect(code == .positionNotFound, "\(position) \(direction)")
                }
                let code = await failure {
                    for try await _ in new.follow(after: position) { break }
                }
                #expect(code == .positionNotFound, "\(position)")
            }
            let asOf = await failure {
                for try await _ in new.entries(asOf: Revision(5)) {}
            }
            #expect(asOf == .positionNotFound)
            // Without a life it is of this one, and within its end it is read on from.
            var values: [String] = []
            let first = try #require(CollectionPosition(text: "1.0"))
            for try await entry in new.entries(from: .after(first)) { values.append(entry.value) }
            #expect(values == ["n2", "n3"])
            // The end itself is a place to wait at.
            let end = try #require(CollectionPosition(text: "3.0"))
            for try await _ in new.entries(from: .after(end)) { Issue.record("behind the end") }
        }
    }

    @Test(
        "changes, reads as of a position, and custom logs refuse what is not of their life",
        arguments: DatabaseHome.allCases)
    func others(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let old = try await database.tree("t", key: Int.self, value: Int.self)
            for number in 0..<4 { try await old.set(number, to: number) }
            let kept = old.position
            try await database.drop("t")
            let tree = try await database.tree("t", key: Int.self, value: Int.self)
            try await tree.set(0, to: 7)
            let ahead = CollectionPosition(revision: Revision(9), in: tree.info)
            for position in [kept, ahead] {
                let changes = await failure {
                    for try await _ in tree.changes(since: position) { break }
                }
                #expect(changes == .positionNotFound)
                let value = await failure { _ = try await tree.asOf(position).value(for: 0) }
                #expect(value == .positionNotFound)
                let count = await failure { _ = try await tree.asOf(position).count() }
                #expect(count == .positionNotFound)
                let page = await failure {
                    for try await _ in try tree.asOf(position).entries() {}
                }
                #expect(page == .positionNotFound)
            }
            let queue = try await database.queue("q", of: Int.self)
            try await queue.enqueue(1)
            let peek = await failure { _ = try await queue.peek(asOf: Revision(8)) }
            #expect(peek == .positionNotFound)
            let size = await failure { _ = try await queue.count(asOf: Revision(8)) }
            #expect(size == .positionNotFound)

            let counter = try await database.createOrOpen("c", Counter.behavior)
            for direction in [ReadDirection.forward, .backward] {
                for position in [kept, CollectionPosition(revision: Revision(3), in: counter.info)]
                {
                    let log = await failure {
                        for try await _ in counter.log(after: position, direction: direction) {}
                    }
                    #expect(log == .positionNotFound, "\(direction)")
                }
            }
        }
    }
}
