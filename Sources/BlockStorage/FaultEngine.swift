import BlockRuntime

/// An engine over a ``SimulatedDisk`` that fails as its plan says: the "process" whose death the
/// disk survives. One seed, one plan and the same calls give the same history.
package final class FaultEngine: KeyValueEngine {
    package let disk: SimulatedDisk
    /// May be changed while the engine runs, e.g. to heal it.
    package var plan: FaultPlan
    package private(set) var counters = EngineCounters()
    /// Writes of the ack journal begun so far.
    package private(set) var journalWrites: UInt64 = 0

    private var generator: SeededGenerator
    private var table: SortedTable
    private var health = EngineHealth()
    private var writesBegun: UInt64 = 0
    private var syncsBegun: UInt64 = 0

    /// Opens `disk` as a process does after a start: it sees all that no crash took away.
    package init(disk: SimulatedDisk, plan: FaultPlan = FaultPlan(), generator: SeededGenerator) {
        self.disk = disk
        self.plan = plan
        self.generator = generator
        self.table = disk.visible
    }

    /// The ack journal on the same disk, which fails with the same process.
    package var journalFile: any AckJournalFile { SimulatedJournalFile(engine: self) }

    package func get(_ key: Bytes) throws(DatabaseError) -> Bytes? {
        try beginRead()
        if plan.damages, key.starts(with: plan.damagedKeyPrefix) { damage(key) }
        return table[key]
    }

    package func scan(
        from lowest: Bytes, below end: Bytes, countMax: Int
    ) throws(DatabaseError) -> [(key: Bytes, value: Bytes)] {
        try beginRead()
        return table.scan(from: lowest, below: end, countMax: countMax)
    }

    package func write(_ batch: WriteBatch) throws {
        try health.check()
        writesBegun += 1
        if plan.failAtWrite == writesBegun {
            throw fail(.ioFailed, "write \(writesBegun): the disk refused")
        }
        if let capacity = plan.capacityBytes, table.byteCount + batch.byteCount > capacity {
            mark("disk.full")
            throw fail(
                .noSpace,
                "the disk holds \(table.byteCount) of \(capacity) bytes, "
                    + "\(batch.byteCount) more do not fit; free space and restart")
        }
        disk.write(batch)
        if plan.crashAtWrite == writesBegun { throw die(at: "write \(writesBegun)") }
        table.apply(batch)
        counters.writes += 1
    }

    package func sync() throws {
        try health.check()
        syncsBegun += 1
        if plan.crashAtSync == syncsBegun { throw die(at: "sync \(syncsBegun)") }
        if plan.failAtSync == syncsBegun || happens(plan.syncErrorRate) {
            mark("disk.sync.failed")
            disk.loseUnsynced()
            throw fail(.ioFailed, "sync \(syncsBegun): the disk refused")
        }
        disk.sync(table)
        counters.syncs += 1
    }

    package func close() { health.close() }

    /// The process dies here, between two calls. The disk keeps what the plan lets it keep.
    package func crash() {
        _ = die(at: "a moment between two calls")
    }

    /// Has the process die in the next sync, before the disk confirms it.
    package func crashAtNextSync() { plan.crashAtSync = syncsBegun + 1 }

    /// Flips one bit of a stored value, on the disk and in what this engine sees.
    /// - Returns: Whether there was a bit to flip.
    @discardableResult
    package func flipBit(_ bit: Int, ofValueUnder key: Bytes) -> Bool {
        let found = disk.flipBit(bit, ofValueUnder: key)
        table = disk.visible
        return found
    }

    /// What a bad sector does to the value that is about to be read.
    private func damage(_ key: Bytes) {
        if happens(plan.bitFlipRate), flipBit(generator.below(1 << 20), ofValueUnder: key) {
            mark("disk.bit.flipped")
        }
        if happens(plan.misdirectionRate), disk.misdirect(to: key) {
            mark("disk.misdirected")
            table = disk.visible
        }
        if happens(plan.staleRate), disk.makeStale(key) {
            mark("disk.stale")
            table = disk.visible
        }
    }

    private func beginRead() throws(DatabaseError) {
        try health.check()
        counters.reads += 1
        if happens(plan.readErrorRate) {
            mark("disk.read.failed")
            throw DatabaseError(.ioFailed, "read \(counters.reads): the disk refused")
        }
    }

    /// Draws nothing at rate zero: a plan without faults leaves the generator alone.
    private func happens(_ rate: Int) -> Bool {
        rate > 0 && generator.chance(rate, in: FaultPlan.rateScale)
    }

    private func die(at step: String) -> SimulatedCrash {
        let crash = SimulatedCrash(at: step)
        disk.crash(plan, using: &generator)
        health.poison(DatabaseError(.ioFailed, "\(crash)", outcome: .unknown))
        return crash
    }

    private func fail(_ code: ErrorCode, _ message: String) -> DatabaseError {
        let error = DatabaseError(code, message, outcome: .unknown)
        health.poison(error)
        return error
    }

    fileprivate func readJournal() throws(DatabaseError) -> Bytes? {
        try health.check()
        return disk.journal
    }

    fileprivate func writeJournal(_ bytes: Bytes, at offset: Int) throws {
        try health.check()
        journalWrites += 1
        var file = disk.journal ?? []
        if file.count < offset + bytes.count {
            file += Bytes(repeating: 0, count: offset + bytes.count - file.count)
        }
        let dies = plan.crashAtJournalWrite == journalWrites
        let written = dies ? generator.below(bytes.count + 1) : bytes.count
        file.replaceSubrange(offset..<offset + written, with: bytes[..<written])
        disk.journal = file
        if dies { throw die(at: "journal write \(journalWrites)") }
    }
}

/// The ack journal of a simulated process.
private final class SimulatedJournalFile: AckJournalFile {
    private let engine: FaultEngine

    init(engine: FaultEngine) { self.engine = engine }

    func read() throws(DatabaseError) -> Bytes? { try engine.readJournal() }

    func write(_ bytes: Bytes, at offset: Int) throws {
        try engine.writeJournal(bytes, at: offset)
    }

    func close() {}
}
