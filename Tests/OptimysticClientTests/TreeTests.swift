import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

private struct Nation: Codable, Sendable, Hashable {
    var name: String
    var population: Int
}

/// Trees through the SDK, against the real services in this process.
@Suite("Tree", .serialized) struct TreeTests {
    @Test(
        "What was set is found, in order, in both directions, and gone when it was removed",
        arguments: DatabaseHome.allCases)
    func basics(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("countries", key: String.self, value: Nation.self)
            #expect(try await tree.value(for: "PT") == nil)
            #expect(try await !tree.set("PT", to: Nation(name: "Portugal", population: 10)))
            #expect(try await tree.set("PT", to: Nation(name: "Portugal", population: 11)))
            #expect(try await tree.value(for: "PT")?.population == 11)
            try await tree.replace([
                .set("FI", Nation(name: "Finland", population: 5)), .remove("PT"),
                .set("SE", Nation(name: "Sweden", population: 10)),
            ])
            var keys: [String] = []
            for try await (key, _) in tree.entries(direction: .backward) { keys.append(key) }
            #expect(keys == ["SE", "FI"])
            #expect(try await tree.remove("SE"))
            #expect(try await !tree.remove("SE"))
            #expect(try await tree.count() == 1)
        }
    }

    @Test(
        "Thousands of entries come back in order, page by page, as of any revision",
        arguments: DatabaseHome.allCases)
    func many(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree(
                "numbers", key: Int.self, value: Int.self, capacity: 6)
            let refused = await #expect(throws: DatabaseError.self) {
                try await database.tree("none", key: Int.self, value: Int.self, capacity: 3)
            }
            #expect(refused?.code == .invalidArgument)
            var generator = SeededGenerator(seed: 1)
            var model: [Int: Int] = [:]
            var history: [(revision: Revision, model: [Int: Int])] = []
            for round in 0..<60 {
                var changes: [Tree<Int, Int>.Change] = []
                for _ in 0..<100 {
                    let key = generator.below(5000)
                    if generator.chance(1, in: 4) {
                        changes.append(.remove(key))
                        model[key] = nil
                    } else {
                        changes.append(.set(key, round))
                        model[key] = round
                    }
                }
                let commit = try await tree.replace(changes)
                history.append((commit.revision, model))
            }
            for (revision, model) in history {
                let snapshot = tree.asOf(revision: revision)
                var found: [(Int, Int)] = []
                for try await entry in snapshot.entries() { found.append(entry) }
                #expect(found.map(\.0) == model.keys.sorted())
                #expect(found.allSatisfy { model[$0.0] == $0.1 })
                for limit in [-1, 0, 1, 700, 100_000] {
                    var keys: [Int] = []
                    for try await (key, _) in snapshot.entries(direction: .backward, limit: limit) {
                        keys.append(key)
                    }
                    let expected = found.map(\.0).reversed().prefix(max(0, limit))
                    #expect(keys == Array(expected))
                }
                #expect(try await snapshot.count() == model.count)
                let part = 1000..<2000
                let inside = model.keys.filter { part.contains($0) }
                #expect(try await snapshot.count(in: part) == inside.count)
            }
        }
    }
}
