import BlockModel
import BlockRuntime
import BlockStructures
import BlockTransactions

/// Tasks that read the blocks of a collection: trees and queues.
extension ProxyTask {
    /// What is asked of a structure.
    enum StructureQuery {
        case tree(TreeQuery)
        case queue(QueueQuery)

        var kind: CollectionKind {
            switch self {
            case .tree: .tree
            case .queue: .queue
            }
        }
    }

    /// Without `asOf` the answer is linearizable: the tail is read after the request arrived.
    mutating func query(
        _ query: StructureQuery, of collection: CollectionID, _ incarnation: Incarnation,
        asOf: Revision?, _ input: Input, _ effects: inout TaskEffects
    ) {
        switch input {
        case .started:
            if let asOf, let known = effects.knownTail, known.incarnation == incarnation,
                known.revision >= asOf
            {
                // A revision is immutable: no tail check is needed to read as of it.
                tail = known
            } else {
                return effects.readTail(collection)
            }
        case .tail(let value):
            guard adopt(value, incarnation, &effects) else { return }
            if let reply = unconfirmed, let asOf {
                let problem = tail?.problem(asOf: asOf)
                return effects.respond(problem.map { .failed($0) } ?? reply)
            }
        case .fetched(let things):
            fetched.merge(things.objects) { _, new in new }
            fetchedBlocks.merge(things.blocks) { _, new in new }
        case .woken, .reply: return
        }
        read(query, collection, asOf: asOf, &effects)
    }

    private mutating func read(
        _ query: StructureQuery, _ collection: CollectionID, asOf: Revision?,
        _ effects: inout TaskEffects
    ) {
        guard let tail else { return effects.readTail(collection) }
        guard tail.header.kind == query.kind else {
            let message = "\"\(tail.name)\" is a \(tail.header.kind), not a \(query.kind)"
            return effects.respond(.failed(DatabaseError(.collectionKindMismatch, message)))
        }
        let revision = asOf ?? tail.revision
        if let problem = tail.problem(asOf: revision) { return effects.respond(.failed(problem)) }
        do {
            let source = TaskSource(fetched: fetched, cache: effects.cache)
            let header = try LogView(tail: tail, source: source).header(at: revision)
            let snapshot = CollectionSnapshot(
                history: try history(of: tail, through: revision, source, &effects),
                revision: revision, cache: effects.blocks, fetched: fetchedBlocks)
            do {
                let reply =
                    switch query {
                    case .tree(let query):
                        try answer(query, of: snapshot, header, collection, tail.incarnation)
                    case .queue(let query):
                        try StructureReader.answer(
                            query, of: snapshot, header: header, collection: collection,
                            incarnation: tail.incarnation)
                    }
                confirm(reply, asOf: asOf, &effects)
            } catch let missing as MissingBlocks {
                effects.fetch(
                    snapshot.requests(for: missing.ids, of: collection).map { .block($0) })
            }
        } catch let missing as MissingObjects {
            effects.fetch(missing.keys.map { .object($0) })
        } catch let error as DatabaseError {
            effects.respond(.failed(error))
        } catch {
            invariant(false, "a read failed with \(error)")
        }
    }

    /// Runs a query; a count goes on where the task has come to, and what lies behind is forgotten.
    private mutating func answer(
        _ query: TreeQuery, of snapshot: CollectionSnapshot, _ header: CollectionHeader,
        _ collection: CollectionID, _ incarnation: Incarnation
    ) throws -> ClientReply {
        defer {
            for block in count?.passed ?? [] {
                let key = BlockKey(block: block, incarnation: incarnation)
                let request = BlockReadRequest(key: key, revision: snapshot.revision)
                fetchedBlocks[FetchedBlock.Key(request)] = nil
            }
        }
        return try StructureReader.answer(
            query, of: snapshot, header: header, collection: collection, incarnation: incarnation,
            count: &count)
    }

    /// What is known of the newest writes, through `revision` at least.
    private mutating func history(
        of tail: Tail, through revision: Revision, _ source: TaskSource,
        _ effects: inout TaskEffects
    ) throws(MissingObjects) -> BlockHistory {
        if let known = effects.history, known.incarnation == tail.incarnation,
            known.through >= revision
        {
            return known
        }
        if revision <= tail.checkpoint.oldest {
            // Everything is final up to there: no write need be listed.
            return BlockHistory(incarnation: tail.incarnation, floor: Checkpoint(revision))
        }
        // A reader that is late must not take away what others know of a later life.
        var history = effects.takeHistory(of: tail.incarnation)
        defer { effects.learn(history) }
        let before = history?.through
        do throws(MissingObjects) {
            try BlockHistory.catchUp(&history, to: tail, source: source)
        } catch {
            // Stretch by stretch: what was read of a long log is not held.
            if let before, let history, history.through > before { fetched = [:] }
            throw error
        }
        invariant(
            history.map { $0.through >= revision } ?? true,
            "a history that was brought up to \(tail.revision) ends before \(revision)")
        return history
            ?? BlockHistory(incarnation: tail.incarnation, floor: Checkpoint(revision))
    }
}
