import BlockModel
import BlockRuntime
import Optimystic

/// Transactions over several collections that have prepared something and are not decided, or not
/// yet carried out everywhere, by how long that has been so.
package struct TransactionsInDoubt: Equatable {
    /// Longest first in the text of `status`.
    package enum Age: String, CaseIterable {
        case underOneSecond = "under 1 s"
        case underTenSeconds = "1 to 10 s"
        case underOneMinute = "10 to 60 s"
        case longer = "over a minute"

        package init(milliseconds: UInt64) {
            self =
                switch milliseconds {
                case ..<1000: .underOneSecond
                case ..<10_000: .underTenSeconds
                case ..<60_000: .underOneMinute
                default: .longer
                }
        }
    }

    package private(set) var counts: [Age: Int] = [:]
    /// Collections that were not looked at: there are too many of them.
    package private(set) var unseenCount = 0

    /// - Parameters:
    ///   - tails: Chosen values.
    ///   - unseenCount: Collections besides.
    ///   - now: In milliseconds since 1970, as entries are stamped.
    package init(_ tails: [TailValue], unseenCount: Int, now: UInt64) {
        var since: [Digest: UInt64] = [:]
        for intent in tails.compactMap({ $0.live?.exclusiveIntent }) {
            let attempt = intent.attempt.digest
            since[attempt] = min(since[attempt] ?? .max, intent.entry.wallMilliseconds)
        }
        for begun in since.values {
            // A clock that is behind says nothing of an age.
            counts[Age(milliseconds: now > begun ? now - begun : 0), default: 0] += 1
        }
        self.unseenCount = unseenCount
    }

    /// Looks at the tail of every collection, of no more than ``Limits/statusCollectionCountMax``.
    static func look(
        in database: Database, _ timeout: Duration?
    ) async throws -> TransactionsInDoubt {
        let names = try await database.collections(timeout: timeout).map(\.name)
        let seen = names.prefix(Limits.statusCollectionCountMax)
        var tails: [TailValue] = []
        var waiting = seen[...]
        try await withThrowingTaskGroup(of: TailValue.self) { group in
            func add() {
                guard let name = waiting.popFirst() else { return }
                group.addTask { try await database.inspectTail(name, timeout: timeout).value }
            }
            for _ in 0..<Limits.statusLookCountMax { add() }
            for try await value in group {
                tails.append(value)
                add()
            }
        }
        return TransactionsInDoubt(
            tails, unseenCount: names.count - seen.count, now: database.wallMilliseconds)
    }

    package var total: Int { counts.values.reduce(0, +) }

    package var line: String {
        let ages = Age.allCases.reversed().compactMap { age in
            counts[age].map { "\($0): \(age.rawValue)" }
        }
        return "transactions in doubt: \(total)"
            + (ages.isEmpty ? "" : " (\(ages.joined(separator: ", ")))")
            + (unseenCount > 0 ? "; \(unseenCount) collections were not looked at" : "")
    }

    /// For programs, where no tail can be told.
    static let unknown = JSONText.object(["role": .string("transactions"), "inDoubt": .null])

    var json: JSONText {
        .object([
            "role": .string("transactions"), "inDoubt": .number(UInt64(total)),
            "byAge": .object(
                Dictionary(
                    Age.allCases.map { (ExactText($0.rawValue), .number(UInt64(counts[$0] ?? 0))) },
                    uniquingKeysWith: { first, _ in first })),
            "collectionsNotLookedAt": .number(UInt64(unseenCount)),
        ])
    }
}
