import BlockModel
import BlockRuntime

/// An end of a chain.
package enum ChainEnd: Sendable {
    case front
    case back

    var opposite: ChainEnd { self == .front ? .back : .front }
}

/// How a chain lies in blocks.
///
/// Its header block (`CHH`) names the blocks at both ends and is what the root of the collection's
/// header names. The data blocks (`CHD`) hold the entries and are linked both ways.
enum ChainBlock {
    static let headerType = BlockType("CHH")
    static let dataType = BlockType("CHD")
    static let entries = BlockAttribute(1)

    /// The attribute of a data block that names its neighbour on this side; absent at the end.
    static func link(_ side: ChainEnd) -> BlockAttribute { BlockAttribute(side == .front ? 2 : 3) }

    /// The attribute of the header block that names the block at this end.
    static func pointer(_ end: ChainEnd) -> BlockAttribute { BlockAttribute(end == .front ? 1 : 2) }

    /// Bytes of an entry in a block, its length included.
    static func byteCount(_ entry: Bytes) -> Int { 4 + entry.count }

    /// Whether a block that holds `count` entries of `bytes` in all is within its limits.
    static func isWithinLimits(count: Int, bytes: Int) -> Bool {
        count <= Limits.chainBlockEntryCountMax && bytes <= Limits.chainBlockBytesMax
    }

    /// The block an attribute names, nil when it is absent.
    /// - Throws: `.corrupted` when it is no block id.
    static func target(
        _ attribute: BlockAttribute, of block: TrackedBlock
    ) throws(DatabaseError) -> BlockID? {
        guard let value = block.state.block?[attribute] else { return nil }
        guard case .bytes(let bytes) = value, let digest = Digest(bytes) else {
            throw DatabaseError(
                .corrupted, "attribute \(attribute) of block \(block.id) is no block id")
        }
        return BlockID(digest)
    }
}

extension TrackedBlock {
    /// The entries of a chain's data block.
    var entries: [Bytes] { state.block?.list(ChainBlock.entries) ?? [] }
}
