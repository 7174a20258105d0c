import BlockRuntime

/// The number of an attribute. What it means is up to the type of the block.
public struct BlockAttribute: RawRepresentable, Hashable, Sendable, Comparable,
    CustomStringConvertible
{
    /// The number in a stored block.
    public let rawValue: UInt8
    /// The attribute of this number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The attribute of this number.
    public init(_ value: UInt8) { rawValue = value }
    /// The order of their bytes or numbers.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    /// Its text form.
    public var description: String { "\(rawValue)" }
}

/// What an attribute holds.
public enum BlockValue: Hashable, Sendable {
    case bytes(Bytes)
    case list([Bytes])

    /// Bytes of its canonical form, the tag included.
    fileprivate var byteCount: Int {
        switch self {
        case .bytes(let bytes): 5 + bytes.count
        case .list(let items): items.reduce(5) { $0 + 4 + $1.count }
        }
    }
}

/// The unit of storage and of conflict: a header and flat attributes, changed only by
/// ``BlockOperation``.
///
/// A value: no holder sees another's changes.
public struct Block: Hashable, Sendable {
    /// What never changes in the life of a block.
    public struct Header: Hashable, Sendable {
        /// Its name in the collection.
        public let id: BlockID
        /// What kind of block it is.
        public let type: BlockType
        /// The collection that owns it.
        package let collection: CollectionID

        package init(id: BlockID, type: BlockType, collection: CollectionID) {
            self.id = id
            self.type = type
            self.collection = collection
        }
    }

    struct Attribute: Hashable, Sendable {
        let id: BlockAttribute
        var value: BlockValue
    }

    /// What every block has.
    public let header: Header
    /// Ascending by id: one content has one form.
    private(set) var attributes: [Attribute] = []
    /// Bytes of the canonical form. Kept up to date, so that a bound costs nothing to check.
    public private(set) var byteCount = Block.emptyByteCount

    /// A version, an id, a collection, a type and the count of attributes.
    private static let emptyByteCount = 1 + 2 * Digest.byteCount + 4 + 1

    /// A block without attributes.
    public init(header: Header) { self.header = header }

    /// Its name in the collection.
    public var id: BlockID { header.id }

    /// The ids of the attributes, ascending.
    public var attributeIDs: [BlockAttribute] { attributes.map(\.id) }

    /// The value of an attribute, nil when it is absent.
    public subscript(attribute: BlockAttribute) -> BlockValue? {
        position(of: attribute).map { attributes[$0].value }
    }

    /// The items of a list; empty when the attribute is absent or is no list.
    public func list(_ attribute: BlockAttribute) -> [Bytes] {
        for candidate in attributes where candidate.id == attribute {
            if case .list(let items) = candidate.value { return items }
        }
        return []
    }

    /// The bytes of an attribute; nil when it is absent or is a list.
    public func bytes(_ attribute: BlockAttribute) -> Bytes? {
        guard case .bytes(let bytes)? = self[attribute] else { return nil }
        return bytes
    }

    /// Sets or, with nil, removes an attribute.
    /// - Complexity: O(size of the old and the new value).
    public mutating func assign(_ attribute: BlockAttribute, _ value: BlockValue?) {
        if let position = position(of: attribute) {
            byteCount -= 1 + attributes[position].value.byteCount
            if let value {
                attributes[position].value = value
            } else {
                attributes.remove(at: position)
            }
        } else if let value {
            let position = attributes.firstIndex { $0.id > attribute } ?? attributes.count
            attributes.insert(Attribute(id: attribute, value: value), at: position)
        }
        if let value { byteCount += 1 + value.byteCount }
    }

