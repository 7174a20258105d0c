import BlockModel
import BlockRuntime
import BlockStructures

/// One run of a batch on a snapshot, each action on what the ones before it left.
struct BatchRun {
    /// What came of the first so many actions, no more than fits a body together.
    private(set) var outcomes: [ActionOutcome] = []
    /// Actions that cannot be done.
    private(set) var failures: [ActionID: DatabaseError] = [:]
    /// Actions that cannot be run now, and the blocks they need that cannot be read.
    private(set) var needs: [ActionID: Set<BlockID>] = [:]

    /// Whether every action was run, or left for the next batch.
    var isComplete: Bool { failures.isEmpty && needs.isEmpty }

    /// Bytes that an action takes of a body, about: headroom for ids and counts around its own.
    static func bodyBytes(of pending: PendingAction) -> Int { pending.bytes.count + 64 }

    /// The action that the ids of new blocks are derived from.
    private func maker(of pending: PendingAction) -> ActionID {
        guard planted(.blockIDsByPlace) else { return pending.action }
        return ActionID(
            rawValue: Identifier128(pending.action.rawValue.value ^ UInt128(outcomes.count)))
    }

    /// - Parameter tracker: On the newest snapshot, with nothing run yet.
    /// - Throws: ``MissingBlocks``: bring them and run again.
    init(
        _ batch: [PendingAction], on tracker: Tracker, _ life: ActionExecutor.Life,
        _ history: BlockHistory, _ unreadable: UnreadableBlocks
    ) throws {
        invariant(!batch.isEmpty, "a run of nothing")
        var collector = MissingCollector()
        var bodyBytes = 0
        run: for pending in batch {
            bodyBytes += BatchRun.bodyBytes(of: pending)
            // The first one always fits; whether it fits an attempt is seen when it is made.
            var room = outcomes.isEmpty ? .max : Limits.bodyBytesMax - bodyBytes
            if !outcomes.isEmpty, buggify("buggify.writer.smallBody") { room = -1 }
            do {
                let outcome = try collector.run {
                    do {
                        return try ActionExecutor.run(
                            pending.content, maker(of: pending), on: tracker, life, room: room,
                            check: { try tracker.checkWrites(history) })
                    } catch let missing as MissingBlocks {
                        let lacking = unreadable.among(missing.ids)
                        if lacking.isEmpty { throw missing }
                        throw Unavailable(blocks: lacking)
                    }
                }
                guard let outcome else { continue }
                outcomes.append(outcome)
                bodyBytes += outcome.bytes.count
            } catch let error as DatabaseError {
                failures[pending.action] = error
            } catch let error as Unavailable {
                needs[pending.action] = error.blocks
            } catch is ActionExecutor.NoRoom {
                mark("writer.batchFull")
                break run
            }
        }
        try collector.finish()
        invariant(!isComplete || !outcomes.isEmpty, "a run that came to nothing")
    }
}

/// An action cannot be run now: blocks that it needs cannot be read.
private struct Unavailable: Error {
    let blocks: Set<BlockID>
}
