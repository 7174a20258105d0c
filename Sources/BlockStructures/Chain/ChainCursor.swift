import BlockModel
import BlockRuntime

/// An entry of a chain. Valid until the chain changes.
package struct ChainPath {
    let block: TrackedBlock
    let index: Int
    let version: Int
}

/// Goes through a chain from one end to the other, a block at a time.
package struct ChainCursor {
    private let chain: Chain
    private let start: ChainEnd
    private let version: Int
    private var block: TrackedBlock?
    private var entries: [Bytes] = []
    /// Entries of the block given so far.
    private var given = 0
    private var isStarted = false

    init(chain: Chain, start: ChainEnd) {
        self.chain = chain
        self.start = start
        version = chain.tracker.version
    }

    /// The next entry and its place, nil behind the last one.
    /// - Throws: `.invalidArgument` when the chain has changed since the cursor was made;
    ///   ``MissingBlocks``, after which the same call can be made again.
    package mutating func next() throws -> (entry: Bytes, path: ChainPath)? {
        guard version == chain.tracker.version else {
            throw DatabaseError(.invalidArgument, "a chain changed under a cursor; start again")
        }
        if !isStarted {
            enter(try chain.headerBlock().map { try chain.block(at: start, of: $0) })
            isStarted = true
        }
        while let current = block, given == entries.count {
            enter(try chain.neighbour(of: current, start.opposite))
        }
        guard let block else { return nil }
        let index = start == .front ? given : entries.count - 1 - given
        given += 1
        return (entries[index], ChainPath(block: block, index: index, version: version))
    }

    private mutating func enter(_ block: TrackedBlock?) {
        self.block = block
        entries = block?.entries ?? []
        given = 0
    }
}

extension Chain {
    /// A cursor that starts at an end. Nothing is read before its first step.
    package func cursor(from start: ChainEnd = .front) -> ChainCursor {
        ChainCursor(chain: self, start: start)
    }

    /// All entries, from an end to the other.
    /// - Parameter countMax: After so many it stops.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads the header block and one block for every 32 entries.
    package func entries(
        from start: ChainEnd = .front, countMax: Int = .max
    ) throws -> [Bytes] {
        var cursor = cursor(from: start)
        var entries: [Bytes] = []
        while entries.count < countMax, let next = try cursor.next() { entries.append(next.entry) }
        return entries
    }

    /// The number of entries. - Throws: ``MissingBlocks``.
    /// - Complexity: Reads every block of the chain.
    package func count() throws -> Int {
        guard let header = try headerBlock() else { return 0 }
        var sum = 0
        var next: TrackedBlock? = try block(at: .front, of: header)
        while let block = next {
            sum += block.entries.count
            next = try neighbour(of: block, .back)
        }
        return sum
    }

    /// Replaces an entry by one that may be longer, as far as the block's bytes allow.
    /// - Throws: `.invalidArgument` when the chain has changed since `path` was found;
    ///   `.valueTooLarge` when the entry or its block would be over a limit.
    package func update(at path: ChainPath, _ entry: Bytes) throws {
        guard path.version == tracker.version else {
            throw DatabaseError(
                .invalidArgument, "a path into a chain is used after a change; find it again")
        }
        let entries = path.block.entries
        let bytes =
            entries.reduce(0) { $0 + ChainBlock.byteCount($1) } + entry.count
            - entries[path.index].count
        guard entry.count <= Limits.valueBytesMax, bytes <= Limits.chainBlockBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "an entry of \(entry.count) bytes makes a block of \(bytes); valueBytesMax is "
                    + "\(Limits.valueBytesMax), chainBlockBytesMax \(Limits.chainBlockBytesMax)")
        }
        try tracker.update(
            path.block,
            .splice(ChainBlock.entries, index: path.index, deleteCount: 1, inserted: [entry]))
    }

    /// Stops the process unless the chain is one: the links agree both ways, the header names both
    /// ends, no block but a single one is empty, all are within limits, none is out of reach.
    /// - Returns: The ids of all blocks, ascending.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads every block of the chain.
    @discardableResult
    package func checkInvariants() throws -> [BlockID] {
        var reached: [BlockID] = []
        if let header = try headerBlock() {
            reached.append(header.id)
            var before: TrackedBlock?
            var next: TrackedBlock? = try block(at: .front, of: header)
            while let block = next {
                let prior = try ChainBlock.target(ChainBlock.link(.front), of: block)
                invariant(prior == before?.id, "block \(block.id) does not know the one before")
                let entries = block.entries
                let bytes = entries.reduce(0) { $0 + ChainBlock.byteCount($1) }
                invariant(
                    ChainBlock.isWithinLimits(count: entries.count, bytes: bytes),
                    "block \(block.id) has \(entries.count) entries of \(bytes) bytes")
                next = try neighbour(of: block, .back)
                let isSingle = before == nil && next == nil
                invariant(isSingle || !entries.isEmpty, "block \(block.id) is empty")
                reached.append(block.id)
                before = block
            }
            let back = try block(at: .back, of: header)
            invariant(back.id == before?.id, "the header does not name the last block")
        }
        reached.sort()
        let live = tracker.liveBlocks(of: [ChainBlock.headerType, ChainBlock.dataType])
        invariant(Set(live).isSubset(of: reached), "a block of the chain is out of reach")
        return reached
    }
}
