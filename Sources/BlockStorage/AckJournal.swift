import BlockModel
import BlockRuntime

/// The bytes of an ack journal, on whatever keeps them.
package protocol AckJournalFile: AnyObject {
    /// - Returns: The whole file; nil when there is none.
    /// - Throws: `.ioFailed`.
    func read() throws(DatabaseError) -> Bytes?

    /// Writes `bytes` at `offset`; they are durable when it returns.
    /// - Throws: `.ioFailed`, `.noSpace`; a simulated file also ``SimulatedCrash``.
    func write(_ bytes: Bytes, at offset: Int) throws

    /// Gives the file back. Calling it again does nothing.
    func close()
}

/// Remembers, beside the write-ahead log, a cycle that was synced and answered.
///
/// A log alone cannot tell a torn tail that no coordinator was told about from a lost one that a
/// coordinator was told about: both end early. So a second, tiny file holds a write sequence that
/// was in the log for sure. A store that comes back with less has forgotten promises it gave, and
/// must not vote.
///
/// Two slots, each on a page of its own, are written in turn: a torn write leaves the other. A slot
/// is magic (8), storage UUID (16), write sequence (8), and the first 8 bytes of the SHA-256 of
/// these. It is written after the replies have left and at most once in
/// ``Limits/journalInterval``, so it is never ahead of the log, costs the replies nothing, and
/// lags by at most the cycles of that interval; a loss of only those is not seen.
package final class AckJournal {
    /// Bytes of the preallocated file.
    package static let fileBytes = 8192
    private static let slotOffsets = [0, 4096]
    private static let magic = Bytes("OPTACK01".utf8)
    private static let checksumBytes = 8
    private static let slotBytes = magic.count + Identifier128.byteCount + 8 + checksumBytes

    private let file: any AckJournalFile
    private let owner: PeerID
    /// What the file holds.
    package private(set) var written: UInt64
    /// What was answered last.
    private var acknowledged: UInt64
    private var nextSlot: Int
    private var lastWrite: Instant?

    private init(file: any AckJournalFile, owner: PeerID, written: UInt64, nextSlot: Int) {
        self.file = file
        self.owner = owner
        self.written = written
        self.acknowledged = written
        self.nextSlot = nextSlot
    }

    /// Makes the journal of an empty store: both slots say 0.
    /// - Throws: `.ioFailed`, `.noSpace`, ``SimulatedCrash``.
    package static func create(on file: any AckJournalFile, owner: PeerID) throws -> AckJournal {
        var bytes = Bytes(repeating: 0, count: fileBytes)
        for offset in slotOffsets {
            bytes.replaceSubrange(offset..<offset + slotBytes, with: slot(0, owner: owner))
        }
        try file.write(bytes, at: 0)
        return AckJournal(file: file, owner: owner, written: 0, nextSlot: 0)
    }

    /// Opens the journal and compares it with the store.
    /// - Parameter recovered: The store's write sequence after recovery.
    /// - Throws: `.amnesia` when the store has less than was answered, or when the journal cannot
    ///   say; `.ioFailed`, `.noSpace`, ``SimulatedCrash``.
    package static func open(
        on file: any AckJournalFile, owner: PeerID, recovered: UInt64
    ) throws -> AckJournal {
        let bytes = try file.read() ?? []
        let sequences = slotOffsets.map { sequence(in: bytes, at: $0, owner: owner) }
        guard let newest = sequences.compactMap({ $0 }).max() else {
            // An empty store has answered nothing, so nothing can be missing from it.
            if recovered == 0 { return try create(on: file, owner: owner) }
            throw amnesia("the ack journal is missing or unreadable while data exists")
        }
        guard recovered >= newest || planted(.amnesiaIgnored) else {
            throw amnesia(
                "the store ends at cycle \(recovered), but cycle \(newest) was acknowledged")
        }
        if sequences.contains(nil) { mark("journal.slot.torn") }
        let current = sequences.firstIndex(of: newest) ?? 0
        return AckJournal(
            file: file, owner: owner, written: min(newest, recovered), nextSlot: 1 - current)
    }

    /// Notes that the replies of cycle `sequence` have left, and writes the file if it is time.
    /// - Precondition: The cycle is synced; sequences do not fall.
    /// - Throws: `.ioFailed`, `.noSpace`, ``SimulatedCrash``: the process must end.
    package func acknowledge(_ sequence: UInt64, at now: Instant) throws {
        invariant(sequence >= acknowledged, "cycle \(sequence) answered after \(acknowledged)")
        acknowledged = sequence
        try writeIfDue(at: now)
    }

    /// When ``writeIfDue(at:)`` should be called next; nil when the file holds all there is.
    package var nextWrite: Instant? {
        guard acknowledged > written else { return nil }
        return lastWrite?.advanced(by: Limits.journalInterval) ?? .origin
    }

    /// Writes what is not written yet, unless the last write was less than an interval ago.
    /// - Throws: As ``acknowledge(_:at:)``.
    package func writeIfDue(at now: Instant) throws {
        guard let nextWrite, now >= nextWrite else { return }
        try write()
        lastWrite = now
    }

    /// Writes what is not written yet and gives the file back: a clean stop leaves no gap.
    /// - Throws: As ``acknowledge(_:at:)``; the file is given back all the same.
    package func close() throws {
        defer { file.close() }
        if acknowledged > written { try write() }
    }

    private func write() throws {
        let slot = AckJournal.slot(acknowledged, owner: owner)
        try file.write(slot, at: AckJournal.slotOffsets[nextSlot])
        written = acknowledged
        nextSlot = 1 - nextSlot
    }

    private static func slot(_ sequence: UInt64, owner: PeerID) -> Bytes {
        var encoder = CanonicalEncoder()
        for byte in magic { encoder.append(byte) }
        encoder.append(owner.rawValue)
        encoder.append(sequence)
        return encoder.bytes + checksum(encoder.bytes)
    }

    private static func checksum(_ bytes: Bytes) -> ArraySlice<UInt8> {
        Digest(domain: "optimystic/ack-journal/1", bytes).bytes.prefix(checksumBytes)
    }

    /// - Returns: nil when the slot was torn, damaged, or belongs to another peer.
    private static func sequence(in file: Bytes, at offset: Int, owner: PeerID) -> UInt64? {
        guard file.count >= offset + slotBytes else { return nil }
        let stored = Bytes(file[offset..<offset + slotBytes])
        var sequence: UInt64 = 0
        for byte in stored[(magic.count + Identifier128.byteCount)...].prefix(8) {
            sequence = sequence << 8 | UInt64(byte)
        }
        return stored == slot(sequence, owner: owner) ? sequence : nil
    }

    /// The refusal of a peer that forgot what it had promised.
    package static func amnesia(_ what: String) -> DatabaseError {
        DatabaseError(
            .amnesia,
            "\(what). Promises may be forgotten, so nothing is served from this directory; keep it "
                + "as it is. In a cluster the other members of its shards carry on, and this peer "
                + "must not be started anew under the same identity. An embedded database has no "
                + "other copy")
    }
}
