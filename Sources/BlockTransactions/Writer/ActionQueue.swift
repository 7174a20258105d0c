import BlockModel
import BlockRuntime

/// The actions on one collection that are not under way, oldest first, and whose turn it is.
///
/// **Fairness.** One client may fill only its part of the queue, and when not all that is ready
/// fits one entry, the clients take turns, each with its own actions in order. An action leaves
/// when it is answered, when its last waiter's time is up, or when a batch takes it along.
package struct ActionQueue: Sendable {
    private var actions: [PendingAction] = []
    private var load = QueueLoad()

    package init() {}

    package var isEmpty: Bool { actions.isEmpty }

    package var count: Int { actions.count }

    // MARK: Coming and going

    /// Why an action of these bytes may not wait here now; nil when it may.
    package func problem(_ bytes: Bytes, of client: CollectionWriter.Client) -> DatabaseError? {
        if bytes.count > Limits.actionBytesMax {
            return DatabaseError(
                .valueTooLarge,
                "an action of \(bytes.count) bytes, actionBytesMax = \(Limits.actionBytesMax)")
        }
        return load.problem(bytes.count, of: client)
    }

    /// An action has come that does not wait here yet.
    package mutating func append(_ pending: PendingAction) {
        invariant(!pending.waiters.isEmpty, "\(pending.action) comes without a waiter")
        load.add(pending)
        actions.append(pending)
    }

    /// Actions of a batch that did not land, as far as its sender knows, are the next again.
    package mutating func putBack(_ earlier: [PendingAction]) {
        for pending in earlier { load.add(pending) }
        actions = earlier + actions
        invariant(actions.count == load.count, "\(actions.count) actions, \(load.count) counted")
    }

    /// A batch takes its actions along.
    package mutating func take(_ ids: Set<ActionID>) {
        let before = count
        sift { !ids.contains($0.action) }
        invariant(before - count == ids.count, "a batch of actions that do not all wait here")
    }

    /// Takes out one action; nil when it does not wait here.
    mutating func take(_ id: ActionID) -> PendingAction? {
        guard load.contains(id), let position = actions.firstIndex(where: { $0.action == id })
        else { return nil }
        let pending = actions.remove(at: position)
        load.remove(pending)
        return pending
    }

    /// Whether the action with this id waits here.
    func contains(_ id: ActionID) -> Bool { load.contains(id) }

    /// The action with this id, if it waits here.
    func action(_ id: ActionID) -> PendingAction? {
        load.contains(id) ? actions.first { $0.action == id } : nil
    }

    /// Another request for an action shares its outcome.
    /// - Returns: Whether that action waits here.
    mutating func join(_ id: ActionID, _ waiter: PendingAction.Waiter) -> Bool {
        guard load.contains(id), let position = actions.firstIndex(where: { $0.action == id })
        else { return false }
        actions[position].join(waiter)
        invariant(actions[position].waiters.count > 1, "\(id) waited without a waiter")
        return true
    }

    /// Takes out the actions that `keeps` says no to, and which it has answered.
    mutating func sift(_ keeps: (inout PendingAction) -> Bool) {
        var keptCount = 0
        for position in actions.indices {
            if keeps(&actions[position]) {
                if keptCount < position { actions.swapAt(keptCount, position) }
                keptCount += 1
            } else {
                load.remove(actions[position])
            }
        }
        actions.removeLast(actions.count - keptCount)
        invariant(actions.count == load.count, "\(actions.count) actions, \(load.count) counted")
    }

    /// Tells every action of an event.
    mutating func update(_ event: (inout PendingAction) -> Void) {
        for position in actions.indices { event(&actions[position]) }
    }

    // MARK: Answers

    /// Answers actions that cannot be done, and takes them out.
    mutating func fail(_ failures: [ActionID: DatabaseError], _ effects: inout WriterEffects) {
        guard !failures.isEmpty else { return }
        sift { pending in
            guard let error = failures[pending.action] else { return true }
            pending.fail(error, &effects)
            return false
        }
    }

    /// A tail shows no collection: fails every action that had come before it was asked for.
    /// - Parameter tailRead: The number of the read that brought it.
    mutating func failAbsent(tailRead: UInt64, _ effects: inout WriterEffects) {
        invariant(tailRead > 0, "absent for all that was never read")
        sift { pending in
            guard pending.tailReadsBefore < tailRead else { return true }
            pending.fail(
                DatabaseError(.collectionNotFound, "the collection does not exist"), &effects)
            return false
        }
    }

    /// Answers what can never land in this life of the log.
    /// - Returns: Whether some action has seen more than is known here: the tail must be read.
    mutating func refuseMisfits(of log: LogState, _ effects: inout WriterEffects) -> Bool {
        var isBehind = false
        sift { pending in
            switch log.verdict(on: &pending) {
            case .fits: pending.isAhead = false
            case .unknown:
                pending.isAhead = true
                isBehind = true
            case .refused(let error):
                pending.fail(error, &effects)
                return false
            }
            return true
        }
        return isBehind
    }

    /// Answers the waiters whose time is up, and forgets the actions that none waits for any more.
    /// - Parameters:
    ///   - trouble: Why things take so long.
    ///   - unreadable: What actions that are set aside wait for.
    mutating func expire(
        _ trouble: DatabaseError, unreadable: UnreadableBlocks, _ effects: inout WriterEffects
    ) {
        sift { pending in
            pending.expire(unreadable.reason(for: pending) ?? trouble, &effects)
            return !pending.waiters.isEmpty
        }
    }

    /// Asks for a tick when the first waiter's time is up.
    func wakeAtDeadlines(_ effects: inout WriterEffects) {
        for pending in actions { pending.wakeAtDeadlines(&effects) }
    }

    // MARK: Whose turn it is

    /// The action whose scan is closest to its end, of those that are not yet at `revision`: how
    /// far it has come. A client that comes back after a million revisions delays no other.
    func scanFront(below revision: Revision) -> Revision? {
        var front: Revision?
        for pending in actions where pending.scannedThrough < revision && !pending.isAhead {
            front = max(front ?? .zero, pending.scannedThrough)
        }
        invariant(front.map { $0 < revision } ?? true, "a front above \(revision)")
        return front
    }

    /// Whether every action is known not to be in the log up to `revision`.
    func isScanned(through revision: Revision) -> Bool {
        actions.allSatisfy { $0.scannedThrough >= revision && !$0.isAhead }
    }

    /// Whether an action is set aside for blocks that cannot be read.
    var lacksBlocks: Bool { actions.contains { !$0.awaited.isEmpty } }

    /// The actions that are known not to be in the log up to `revision` and lack no block, in the
    /// order in which they are to go.
    /// - Parameters:
    ///   - roomBytes: What one entry takes of them.
    ///   - takesTurns: Whether clients take turns when not all fit; otherwise the oldest go first.
    package func ready(at revision: Revision, roomBytes: Int, takesTurns: Bool) -> [PendingAction] {
        let ready = actions.filter {
            $0.scannedThrough == revision && $0.awaited.isEmpty && !$0.isAhead
        }
        let isCrowded = load.bytes > roomBytes || ready.count > Limits.bodyActionCountMax
        return isCrowded && takesTurns ? Self.takingTurns(ready) : ready
    }

    /// The same actions: the first of each client, then the second of each, and so on.
    private static func takingTurns(_ actions: [PendingAction]) -> [PendingAction] {
        var countByClient: [CollectionWriter.Client: Int] = [:]
        var turns: [[PendingAction]] = []
        for action in actions {
            let turn = countByClient[action.client, default: 0]
            countByClient[action.client] = turn + 1
            if turn == turns.count { turns.append([]) }
            turns[turn].append(action)
        }
        let shared = Array(turns.joined())
        invariant(shared.count == actions.count, "an action has lost its turn")
        return shared
    }

    /// How many actions ``checkInvariants()`` looks at one by one: it is called after each event.
    private static let checkedCountMax = 64

    /// - Complexity: O(1) in the length of the queue.
    package func checkInvariants() {
        invariant(actions.count == load.count, "\(actions.count) actions, \(load.count) counted")
        guard actions.count <= ActionQueue.checkedCountMax else { return }
        load.checkInvariants()
        var bytes = 0
        for pending in actions {
            pending.checkInvariants()
            invariant(load.contains(pending.action), "\(pending.action) is not counted")
            invariant(!pending.waiters.isEmpty, "no request waits for \(pending.action)")
            bytes += pending.weight
        }
        invariant(bytes == load.bytes, "\(bytes) bytes, \(load.bytes) counted")
    }
}

// MARK: Planted bugs

extension ActionQueue {
    /// Takes entries that were not read for free of these actions.
    mutating func plantScanned(_ ids: Set<ActionID>, through revision: Revision) {
        update {
            guard ids.contains($0.action) else { return }
            $0.plantScanned(through: max($0.scannedThrough, revision))
        }
    }
}
