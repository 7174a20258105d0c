import BlockModel
import BlockRuntime
import BlockStructures

/// Executes the actions of one part of an attempt again, on the state below its target, and
/// compares what comes of it with what the attempt says: each outcome, each block's write, what was
/// read, the header part (protocol: execution-is-deterministic).
///
/// What is compared is what is sent: the transforms are those whose hashes the body lists.
package struct AttemptExecution: Sendable {
    package enum Step: Sendable {
        /// A chosen tail, read after the attempt came; then ``tailWasRead(_:)``.
        case readTail
        /// Then ``wasFetched(_:)``, of all of them.
        case fetch([FetchItem])
        /// It is as the attempt says, or it cannot land any more and needs no look.
        case sound
        case refused(DatabaseError)
    }

    package let attempt: CommitAttempt
    private var tail: Tail?
    private var history: BlockHistory?
    private var objects: [LogObjectKey: LogObject] = [:]
    private var fetched: [FetchedBlock.Key: FetchedBlock] = [:]
    /// What it was found to be.
    private var verdict: Step?

    package init(_ attempt: CommitAttempt) { self.attempt = attempt }

    private var participant: Participant { attempt.participant }

    // MARK: Events

    package mutating func tailWasRead(_ value: TailValue) {
        let target = participant.target
        guard case .live(let tail) = value, tail.incarnation == participant.incarnation else {
            // What is over takes nothing any more; what is to come was seen by nobody yet.
            let isOver = value.generation >= participant.incarnation.generation
            verdict = isOver ? .sound : differs("it is for a life that has not begun")
            return
        }
        guard tail.revision >= target.previous else {
            verdict = differs("it is for \(target), and the log ends at \(tail.revision)")
            return
        }
        if tail.revision > target.previous { verdict = .sound }
        self.tail = tail
    }

    package mutating func wasFetched(_ things: Fetched) {
        objects.merge(things.objects) { _, new in new }
        fetched.merge(things.blocks) { _, new in new }
    }

    // MARK: Executing

    /// What is to be done next.
    package mutating func next(_ cache: SharedBlockCache) -> Step {
        if let verdict { return verdict }
        guard let tail else { return .readTail }
        do throws(MissingObjects) {
            let source = LayeredSource(first: objects, second: FetchedOnly())
            try BlockHistory.catchUp(&history, to: tail, source: source)
        } catch {
            return .fetch(error.keys.map { .object($0) })
        }
        guard let history else { return .readTail }
        let snapshot = CollectionSnapshot(
            history: history, revision: tail.revision, cache: cache, fetched: fetched)
        let step: Step
        do {
            step = try execute(on: snapshot, tail)
        } catch let missing as MissingBlocks {
            return .fetch(
                snapshot.requests(for: missing.ids, of: participant.collection).map { .block($0) })
        } catch {
            step = differs((error as? DatabaseError)?.message ?? "\(error)")
        }
        verdict = step
        return step
    }

    /// - Throws: ``MissingBlocks``; why an action cannot be done.
    private func execute(on snapshot: CollectionSnapshot, _ tail: Tail) throws -> Step {
        let kind = tail.header.kind
        guard let handler = ReplayHandler(kind) else {
            return .refused(
                DatabaseError(
                    .engineUnknown,
                    "\"\(tail.name)\" is a custom collection: only its application can execute "
                        + "its actions, and this coordinator takes nothing unexecuted"))
        }
        let body = try EntryBody(canonicalBytes: attempt.body)
        guard body.records.isEmpty || attempt.transaction?.home == participant.collection else {
            return differs("it records transactions that it does not decide")
        }
        let tracker = Tracker(
            snapshot: snapshot, header: tail.header,
            ids: StructuralBlockIDs(
                incarnation: tail.incarnation, action: ActionID(rawValue: .zero)))
        let life = ActionExecutor.Life(
            collection: participant.collection, incarnation: tail.incarnation)
        for action in body.actions {
            let outcome = try handler.run(action, participant.target, tracker, life)
            guard outcome == action.outcome else {
                return differs("action \(action.id) has another outcome")
            }
        }
        let effects = try ExecutionEffects(
            on: tracker, collection: participant.collection, headerRevision: tail.headerRevision,
            newestWrite: snapshot.write(of:))
        if effects.blocks.sorted() != body.blocks { return differs("it writes other blocks") }
        if effects.reads.sorted() != body.reads { return differs("it reads other blocks") }
        if effects.headerAfter != attempt.headerAfter {
            return differs("it makes another header")
        }
        return .sound
    }

    private func differs(_ what: String) -> Step {
        .refused(
            DatabaseError(
                .executionDiffers,
                "the part on \(participant.collection), executed again: \(what)"))
    }
}

/// Nothing beside what was fetched.
private struct FetchedOnly: LogObjectSource {
    func object(_ key: LogObjectKey) -> LogObject? { nil }
}

extension TransactionAttempt {
    /// Why what its home is to record of its transactions is not what they are; nil when it is.
    /// - Parameter wallMilliseconds: Now, by the clock of whoever asks.
    package func recordProblem(at wallMilliseconds: UInt64) -> DatabaseError? {
        func differs(_ what: String) -> DatabaseError {
            DatabaseError(.executionDiffers, "what the home is to record: \(what)")
        }
        var parts: [ActionID: [(collection: CollectionID, actions: [Bytes])]] = [:]
        for write in writes {
            guard let body = try? EntryBody(canonicalBytes: write.body) else {
                return differs("a body does not decode")
            }
            var own: [ActionID: [Action]] = [:]
            for (action, id) in zip(body.actions, attempt.transactions(body)) {
                own[id.action, default: []].append(action)
            }
            for (id, actions) in own {
                guard let recorded = actions.recorded else { continue }
                parts[id, default: []].append((write.participant.collection, recorded))
            }
        }
        guard let home = try? EntryBody(canonicalBytes: homeWrite.body),
            Set(home.records.map(\.action)) == Set(parts.keys)
        else { return differs("other transactions than it carries out") }
        for record in home.records {
            let stamp = record.source.stamp
            guard stamp.engine == .actions else {
                return DatabaseError(
                    .engineUnknown,
                    "\(stamp.engine) is not known here, and this coordinator takes nothing "
                        + "unexecuted")
            }
            guard stamp.expiry >= wallMilliseconds else {
                return DatabaseError(
                    .transactionExpired, "the transaction's stamp has ended, by this clock")
            }
            guard record.source.hash(record.action, parts[record.action] ?? []) == record.hash
            else { return differs("another hash of \(record.action)") }
        }
        return nil
    }
}
