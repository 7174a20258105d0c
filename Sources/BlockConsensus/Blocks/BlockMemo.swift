import BlockModel
import BlockRuntime

/// Blocks that were made or read and checked lately, by the hash of their content. What is under a
/// hash can be nothing else, so nothing here is ever stale, whatever becomes of the store.
package final class BlockMemo {
    private var blocks: TwoGenerationCache<Digest, DigestedBlock>

    /// - Parameter bytesMax: Of the blocks held, by their canonical bytes; 0 holds none.
    package init(bytesMax: Int) {
        invariant(bytesMax >= 0, "a memo of \(bytesMax) bytes")
        blocks = TwoGenerationCache(weightMax: bytesMax)
    }

    /// The block with this hash, if it is held.
    package func block(_ hash: Digest) -> DigestedBlock? {
        buggify("buggify.peer.memoForgotten") ? nil : blocks.value(hash)
    }

    /// - Parameter hash: The digest of the block.
    package func keep(_ block: DigestedBlock, under hash: Digest) {
        blocks.put(block, for: hash, weight: block.block.byteCount)
    }
}
