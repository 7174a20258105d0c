import BlockRuntime

/// What goes wrong on a simulated disk, and when. Everything off is a disk without faults.
///
/// Rates count in a million; a generator with a seed decides, so one seed is one history.
package struct FaultPlan: Hashable, Sendable {
    /// What a crash leaves of the batches that were written but not synced. A batch is never there
    /// in part: the WAL record that holds it has one checksum.
    package enum UnsyncedFate: Hashable, Sendable {
        /// All stay, as when only the process dies and the page cache lives.
        case survive
        /// All are lost.
        case lost
        /// A prefix of random length stays: the record after it is torn and ends the log.
        case prefixSurvives
        /// Any subset stays: the device reordered what it was not told to order.
        case anySubsetSurvives
    }

    /// The denominator of all rates.
    package static let rateScale = 1_000_000

    package var unsyncedFate = UnsyncedFate.prefixSurvives
    /// The process dies in its n-th write, counted from 1; the batch shares the unsynced fate.
    package var crashAtWrite: UInt64?
    /// The process dies in its n-th sync, before the disk confirms it.
    package var crashAtSync: UInt64?
    /// The process dies in its n-th write of the ack journal and leaves a part of the slot.
    package var crashAtJournalWrite: UInt64?
    /// The n-th sync fails and takes with it what was not synced.
    package var failAtSync: UInt64?
    /// The n-th write fails and applies nothing.
    package var failAtWrite: UInt64?
    /// Syncs that fail, in a million.
    package var syncErrorRate = 0
    /// Reads that fail, in a million. The engine stays usable.
    package var readErrorRate = 0
    /// Reads before which one bit of the value read flips on the disk for good, in a million.
    package var bitFlipRate = 0
    /// Reads before which the value read becomes that of a neighbouring key of the same kind, as
    /// when a write went to the wrong place, in a million.
    package var misdirectionRate = 0
    /// Reads before which the value read becomes an earlier one again, or vanishes when there is
    /// none: a write that the device confirmed and never made, in a million.
    package var staleRate = 0
    /// Only values of keys that begin with this are damaged by the three above.
    package var damagedKeyPrefix: Bytes = []
    /// Bytes of keys and values the disk has room for; nil is no end.
    package var capacityBytes: Int?
    /// Syncs that a crash takes away again: the last one, which the device had not confirmed yet,
    /// or those that it lied about. At most ``SimulatedDisk/historyCountMax``.
    package var droppedSyncCount = 0

    package init() {}

    /// Whether a read may damage what it reads.
    var damages: Bool { bitFlipRate > 0 || misdirectionRate > 0 || staleRate > 0 }
}
