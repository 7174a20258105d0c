import BlockModel
import BlockRuntime

/// Looks for earlier landings of the actions that wait, so that none is made twice
/// (protocol: dedupe-scan, scan-again-after-moved).
///
/// An action is proposed at revision n only after every entry in (its firstRevision, n − 1] was
/// read from a chosen tail and found not to hold it; after every change of n the new entries are
/// read too. What was read once is remembered (``ActionIndex``): a client that asks again is
/// answered from memory.
package struct DedupeScan: Sendable {
    /// The landings of a stretch of entries that were read or landed here.
    private var index: ActionIndex?
    /// Objects fetched for the stretch that is being read.
    private var fetched: [LogObjectKey: LogObject] = [:]
    package private(set) var isFetching = false

    package init() {}

    /// Entries read in one stretch.
    private static let stretch: UInt64 = 128

    /// The same for another source, which has asked for nothing.
    var settled: DedupeScan {
        var other = DedupeScan()
        other.index = index
        return other
    }

    /// Bytes of what it remembers, about.
    package var weight: Int { index?.weight ?? 0 }

    /// Whether the entries that could hold what `request` asks for are remembered, and do not.
    func rulesOut(_ request: ActionRequest, on log: LogState) -> Bool {
        guard let index, index.incarnation == log.incarnation else { return false }
        return index.covers(after: request.firstRevision, through: log.revision)
            && index.landing(of: request.action) == nil
    }

    // MARK: Events

    /// The chosen log is in this life; what was remembered of another one is worth nothing.
    package mutating func lives(_ incarnation: Incarnation) {
        if let index, index.incarnation != incarnation { self.index = nil }
    }

    /// The collection lives no more.
    package mutating func lifeEnded() { index = nil }

    /// What was asked for has come.
    package mutating func fetchEnded(_ things: Fetched) {
        invariant(isFetching, "log objects came that were not asked for")
        isFetching = false
        fetched.merge(things.objects) { _, new in new }
    }

    /// It could not be had now: the next ``advance(_:on:tail:_:)`` asks again.
    package mutating func fetchFailed() { isFetching = false }

    /// A batch has landed at its target, in the life that is known.
    package mutating func landed(_ batch: InFlightBatch) {
        remember(batch.target, batch.loggedActions, batch.recordHashes, batch.incarnation)
    }

    /// Goes as far as possible without waiting: answers the actions that have landed, and reads on
    /// for those that are behind.
    /// - Parameters:
    ///   - log: What is known of the log; every waiting action fits it.
    ///   - tail: A chosen one, to read entries from.
    /// - Returns: Whether the tail has to be read first.
    package mutating func advance(
        _ queue: inout ActionQueue, on log: LogState, tail: Tail?, _ effects: inout WriterEffects
    ) -> Bool {
        askIndex(&queue, &effects)
        if planted(.noDedupeScan) { queue.update { $0.plantScanned(through: log.revision) } }
        // Those closest to the end go first.
        while !isFetching, let from = queue.scanFront(below: log.revision) {
            guard let tail, tail.incarnation == log.incarnation, tail.revision > from else {
                return true
            }
            let last = min(
                Revision(from.rawValue + DedupeScan.stretch), min(log.revision, tail.revision))
            invariant(last > from, "a stretch of no entries above \(from)")
            read(from.next, through: last, of: tail, &queue, &effects)
        }
        invariant(
            isFetching || queue.scanFront(below: log.revision) == nil, "a scan ended early")
        return false
    }

    /// Answers from memory, and passes over what is remembered.
    private func askIndex(_ queue: inout ActionQueue, _ effects: inout WriterEffects) {
        guard let index else { return }
        queue.sift { pending in
            // Of another life, or of what is not known yet, it says nothing.
            if pending.isAhead { return true }
            if let landing = index.landing(of: pending.action) {
                guard pending.incarnation == index.incarnation else { return true }
                mark("writer.foundLanded")
                pending.found(at: landing, &effects)
                return false
            }
            if index.after <= pending.scannedThrough, index.incarnation == pending.incarnation {
                pending.wasScanned(through: max(pending.scannedThrough, index.through))
            }
            return true
        }
    }

    /// Reads one stretch, or asks for what that needs.
    private mutating func read(
        _ first: Revision, through last: Revision, of tail: Tail, _ queue: inout ActionQueue,
        _ effects: inout WriterEffects
    ) {
        invariant(first <= last && last <= tail.revision, "no entries \(first) through \(last)")
        let source = LayeredSource(first: fetched, second: effects.cache)
        do throws(MissingObjects) {
            let view = LogView(tail: tail, source: source)
            let entries = try view.entries(from: first, through: last).fetchedAtOnce
            let bodies = try view.bodies(of: entries)
            for (entry, body) in zip(entries, bodies) {
                remember(entry.revision, body.actions, body.recordHashes, tail.incarnation)
                DedupeScan.tell(&queue, entry.revision, body, &effects)
            }
            fetched = [:]
        } catch {
            mark("writer.scanFetches")
            isFetching = true
            effects.fetch(error.keys.map { .object($0) })
        }
    }

    /// One entry of the chosen log was read: answers the actions that it holds.
    private static func tell(
        _ queue: inout ActionQueue, _ revision: Revision, _ body: EntryBody,
        _ effects: inout WriterEffects
    ) {
        let records = body.recordHashes
        for (number, action) in body.actions.enumerated() {
            guard queue.action(action.id)?.isAhead == false,
                let pending = queue.take(action.id)
            else { continue }
            let place = LogPosition(revision: revision, index: UInt32(number))
            let landing = ActionIndex.Landing(
                position: place, action: action, record: records[action.id])
            pending.found(at: landing, &effects)
        }
        queue.update {
            guard !$0.isAhead, $0.scannedThrough == revision.previous else { return }
            $0.wasScanned(through: revision)
        }
    }

    private mutating func remember(
        _ revision: Revision, _ actions: [Action], _ records: [ActionID: Digest],
        _ incarnation: Incarnation
    ) {
        if index.map({ $0.through < revision.previous }) ?? true {
            index = ActionIndex(incarnation: incarnation, after: revision.previous)
        }
        if index?.through == revision.previous {
            index?.append(revision, actions: actions, records: records)
        }
        invariant((index?.through ?? .zero) >= revision, "entry \(revision) is not remembered")
    }

    /// - Parameter log: What is known of the log, if anything is.
    package func checkInvariants(on log: LogState?) {
        guard let index else { return }
        invariant(index.after <= index.through, "the index ends before it begins")
        guard let log else { return }
        invariant(index.incarnation == log.incarnation, "the index is of another life")
    }
}

extension EntryBody {
    /// What is recorded of each transaction, by its id.
    fileprivate var recordHashes: [ActionID: Digest] {
        Dictionary(records.map { ($0.action, $0.hash) }) { first, _ in first }
    }
}

/// Looks in one source, then in another.
struct LayeredSource: LogObjectSource {
    let first: [LogObjectKey: LogObject]
    let second: any LogObjectSource

    func object(_ key: LogObjectKey) -> LogObject? { first[key] ?? second.object(key) }
}
