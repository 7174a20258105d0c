import BlockRuntime

/// One change of one attribute.
public enum BlockOperation: Hashable, Sendable {
    /// Replaces `deleteCount` items of a list from `index` on by `inserted`. An absent attribute
    /// counts as an empty list.
    case splice(BlockAttribute, index: Int, deleteCount: Int, inserted: [Bytes])
    /// Sets an attribute to bytes, whatever it was.
    case assign(BlockAttribute, Bytes)
    /// Removes an attribute; nothing happens when it is absent.
    case assignAbsent(BlockAttribute)

    /// The attribute that it changes.
    public var attribute: BlockAttribute {
        switch self {
        case .splice(let attribute, _, _, _), .assign(let attribute, _),
            .assignAbsent(let attribute):
            attribute
        }
    }

    /// Bytes of its canonical form.
    public var byteCount: Int {
        switch self {
        case .splice(_, _, _, let inserted): inserted.reduce(14) { $0 + 4 + $1.count }
        case .assign(_, let bytes): 6 + bytes.count
        case .assignAbsent: 2
        }
    }
}

extension Block {
    /// - Throws: `.notAList` and `.outOfRange`, from a splice; the block is then unchanged.
    package mutating func apply(_ operation: BlockOperation) throws(TransformError) {
        switch operation {
        case .splice(let attribute, let index, let deleteCount, let inserted):
            try splice(attribute, at: index, deleting: deleteCount, inserting: inserted)
        case .assign(let attribute, let bytes): assign(attribute, .bytes(bytes))
        case .assignAbsent(let attribute): assign(attribute, nil)
        }
    }
}

extension BlockOperation: CanonicalCodable {
    private static let spliceTag: UInt8 = 1
    private static let assignTag: UInt8 = 2
    private static let absentTag: UInt8 = 3

    package func encode(into encoder: inout CanonicalEncoder) {
        switch self {
        case .splice(let attribute, let index, let deleteCount, let inserted):
            encoder.append(Self.spliceTag)
            encoder.append(attribute.rawValue)
            encoder.append(UInt32(index))
            encoder.append(UInt32(deleteCount))
            encoder.appendItems(inserted)
        case .assign(let attribute, let bytes):
            encoder.append(Self.assignTag)
            encoder.append(attribute.rawValue)
            encoder.append(bytes)
        case .assignAbsent(let attribute):
            encoder.append(Self.absentTag)
            encoder.append(attribute.rawValue)
        }
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let tag = try decoder.uint8()
        let attribute = BlockAttribute(try decoder.uint8())
        switch tag {
        case Self.spliceTag:
            let index = Int(try decoder.uint32())
            let deleteCount = Int(try decoder.uint32())
            guard index <= Limits.blockItemCountMax, deleteCount <= Limits.blockItemCountMax else {
                throw decoder.malformed("a splice at \(index) of \(deleteCount) items")
            }
            self = .splice(
                attribute, index: index, deleteCount: deleteCount, inserted: try decoder.items())
        case Self.assignTag:
            self = .assign(attribute, try decoder.byteString(countMax: Limits.blockBytesMax))
        case Self.absentTag: self = .assignAbsent(attribute)
        default: throw decoder.malformed("an operation with tag \(tag)")
        }
    }
}
