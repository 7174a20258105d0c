import BlockRuntime

/// One atomic action on a tree: what must hold, and what is then done, in order.
///
/// The checks look at the tree as it was before the action. When one fails nothing is done, and
/// that is the action's outcome. A transaction over one tree is such an action too: its checks are
/// what its body read.
package struct TreeAction: Hashable, Sendable {
    package var checks: [TreeCheck]
    package var operations: [TreeOperation]

    package init(checks: [TreeCheck] = [], operations: [TreeOperation]) {
        self.checks = checks
        self.operations = operations
    }
}

/// One change of a tree.
package enum TreeOperation: Hashable, Sendable {
    /// Gives `key` the value, whether it had one or not.
    case put(key: Bytes, value: Bytes)
    /// Takes the value of `key` away, if it has one.
    case delete(key: Bytes)
}

/// A condition on a tree.
package enum TreeCheck: Hashable, Sendable {
    /// The value of `key` has this hash; nil: it has no value.
    case value(key: Bytes, TreeValueHash?)
    /// `key` has a value, whichever.
    case present(key: Bytes)
    /// The entries of the range, ascending, have this hash.
    case range(KeyRange, TreeEntriesHash)
}

/// The hash of a value, as checks compare it.
package struct TreeValueHash: Hashable, Sendable {
    package let digest: Digest
    package init(digest: Digest) { self.digest = digest }
    package init(_ value: Bytes) { digest = Digest(domain: "optimystic/tree-value/1", value) }
}

/// The hash of the entries of a range: of their keys and the hashes of their values.
package struct TreeEntriesHash: Hashable, Sendable {
    package private(set) var digest: Digest

    package init(digest: Digest) { self.digest = digest }

    /// Of no entry.
    package init() { digest = .zero }

    package init(_ entries: some Sequence<TreeEntry>) {
        self.init()
        for entry in entries { add(entry) }
    }

    /// Goes on to the next entry, ascending.
    package mutating func add(_ entry: TreeEntry) {
        var encoder = CanonicalEncoder()
        encoder.append(digest)
        encoder.append(entry.key)
        encoder.append(TreeValueHash(entry.value).digest)
        digest = Digest(domain: "optimystic/tree-entries/1", encoder.bytes)
    }
}

/// A key and its value.
public struct TreeEntry: Hashable, Sendable {
    /// Its key, as bytes in the order of keys.
    public let key: Bytes
    /// Its value.
    public let value: Bytes

    /// A key with its value.
    public init(key: Bytes, value: Bytes) {
        self.key = key
        self.value = value
    }
}

/// What became of a ``TreeAction`` that landed.
package enum TreeOutcome: Hashable, Sendable {
    /// Every operation was done; for each, whether its key had a value before.
    case applied(existed: [Bool])
    /// The check at this place failed, and nothing was done.
    case conflict(check: UInt32)
}

extension TreeAction {
    /// What is wrong with the action as it stands; nil when nothing is.
    package var problem: DatabaseError? {
        if checks.count > Limits.treeCheckCountMax {
            return DatabaseError(
                .invalidArgument,
                "\(checks.count) checks, treeCheckCountMax = \(Limits.treeCheckCountMax)")
        }
        if operations.count > Limits.treeOperationCountMax {
            return DatabaseError(
                .valueTooLarge,
                "\(operations.count) operations in one action, treeOperationCountMax = "
                    + "\(Limits.treeOperationCountMax)")
        }
        for operation in operations {
            switch operation {
            case .put(let key, let value):
                if let problem = TreeAction.problem(key: key) { return problem }
                if value.count > Limits.valueBytesMax {
                    return DatabaseError(
                        .valueTooLarge,
                        "a value of \(value.count) bytes, valueBytesMax = "
                            + "\(Limits.valueBytesMax)")
                }
            case .delete(let key): if let problem = TreeAction.problem(key: key) { return problem }
            }
        }
        for check in checks {
            switch check {
            case .value(let key, _), .present(let key):
                if let problem = TreeAction.problem(key: key) { return problem }
            case .range(let range, _):
                for bound in [range.lower, range.upper].compactMap({ $0 }) {
                    if let problem = TreeAction.problem(key: bound.key) { return problem }
                }
            }
        }
        return nil
    }

    /// What is wrong with a key; nil when nothing is.
    package static func problem(key: Bytes) -> DatabaseError? {
        guard key.count > Limits.keyBytesMax else { return nil }
        return DatabaseError(
            .valueTooLarge, "a key of \(key.count) bytes, keyBytesMax = \(Limits.keyBytesMax)")
    }
}

// MARK: - Canonical form

extension TreeOperation: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        switch self {
        case .put(let key, let value):
            encoder.append(UInt8(1))
            encoder.append(key)
            encoder.append(value)
        case .delete(let key):
            encoder.append(UInt8(2))
            encoder.append(key)
        }
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        switch try decoder.uint8() {
        case 1:
            self = .put(
                key: try decoder.byteString(countMax: Limits.keyBytesMax),
                value: try decoder.byteString(countMax: Limits.valueBytesMax))
        case 2: self = .delete(key: try decoder.byteString(countMax: Limits.keyBytesMax))
        default: throw decoder.malformed("an unknown operation on a tree")
        }
    }
}

extension TreeValueHash: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) { encoder.append(digest) }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(digest: try decoder.digest())
    }
}

extension TreeCheck: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        switch self {
        case .value(let key, let hash):
            encoder.append(UInt8(1))
            encoder.append(key)
            encoder.append(hash)
        case .present(let key):
            encoder.append(UInt8(2))
            encoder.append(key)
        case .range(let range, let hash):
            encoder.append(UInt8(3))
            encoder.append(range)
            encoder.append(hash.digest)
        }
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        switch try decoder.uint8() {
        case 1:
            self = .value(
                key: try decoder.byteString(countMax: Limits.keyBytesMax),
                try decoder.optional(TreeValueHash.self))
        case 2: self = .present(key: try decoder.byteString(countMax: Limits.keyBytesMax))
        case 3:
            self = .range(
                try KeyRange(from: &decoder), TreeEntriesHash(digest: try decoder.digest()))
        default: throw decoder.malformed("an unknown check of a tree")
        }
    }
}

extension TreeAction: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(checks)
        encoder.append(operations)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        // The smallest of either: a byte that says what it is, and an empty key.
        let elementBytesMin = 5
        self.init(
            checks: try decoder.list(
                of: TreeCheck.self, countMax: Limits.treeCheckCountMax,
                elementBytesMin: elementBytesMin),
            operations: try decoder.list(
                of: TreeOperation.self, countMax: Limits.treeOperationCountMax,
                elementBytesMin: elementBytesMin))
    }
}

extension TreeOutcome: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        switch self {
        case .applied(let existed):
            encoder.append(UInt8(1))
            encoder.append(existed.map { $0 ? 1 : 0 } as Bytes)
        case .conflict(let check):
            encoder.append(UInt8(2))
            encoder.append(check)
        }
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        switch try decoder.uint8() {
        case 1:
            let flags = try decoder.byteString(countMax: Limits.treeOperationCountMax)
            guard flags.allSatisfy({ $0 <= 1 }) else {
                throw decoder.malformed("a flag that is neither 0 nor 1")
            }
            self = .applied(existed: flags.map { $0 == 1 })
        case 2: self = .conflict(check: try decoder.uint32())
        default: throw decoder.malformed("an unknown outcome of an action on a tree")
        }
    }
}
