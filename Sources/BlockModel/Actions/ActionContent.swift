import BlockRuntime

/// What one action of a client does, by the kind of its collection.
package enum ActionContent: Hashable, Sendable {
    /// Appends one entry to a diary.
    case append(Bytes)
    case tree(TreeAction)
    case queue(QueueAction)
    /// An action of a custom collection, as its handlers encode it: only they can do it.
    case custom(Bytes)

    /// The kind of the collections it can act on.
    package var kind: CollectionKind {
        switch self {
        case .append: .diary
        case .tree: .tree
        case .queue: .queue
        case .custom: .custom
        }
    }

    /// What it would put that is no key of `keyType`, in words; nil when there is nothing.
    package func problem(keyType: KeyType?) -> String? {
        guard case .tree(let action) = self, let keyType else { return nil }
        for case .put(let key, _) in action.operations {
            if let problem = keyType.problem(with: key) {
                return "the keys are \(keyType), and 0x\(ByteText.hex(key)) is none: \(problem)"
            }
        }
        return nil
    }

    /// As the log keeps it.
    package var bytes: Bytes {
        switch self {
        case .append(let bytes): bytes
        case .tree(let action): action.canonicalBytes
        case .queue(let action): action.canonicalBytes
        case .custom(let bytes): bytes
        }
    }

    /// Reads what the log of a collection of this kind keeps.
    /// - Throws: `.malformedMessage` when it is nothing of the kind.
    package init(_ bytes: Bytes, kind: CollectionKind) throws(DatabaseError) {
        switch kind {
        case .diary: self = .append(bytes)
        case .tree: self = .tree(try TreeAction(canonicalBytes: bytes))
        case .queue: self = .queue(try QueueAction(canonicalBytes: bytes))
        case .custom: self = .custom(bytes)
        }
    }

    /// What is wrong with the action as it stands; nil when nothing is.
    package var problem: DatabaseError? {
        switch self {
        case .append(let bytes):
            guard bytes.count > Limits.valueBytesMax else { return nil }
            return DatabaseError(
                .valueTooLarge,
                "a diary entry of \(bytes.count) bytes, valueBytesMax = \(Limits.valueBytesMax)")
        case .tree(let action): return action.problem
        case .queue(let action): return action.problem
        case .custom(let bytes):
            guard bytes.count > Limits.actionBytesMax else { return nil }
            return DatabaseError(
                .valueTooLarge,
                "an action of \(bytes.count) bytes, actionBytesMax = \(Limits.actionBytesMax)")
        }
    }
}

/// What became of an action that landed: part of the entry, so that a retry learns what the first
/// try would have been told.
package enum ActionOutcome: Hashable, Sendable {
    /// Of a diary: it is there. Also of a custom collection, where its handlers know what came of
    /// it.
    case appended
    case tree(TreeOutcome)
    case queue(QueueOutcome)

    /// As the log keeps it; nothing for a diary.
    package var bytes: Bytes {
        switch self {
        case .appended: []
        case .tree(let outcome): outcome.canonicalBytes
        case .queue(let outcome): outcome.canonicalBytes
        }
    }

    /// Reads what the log of a collection of this kind keeps.
    /// - Throws: `.malformedMessage` when it is nothing of the kind.
    package init(_ bytes: Bytes, kind: CollectionKind) throws(DatabaseError) {
        switch kind {
        case .diary, .custom: self = .appended
        case .tree: self = .tree(try TreeOutcome(canonicalBytes: bytes))
        case .queue: self = .queue(try QueueOutcome(canonicalBytes: bytes))
        }
    }
}
