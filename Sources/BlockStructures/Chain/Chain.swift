import BlockModel
import BlockRuntime

/// A sequence of byte strings in blocks of up to 32, over a ``Tracker``: a stack, a queue or a log,
/// depending on which ends are used.
///
/// A push or a pop touches the block at one end, and the header block only when that block changes.
/// Whatever throws leaves the chain as it was; after ``MissingBlocks`` the caller fetches and runs
/// its whole action again. Not to be used from two threads.
package final class Chain {
    package let tracker: Tracker
    let collection: CollectionID

    /// - Parameter collection: The owner named in the headers of new blocks.
    package init(tracker: Tracker, collection: CollectionID) {
        self.tracker = tracker
        self.collection = collection
    }
}

// MARK: - Finding blocks

extension Chain {
    /// - Throws: ``MissingBlocks``; `.corrupted` when the block is absent or of another type.
    private func block(_ id: BlockID, _ type: BlockType) throws -> TrackedBlock {
        let block = try tracker.tracked(id)
        guard block.state.block?.header.type == type else {
            throw DatabaseError(.corrupted, "block \(id) of a chain is no \(type)")
        }
        return block
    }

    /// The header block; nil for a chain that was never pushed to.
    func headerBlock() throws -> TrackedBlock? {
        guard let root = tracker.header.root else { return nil }
        return try block(root, ChainBlock.headerType)
    }

    func dataBlock(_ id: BlockID) throws -> TrackedBlock {
        try block(id, ChainBlock.dataType)
    }

    /// The data block at an end.
    func block(at end: ChainEnd, of header: TrackedBlock) throws -> TrackedBlock {
        guard let id = try ChainBlock.target(ChainBlock.pointer(end), of: header) else {
            throw DatabaseError(.corrupted, "the header of chain \(header.id) names no \(end)")
        }
        let block = try dataBlock(id)
        guard try ChainBlock.target(ChainBlock.link(end), of: block) == nil else {
            throw DatabaseError(.corrupted, "chain \(header.id) goes on beyond its \(end)")
        }
        return block
    }

    /// The neighbour of a data block, nil at the end.
    ///
    /// It must know the block as its neighbour on the other side. As nothing comes before the block
    /// that a walk starts at, no walk can then come back to a block where it has been.
    /// - Throws: ``MissingBlocks``; `.corrupted` when the two do not agree.
    func neighbour(of block: TrackedBlock, _ side: ChainEnd) throws -> TrackedBlock? {
        guard let id = try ChainBlock.target(ChainBlock.link(side), of: block) else { return nil }
        let neighbour = try dataBlock(id)
        let back = try ChainBlock.target(ChainBlock.link(side.opposite), of: neighbour)
        guard back == block.id else {
            throw DatabaseError(
                .corrupted, "block \(id) of a chain is no neighbour of block \(block.id)")
        }
        return neighbour
    }
}

// MARK: - Pushing

extension Chain {
    /// Adds entries at an end, one after another: pushed to the front, the last one is first.
    /// - Parameter entries: Each of at most ``Limits/valueBytesMax`` bytes.
    /// - Throws: `.valueTooLarge`; ``MissingBlocks``.
    /// - Complexity: Reads two blocks; writes the one at the end, and one for every 32 entries.
    package func push(_ entries: [Bytes], at end: ChainEnd = .back) throws {
        for entry in entries where entry.count > Limits.valueBytesMax {
            throw DatabaseError(
                .valueTooLarge,
                "an entry has \(entry.count) bytes; valueBytesMax is \(Limits.valueBytesMax)")
        }
        guard !entries.isEmpty else { return }
        try AtomicScope.run(on: tracker) {
            let header = try headerBlock() ?? plant()
            var block = try block(at: end, of: header)
            var rest = entries[...]
            while !rest.isEmpty {
                let count = fitting(rest, in: block)
                if count == 0 {
                    block = try extend(header, beyond: block, end)
                    continue
                }
                let pushed = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
                let index = end == .front ? 0 : block.entries.count
                try tracker.update(
                    block,
                    .splice(
                        ChainBlock.entries, index: index, deleteCount: 0,
                        inserted: end == .front ? pushed.reversed() : pushed))
            }
        }
    }

