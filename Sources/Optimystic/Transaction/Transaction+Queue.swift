import BlockModel
import BlockRuntime
import OptimysticClient

extension Transaction {
    // MARK: Queues

    /// Adds a value behind the last one when the transaction lands. It relies on nothing that is
    /// in the queue.
    ///
    /// - Throws: `.valueTooLarge`; `.invalidArgument` for too many collections.
    public func enqueue<Value>(_ queue: Queue<Value>, _ value: Value) throws {
        try act(.enqueue([try queue.coding.bytes(of: value)]), on: queue)
    }

    /// The values at the front as the transaction leaves them, without taking them.
    ///
    /// The transaction lands only if nothing was added or taken since.
    /// - Parameter countMax: At most ``Limits/queueValueCountMax``. Fewer come as for
    ///   ``Queue/dequeue(_:timeout:)``.
    /// - Throws: `.valueUndecodable`; `.conflict` when what was read before has changed: let it
    ///   pass.
    public func peek<Value>(_ queue: Queue<Value>, _ countMax: Int = 1) async throws -> [Value] {
        let (values, revision) = try await front(of: queue, countMax)
        return try queue.decode(values, at: revision)
    }

    /// Takes values from the front when the transaction lands, and gives them out now.
    ///
    /// The transaction lands only if nothing was added or taken since.
    /// - Parameter countMax: As of ``peek(_:_:)``.
    /// - Throws: As for ``peek(_:_:)``.
    public func dequeue<Value>(_ queue: Queue<Value>, _ countMax: Int = 1) async throws -> [Value] {
        let (values, revision) = try await front(of: queue, countMax)
        let decoded = try queue.decode(values, at: revision)
        if !values.isEmpty { try act(.dequeue(countMax: UInt32(values.count)), on: queue) }
        return decoded
    }

    private func act<Value>(_ action: QueueAction, on queue: Queue<Value>) throws {
        if let problem = action.problem { throw problem }
        try update(queue.info, queue.revision) { $0.act(.queue(action)) }
    }

    private func front<Value>(
        of queue: Queue<Value>, _ countMax: Int
    ) async throws -> (values: [Bytes], asOf: Revision) {
        guard countMax >= 0, countMax <= Limits.queueValueCountMax else {
            throw DatabaseError(
                .invalidArgument,
                "\(countMax) values to be taken, queueValueCountMax = \(Limits.queueValueCountMax)")
        }
        let revision = try await watch(queue.info, queue.revision)
        let taken = try update(queue.info, queue.revision) { $0.takenCount }
        let wanted = taken + countMax
        let (stored, length) = try await queue.stored(wanted, asOf: revision, timeout: timeLeft)
        let values = try update(queue.info, queue.revision) {
            $0.overlaid(stored, isWhole: stored.count == length)
        }
        return (Transaction.fitting(values.prefix(countMax)), revision)
    }

    /// As many as one action takes out of a queue: never more than it will be found to have taken.
    private static func fitting(_ values: ArraySlice<Bytes>) -> [Bytes] {
        // What the outcome is and its count, then a count before each value.
        var bytes = 5
        let surplus = values.firstIndex { value in
            bytes += 4 + value.count
            return bytes > Limits.actionBytesMax
        }
        return Array(values.prefix(upTo: max(surplus ?? values.endIndex, min(1, values.endIndex))))
    }
}
