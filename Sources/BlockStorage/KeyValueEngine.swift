import BlockRuntime

/// An ordered map from bytes to bytes on something that may fail: what a repository is built on.
///
/// Synchronous, and for one thread. Keys are ordered as bytes. Reads see every write that came
/// before them, synced or not. After a failed ``write(_:)`` or ``sync()``, and after ``close()``,
/// every call throws: what the disk holds is then unknown until the next process opens it again.
package protocol KeyValueEngine: AnyObject {
    /// - Returns: The value stored under `key`, nil when there is none.
    /// - Throws: `.ioFailed`, `.corrupted`.
    func get(_ key: Bytes) throws(DatabaseError) -> Bytes?

    /// The records with `lowest <= key < end`, ascending, the first `countMax` of them.
    /// - Throws: `.ioFailed`, `.corrupted`.
    /// - Complexity: O(log n + `countMax`).
    func scan(
        from lowest: Bytes, below end: Bytes, countMax: Int
    ) throws(DatabaseError) -> [(key: Bytes, value: Bytes)]

    /// Applies all of `batch` or nothing of it. Not durable before ``sync()`` returns.
    /// - Throws: `.ioFailed`, `.noSpace` (``DatabaseError/Outcome/unknown``); a simulated engine
    ///   also ``SimulatedCrash``.
    func write(_ batch: WriteBatch) throws

    /// Makes everything written so far durable.
    /// - Throws: As ``write(_:)``. A failed sync is never repeated: the operating system may have
    ///   forgotten the pages that it could not write.
    func sync() throws

    /// Gives space back that removed and overwritten records take: in the background, bounded, and
    /// without changing what is read.
    /// - Throws: `.ioFailed`, `.noSpace`.
    func reclaimSpace() throws(DatabaseError)

    /// Bytes on the disk that something is stored in, and those to be given back; estimates.
    var space: (live: UInt64, dead: UInt64) { get }

    /// Gives the engine back. Calling it again does nothing.
    func close()

    /// What this engine did since it was opened.
    var counters: EngineCounters { get }
}

extension KeyValueEngine {
    package func reclaimSpace() throws(DatabaseError) {}
    package var space: (live: UInt64, dead: UInt64) { (0, 0) }
}

/// What an engine did since it was opened. For metrics and for tests that count.
package struct EngineCounters: Hashable, Sendable {
    /// Batches written.
    package var writes: UInt64 = 0
    /// Calls of `sync` that returned with everything durable.
    package var syncs: UInt64 = 0
    /// Lookups and scans.
    package var reads: UInt64 = 0
    package init() {}
}

/// Puts and deletes that happen together or not at all; a later one on the same key wins.
package struct WriteBatch: Hashable, Sendable {
    package enum Operation: Hashable, Sendable {
        case put(Bytes, Bytes)
        case delete(Bytes)
    }

    package private(set) var operations: [Operation] = []
    /// Bytes of all keys and values.
    package private(set) var byteCount = 0

    package init() {}

    package var isEmpty: Bool { operations.isEmpty }

    package mutating func put(_ value: Bytes, for key: Bytes) {
        operations.append(.put(key, value))
        byteCount += key.count + value.count
    }

    package mutating func delete(_ key: Bytes) {
        operations.append(.delete(key))
        byteCount += key.count
    }
}

/// The process of a simulated peer ends here. Not a ``DatabaseError``: no caller may handle it.
package struct SimulatedCrash: Error, Hashable, Sendable, CustomStringConvertible {
    /// The step at which the process died, e.g. "write 3".
    package let step: String
    package init(at step: String) { self.step = step }
    package var description: String { "simulated crash at \(step)" }
}

/// Whether an engine may still be used, and if not, why.
package struct EngineHealth: Sendable {
    private var failure: DatabaseError?

    package init() {}

    /// - Throws: `.ioFailed` with the first failure as its cause.
    package func check() throws(DatabaseError) {
        guard let failure else { return }
        throw DatabaseError(
            .ioFailed,
            "the storage engine stopped earlier, restart the process: "
                + failure.message, cause: failure)
    }

    /// From now on every ``check()`` throws. The first failure is the one that is remembered.
    package mutating func poison(_ error: DatabaseError) {
        if failure == nil { failure = error }
    }

    /// The engine was given back; that is no failure, but nothing works after it either.
    package mutating func close() {
        poison(DatabaseError(.shuttingDown, "the storage engine was closed"))
    }
}