    /// Replaces `deleteCount` items from `index` on. An absent attribute is an empty list.
    /// - Throws: `.notAList`, `.outOfRange`; the block is then unchanged.
    /// - Complexity: O(items behind `index`), without a copy when the list has one owner.
    package mutating func splice(
        _ attribute: BlockAttribute, at index: Int, deleting deleteCount: Int,
        inserting inserted: [Bytes]
    ) throws(TransformError) {
        guard let position = position(of: attribute) else {
            guard index == 0, deleteCount == 0 else {
                throw .outOfRange(attribute, index: index, deleteCount: deleteCount, count: 0)
            }
            assign(attribute, .list(inserted))
            return
        }
        guard case .list(var items) = attributes[position].value else { throw .notAList(attribute) }
        let count = items.count
        guard index >= 0, deleteCount >= 0, index <= count, deleteCount <= count - index else {
            throw .outOfRange(attribute, index: index, deleteCount: deleteCount, count: count)
        }
        // The list leaves the block while it changes: with two owners it would be copied.
        attributes[position].value = .bytes([])
        for item in items[index..<index + deleteCount] { byteCount -= 4 + item.count }
        for item in inserted { byteCount += 4 + item.count }
        if deleteCount == 1, inserted.count == 1 {
            items[index] = inserted[0]
        } else {
            items.replaceSubrange(index..<index + deleteCount, with: inserted)
        }
        attributes[position].value = .list(items)
    }

    private func position(of attribute: BlockAttribute) -> Int? {
        attributes.firstIndex { $0.id == attribute }
    }

    /// Nil when the block is within every bound.
    package var violation: TransformError? {
        if byteCount > Limits.blockBytesMax {
            return .overLimit(
                name: "blockBytesMax", limit: Limits.blockBytesMax, actual: byteCount)
        }
        if attributes.count > Limits.blockAttributeCountMax {
            return .overLimit(
                name: "blockAttributeCountMax", limit: Limits.blockAttributeCountMax,
                actual: attributes.count)
        }
        for case .list(let items) in attributes.map(\.value)
        where items.count > Limits.blockItemCountMax {
            return .overLimit(
                name: "blockItemCountMax", limit: Limits.blockItemCountMax, actual: items.count)
        }
        return nil
    }
}

extension Block: CanonicalCodable {
    package static let version = FormVersion(1)
    private static let bytesTag: UInt8 = 1
    private static let listTag: UInt8 = 2

    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(Self.version)
        encoder.append(header.id)
        encoder.append(header.collection)
        encoder.append(header.type.code)
        encoder.append(UInt8(attributes.count))
        for attribute in attributes {
            encoder.append(attribute.id.rawValue)
            switch attribute.value {
            case .bytes(let bytes):
                encoder.append(Self.bytesTag)
                encoder.append(bytes)
            case .list(let items):
                encoder.append(Self.listTag)
                encoder.appendItems(items)
            }
        }
    }

    /// - Throws: `.malformedMessage` when it is no canonical block or breaks a bound.
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        try decoder.version(Self.version, of: "a block")
        let id = try BlockID(from: &decoder)
        let collection = try CollectionID(from: &decoder)
        guard let type = BlockType(code: try decoder.uint32()) else {
            throw decoder.malformed("an unlawful block type")
        }
        self.init(header: Header(id: id, type: type, collection: collection))
        let count = Int(try decoder.uint8())
        for _ in 0..<count {
            let attribute = BlockAttribute(try decoder.uint8())
            if let last = attributes.last, last.id >= attribute {
                throw decoder.malformed("attributes that do not ascend")
            }
            switch try decoder.uint8() {
            case Self.bytesTag:
                assign(attribute, .bytes(try decoder.byteString(countMax: Limits.blockBytesMax)))
            case Self.listTag:
                assign(attribute, .list(try decoder.items()))
            case let tag: throw decoder.malformed("an attribute with tag \(tag)")
            }
        }
        if let violation { throw decoder.malformed("\(violation)") }
    }
}

extension CanonicalEncoder {
    mutating func appendItems(_ items: [Bytes]) {
        append(UInt32(items.count))
        for item in items { append(item) }
    }
}

extension CanonicalDecoder {
    /// A list of byte strings, each of at least the four bytes of its length.
    mutating func items() throws(DatabaseError) -> [Bytes] {
        let count = Int(try uint32())
        guard count <= Limits.blockItemCountMax, count <= remaining / 4 else {
            throw malformed("a list of \(count) items where \(Limits.blockItemCountMax) may be")
        }
        var items: [Bytes] = []
        items.reserveCapacity(count)
        for _ in 0..<count { items.append(try byteString(countMax: Limits.blockBytesMax)) }
        return items
    }
}
