import BlockModel
import BlockRuntime
import BlockStructures

/// Runs the actions of clients on the blocks of a collection: pure functions of the action and of
/// the state before it.
enum ActionExecutor {
    /// Runs one action, all of it or nothing.
    ///
    /// - Parameters:
    ///   - room: Bytes that its outcome may take.
    ///   - check: Whether what it did may stand; throws when it may not.
    /// - Throws: ``MissingBlocks``: fetch and run again. A `DatabaseError` when the action cannot
    ///   be done: the tracker is then as before, but what was read stays read. ``NoRoom`` when its
    ///   outcome is too large: it is as if the action had not been run, so that an entry depends on
    ///   what its own actions read, and on nothing else (protocol: execution-is-deterministic).
    static func run(
        _ content: ActionContent, _ action: ActionID, on tracker: Tracker, _ participant: Life,
        room: Int = .max, check: () throws -> Void = {}
    ) throws -> ActionOutcome {
        tracker.begin(StructuralBlockIDs(incarnation: participant.incarnation, action: action))
        do {
            return try AtomicScope.run(on: tracker, keepsReads: { !($0 is NoRoom) }) {
                let outcome: ActionOutcome =
                    switch content {
                    case .append: .appended
                    case .tree(let action):
                        .tree(
                            try run(
                                action,
                                on: BTree(tracker: tracker, collection: participant.collection)))
                    case .queue(let action):
                        .queue(
                            try run(
                                action,
                                on: Chain(tracker: tracker, collection: participant.collection)))
                    case .custom:
                        throw DatabaseError(
                            .invalidArgument,
                            "only its handlers can do an action of a custom collection")
                    }
                if room < .max, outcome.bytes.count > room { throw NoRoom() }
                try check()
                return outcome
            }
        } catch let error as TransformError {
            throw error.asDatabaseError
        }
    }

    /// What an action gives out does not fit behind what the ones before it did.
    struct NoRoom: Error {}

    /// One life of a collection.
    struct Life {
        let collection: CollectionID
        let incarnation: Incarnation
    }

    private static func run(_ action: TreeAction, on tree: BTree) throws -> TreeOutcome {
        var collector = MissingCollector()
        for (place, check) in action.checks.enumerated() {
            guard try collector.run({ try holds(check, in: tree) }) == false else { continue }
            try collector.finish()
            return .conflict(check: UInt32(place))
        }
        var existed: [Bool] = []
        existed.reserveCapacity(action.operations.count)
        for operation in action.operations {
            let didExist = try collector.run {
                switch operation {
                case .put(let key, let value): try tree.upsert(key, value) != nil
                case .delete(let key): try tree.delete(key) != nil
                }
            }
            if let didExist { existed.append(didExist) }
        }
        try collector.finish()
        invariant(existed.count == action.operations.count, "an operation was not done")
        return .applied(existed: existed)
    }

    private static func holds(_ check: TreeCheck, in tree: BTree) throws -> Bool {
        switch check {
        case .value(let key, let hash): try tree.get(key).map(TreeValueHash.init) == hash
        case .present(let key): try tree.contains(key)
        case .range(let range, let hash):
            try TreeEntriesHash(tree.entries(in: range)) == hash
        }
    }

    private static func run(_ action: QueueAction, on chain: Chain) throws -> QueueOutcome {
        switch action {
        case .enqueue(let values):
            try chain.push(values)
            return .enqueued
        case .dequeue(let countMax):
            // The outcome is kept in the entry, and bounded there as an action is.
            let count = try chain.page(
                countMax: Int(countMax), bytesMax: Limits.actionBytesMax
            ).count
            let taken = try chain.pop(count, from: .front)
            invariant(
                taken.count == count && count <= Int(countMax),
                "\(taken.count) values taken, \(count) there, \(countMax) asked for")
            return .dequeued(taken)
        }
    }
}

extension Chain {
    /// The entries at the front, as many as fit in canonical form; the first one always does.
    func page(countMax: Int, bytesMax: Int) throws -> [Bytes] {
        var cursor = cursor(from: .front)
        var page: [Bytes] = []
        // What the list is and its count, then a count before each entry.
        var bytes = 5
        while page.count < countMax, let next = try cursor.next() {
            bytes += 4 + next.entry.count
            if !page.isEmpty, bytes > bytesMax { break }
            page.append(next.entry)
        }
        return page
    }
}
