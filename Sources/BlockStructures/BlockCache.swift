import BlockModel
import BlockRuntime

/// Blocks that were read, bounded in bytes; the one unused longest goes first.
///
/// What it holds under a key never changes: a block of one life of a collection at the revision of
/// its last write. So nothing is ever invalidated, and a commit adds blocks beside the old ones,
/// which readers of older revisions go on using.
package struct BlockCache: Sendable {
    /// A version of a block.
    package struct Key: Hashable, Sendable {
        package let incarnation: Incarnation
        package let block: BlockID
        /// Of the block's last write.
        package let revision: Revision

        package init(incarnation: Incarnation, block: BlockID, revision: Revision) {
            self.incarnation = incarnation
            self.block = block
            self.revision = revision
        }
    }

    private struct Slot: Sendable {
        var key: Key
        var block: Block
        var older: Int?
        var newer: Int?
    }

    /// Bytes of blocks, in canonical form, that it holds at most.
    package let byteCountMax: Int
    package private(set) var byteCount = 0
    private var places: [Key: Int] = [:]
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var oldest: Int?
    private var newest: Int?

    package init(byteCountMax: Int = Limits.blockCacheBytesMax) {
        self.byteCountMax = byteCountMax
    }

    package var count: Int { places.count }

    /// The block, which counts as used now; nil when it is not here.
    /// - Complexity: O(1).
    package mutating func block(_ key: Key) -> Block? {
        guard let place = places[key] else { return nil }
        if place != newest {
            unlink(place)
            linkAsNewest(place)
        }
        return slots[place].block
    }

    /// Keeps a block, and lets others go if it must. One that is larger than the whole cache is not
    /// kept. - Precondition: a key has one block for ever.
    /// - Complexity: O(1) and the blocks let go.
    package mutating func insert(_ block: Block, for key: Key) {
        invariant(block.id == key.block, "block \(block.id) is kept as \(key.block)")
        guard places[key] == nil, block.byteCount <= byteCountMax else { return }
        while byteCount + block.byteCount > byteCountMax, let oldest { remove(oldest) }
        let slot = Slot(key: key, block: block)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            slots[place] = slot
        } else {
            place = slots.count
            slots.append(slot)
        }
        places[key] = place
        byteCount += block.byteCount
        linkAsNewest(place)
    }

    private mutating func remove(_ place: Int) {
        unlink(place)
        byteCount -= slots[place].block.byteCount
        places[slots[place].key] = nil
        // The block's memory goes now, the slot waits for the next one.
        slots[place].block = Block(header: slots[place].block.header)
        free.append(place)
    }

    private mutating func unlink(_ place: Int) {
        let slot = slots[place]
        if let older = slot.older { slots[older].newer = slot.newer } else { oldest = slot.newer }
        if let newer = slot.newer { slots[newer].older = slot.older } else { newest = slot.older }
        slots[place].older = nil
        slots[place].newer = nil
    }

    private mutating func linkAsNewest(_ place: Int) {
        slots[place].older = newest
        if let newest { slots[newest].newer = place } else { oldest = place }
        newest = place
    }

    /// Stops the process unless the list, the index and the count of bytes agree.
    package func checkInvariants() {
        var bytes = 0
        var count = 0
        var before: Int?
        var place = oldest
        while let current = place {
            let slot = slots[current]
            invariant(slot.older == before, "slot \(current) does not know the one before it")
            invariant(places[slot.key] == current, "slot \(current) is not in the index")
            bytes += slot.block.byteCount
            count += 1
            before = current
            place = slot.newer
        }
        invariant(before == newest, "the list does not end at the newest slot")
        invariant(count == places.count && count + free.count == slots.count, "\(count) slots")
        invariant(bytes == byteCount && bytes <= byteCountMax, "\(bytes) bytes, not \(byteCount)")
    }
}
