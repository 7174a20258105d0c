import Optimystic

/// A counter as a collection of its own kind: the sample of the README.
enum Counter {
    struct Increment: Codable, Sendable, Equatable {
        var amount: Int
    }

    private static let key = Bytes("count".utf8)

    static let behavior = CollectionBehavior<Increment>(
        apply: { increment, scope in
            let count = try value(in: scope) + increment.amount
            try scope.set(key, Bytes("\(count)".utf8))
        },
        // Increments commute: one that was overtaken is simply done on top of the others.
        resolve: { _, _ in .keep })

    static func value(in scope: ActionScope) throws -> Int {
        try scope.value(for: key).flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    }
}
