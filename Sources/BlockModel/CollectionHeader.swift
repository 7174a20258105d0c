import BlockRuntime

/// What a collection is for.
public enum CollectionKind: UInt8, Sendable, CaseIterable {
    case tree = 1
    case diary = 2
    case queue = 3
    case custom = 4

    /// Whether its entries write blocks; a diary is its log.
    public var hasBlocks: Bool { self != .diary }
}

/// How the values of a collection are encoded. The database stores bytes; this tells readers which.
public enum ValueEncoding: UInt8, Sendable, CaseIterable {
    case bytes = 1
    case json = 2
}

/// The header part of a tail: what a structure needs to find its data. Changed only by entries.
package struct CollectionHeader: Hashable, Sendable {
    package var kind: CollectionKind
    package var encoding: ValueEncoding
    /// What its keys are; nil for a kind without keys. Like kind and encoding it never changes.
    package var keyType: KeyType?
    /// Entries of a node, for kinds built of nodes; 0 for a diary.
    package var capacity: UInt32
    /// The root or head block; nil for a diary, and for an empty structure.
    package var root: BlockID?

    package init(
        kind: CollectionKind, encoding: ValueEncoding, keyType: KeyType? = nil,
        capacity: UInt32 = 0, root: BlockID? = nil
    ) {
        self.kind = kind
        self.encoding = encoding
        self.keyType = keyType
        self.capacity = capacity
        self.root = root
    }

    /// Whether `other` says the same of what the collection holds, which no entry may change.
    package func hasSameContent(as other: CollectionHeader) -> Bool {
        kind == other.kind && encoding == other.encoding && keyType == other.keyType
    }
}

extension CollectionHeader: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(kind.rawValue)
        encoder.append(encoding.rawValue)
        encoder.append(keyType?.text ?? "")
        encoder.append(capacity)
        encoder.append(root)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        guard let kind = CollectionKind(rawValue: try decoder.uint8()) else {
            throw decoder.malformed("an unknown collection kind")
        }
        guard let encoding = ValueEncoding(rawValue: try decoder.uint8()) else {
            throw decoder.malformed("an unknown value encoding")
        }
        let text = try decoder.string(bytesMax: Limits.keyTypeBytesMax)
        let keyType = KeyType(text: text)
        guard keyType != nil || text.isEmpty else {
            throw decoder.malformed("an unknown type of keys")
        }
        self.init(
            kind: kind, encoding: encoding, keyType: keyType, capacity: try decoder.uint32(),
            root: try decoder.optional(BlockID.self))
    }
}
