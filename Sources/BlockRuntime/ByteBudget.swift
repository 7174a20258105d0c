/// Bytes that principals hold of one thing, each of them and all together, and how many they may.
///
/// Who holds little is let in while others are at their limits: no principal takes more than its
/// part, and the parts of all may be more than there is.
package struct ByteBudget<Principal: Hashable & Sendable>: Sendable {
    /// A limit and its name in ``Limits``.
    package struct Bound: Sendable {
        package let name: String
        package let bytes: Int
        package init(_ name: String, _ bytes: Int) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// What is held, for messages: `requests under way`.
    private let what: String
    private let ofEach: Bound
    private let ofAll: Bound
    package private(set) var total = 0
    private var held: [Principal: Int] = [:]

    package init(_ what: String, ofEach: Bound, ofAll: Bound) {
        self.what = what
        self.ofEach = ofEach
        self.ofAll = ofAll
    }

    package func bytes(of principal: Principal) -> Int { held[principal] ?? 0 }

    /// Principals that hold something.
    package var principalCount: Int { held.count }

    /// Why `principal` may not hold so many bytes more; nil when it may. Who holds nothing may
    /// always hold one thing as far as its own part is concerned.
    package func refusal(
        of bytes: Int, for principal: Principal, retryAfter: Duration = RetryTiming.afterFullBudget
    ) -> DatabaseError? {
        let own = self.bytes(of: principal)
        if own > 0, own + bytes > ofEach.bytes {
            return DatabaseError(
                .overloaded,
                "\(own + bytes) bytes of \(what) of one connection, \(ofEach.name) = "
                    + "\(ofEach.bytes)", retryAfter: retryAfter)
        }
        if total > 0, total + bytes > ofAll.bytes {
            return DatabaseError(
                .overloaded,
                "\(total + bytes) bytes of \(what) of all connections, \(ofAll.name) = "
                    + "\(ofAll.bytes)", retryAfter: retryAfter)
        }
        return nil
    }

    package mutating func add(_ bytes: Int, for principal: Principal) {
        invariant(bytes >= 0, "\(bytes) bytes more")
        guard bytes > 0 else { return }
        total += bytes
        held[principal, default: 0] += bytes
    }

    package mutating func remove(_ bytes: Int, for principal: Principal) {
        guard bytes > 0 else { return }
        let left = self.bytes(of: principal) - bytes
        invariant(left >= 0, "\(-left) bytes more are given back than were taken")
        total -= bytes
        held[principal] = left == 0 ? nil : left
    }

    /// - Complexity: O(principals).
    package func checkInvariants() {
        let sum = held.values.reduce(0, +)
        invariant(sum == total, "\(sum) bytes are held, \(total) counted")
    }
}
