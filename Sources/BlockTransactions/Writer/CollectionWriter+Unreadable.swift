import BlockModel
import BlockRuntime
import BlockStructures

/// Blocks that cannot be read: the actions that need one are set aside until it can be, or told
/// that it is damaged; the others go on.
extension CollectionWriter {
    /// Notes what a fetch could not bring.
    /// - Returns: Why nothing can go on: something that is no block is missing.
    mutating func note(
        _ failures: [FetchItem: DatabaseError], _ effects: inout WriterEffects
    ) -> DatabaseError? {
        var ofAll: DatabaseError?
        for (item, error) in failures {
            guard case .block(let request) = item else {
                ofAll = error
                continue
            }
            mark("writer.unreadableBlock")
            let until = effects.now.advanced(by: Limits.unreadableBlockTime)
            unreadable[request.key.block] = Unreadable(error: error, until: until)
            effects.wake(at: until)
        }
        return ofAll
    }

    /// Lets the actions go on that waited for blocks that have come.
    mutating func letGoOn(_ things: Fetched) {
        for block in things.blocks.values.map(\.request.key.block) {
            unreadable[block] = nil
            for position in queue.indices { queue[position].awaited.remove(block) }
        }
    }

    /// Asks again, beside everything else, for the blocks that actions are set aside for.
    mutating func retryUnreadable(on log: LogState, _ effects: inout WriterEffects) {
        for position in queue.indices where !queue[position].awaited.isEmpty {
            queue[position].awaited.formIntersection(unreadable.keys)
        }
        guard !unreadable.isEmpty, !isRetrying else { return }
        let awaited = queue.reduce(into: Set<BlockID>()) { $0.formUnion($1.awaited) }
        // Of what nobody waits for it is enough to forget that it failed.
        unreadable = unreadable.filter { $0.value.until > effects.now || awaited.contains($0.key) }
        let due = unreadable.filter { $0.value.until <= effects.now }.keys.sorted()
        if let next = unreadable.values.map(\.until).filter({ $0 > effects.now }).min() {
            effects.wake(at: next)
        }
        guard !due.isEmpty, catchUpHistory(on: log, &effects), let history = effects.history else {
            return
        }
        let snapshot = CollectionSnapshot(
            history: history, revision: log.revision, cache: effects.blocks, fetched: [:])
        isRetrying = true
        effects.fetchApart(snapshot.requests(for: due, of: collection).map { .block($0) })
    }

    /// Deals with actions of a batch that need blocks which cannot be read.
    mutating func setAside(
        _ needs: [ActionID: Set<BlockID>], _ effects: inout WriterEffects
    ) {
        var failures: [ActionID: DatabaseError] = [:]
        for position in queue.indices {
            guard let blocks = needs[queue[position].action] else { continue }
            let errors = blocks.sorted().compactMap { unreadable[$0]?.error }
            if let damage = errors.first(where: { $0.code == .corrupted }) {
                failures[queue[position].action] = damage
            } else {
                mark("writer.setAside")
                queue[position].awaited = blocks
            }
        }
        fail(failures, &effects)
    }
}