    /// How many of the first entries still fit into a block.
    private func fitting(_ entries: ArraySlice<Bytes>, in block: TrackedBlock) -> Int {
        let present = block.entries
        var count = present.count
        var bytes = present.reduce(0) { $0 + ChainBlock.byteCount($1) }
        for entry in entries {
            bytes += ChainBlock.byteCount(entry)
            guard ChainBlock.isWithinLimits(count: count + 1, bytes: bytes) else { break }
            count += 1
        }
        return count - present.count
    }

    /// Makes the header block and the first, empty data block.
    private func plant() throws -> TrackedBlock {
        let dataID = tracker.makeID()
        var data = Block(
            header: Block.Header(id: dataID, type: ChainBlock.dataType, collection: collection))
        data.assign(ChainBlock.entries, .list([]))
        try tracker.insert(data)
        let id = tracker.makeID()
        var header = Block(
            header: Block.Header(id: id, type: ChainBlock.headerType, collection: collection))
        header.assign(ChainBlock.pointer(.front), .bytes(dataID.digest.bytes))
        header.assign(ChainBlock.pointer(.back), .bytes(dataID.digest.bytes))
        try tracker.insert(header)
        tracker.header.root = id
        return try tracker.tracked(id)
    }

    /// Adds an empty block beyond the one at an end.
    private func extend(
        _ header: TrackedBlock, beyond last: TrackedBlock, _ end: ChainEnd
    ) throws -> TrackedBlock {
        mark("chain.extended")
        let id = tracker.makeID()
        var block = Block(
            header: Block.Header(id: id, type: ChainBlock.dataType, collection: collection))
        block.assign(ChainBlock.entries, .list([]))
        block.assign(ChainBlock.link(end.opposite), .bytes(last.id.digest.bytes))
        try tracker.insert(block)
        try tracker.update(last, .assign(ChainBlock.link(end), id.digest.bytes))
        try tracker.update(header, .assign(ChainBlock.pointer(end), id.digest.bytes))
        return try tracker.tracked(id)
    }
}

// MARK: - Popping

extension Chain {
    /// Removes entries at an end. Emptied blocks are deleted, except for the last one.
    /// - Parameter count: How many; more than there are empty the chain, none or less do nothing.
    /// - Returns: The entries, the one at the end first.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads and writes the header block and one block for every 32 entries.
    package func pop(_ count: Int = 1, from end: ChainEnd) throws -> [Bytes] {
        guard count > 0, let header = try headerBlock() else { return [] }
        return try AtomicScope.run(on: tracker) {
            var popped: [Bytes] = []
            var block = try block(at: end, of: header)
            while popped.count < count {
                let entries = block.entries
                let taken = min(entries.count, count - popped.count)
                let index = end == .front ? 0 : entries.count - taken
                let part = entries[index..<index + taken]
                popped += end == .front ? Array(part) : part.reversed()
                if taken == entries.count,
                    let inner = try neighbour(of: block, end.opposite)
                {
                    try detach(block, from: inner, header, end)
                    block = inner
                    continue
                }
                if taken > 0 {
                    try tracker.update(
                        block,
                        .splice(
                            ChainBlock.entries, index: index, deleteCount: taken, inserted: []))
                }
                break
            }
            return popped
        }
    }

    /// Deletes the block at an end, so that its neighbour becomes the end.
    private func detach(
        _ block: TrackedBlock, from inner: TrackedBlock, _ header: TrackedBlock, _ end: ChainEnd
    ) throws {
        mark("chain.detached")
        try tracker.delete(block.id)
        try tracker.update(inner, .assignAbsent(ChainBlock.link(end)))
        try tracker.update(
            header, .assign(ChainBlock.pointer(end), inner.id.digest.bytes))
    }

    /// Removes every entry and deletes every block.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads and writes every block of the chain.
    package func drop() throws {
        guard let header = try headerBlock() else { return }
        try AtomicScope.run(on: tracker) {
            var next: TrackedBlock? = try block(at: .front, of: header)
            while let block = next {
                next = try neighbour(of: block, .back)
                try tracker.delete(block.id)
            }
            try tracker.delete(header.id)
            tracker.header.root = nil
        }
    }
}
