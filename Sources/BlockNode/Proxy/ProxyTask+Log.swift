import BlockModel
import BlockRuntime
import BlockTransactions

/// Tasks at transactor level: the log as it is, blocks as they are, attempts as they come.
extension ProxyTask {
    /// The entries after a revision, up to a tail read after the request arrived.
    mutating func readLog(
        _ read: LogReadRequest, _ input: Input, _ effects: inout TaskEffects
    ) {
        switch input {
        case .started, .woken, .reply: return effects.readTail(read.collection)
        case .tail(let value): guard adopt(value, read.incarnation, &effects) else { return }
        case .fetched(let things): fetched.merge(things.objects) { _, new in new }
        }
        guard let tail else { return effects.readTail(read.collection) }
        if let problem = tail.problem(after: read.after) {
            return effects.respond(.failed(problem))
        }
        let waited = effects.now.since(arrival).milliseconds
        if read.after == tail.revision, waited < Int64(read.waitMilliseconds) {
            fetched = [:]
            return effects.wake(after: Limits.followInterval)
        }
        let view = LogView(tail: tail, source: TaskSource(fetched: fetched, cache: effects.cache))
        do throws(MissingObjects) {
            let entries = try page(read, of: view, tail)
            effects.respond(
                .logPage(
                    LogPage(
                        entries: entries, revision: tail.revision, header: tail.header,
                        headerRevision: tail.headerRevision,
                        checkpoint: tail.checkpoint, shardCount: effects.shardCount)))
        } catch {
            effects.fetch(error.keys.map { .object($0) })
        }
    }

    /// As many entries as fit; the first one always does.
    private func page(
        _ read: LogReadRequest, of view: LogView<TaskSource>, _ tail: Tail
    ) throws(MissingObjects) -> [LogEntry] {
        guard read.after < tail.revision else { return [] }
        let last = min(tail.revision, Revision(read.after.rawValue + 128))
        var chosen: [Entry] = []
        var bytes = 0
        for entry in try view.entries(from: read.after.next, through: last) {
            switch entry.body {
            case .inline(let body): bytes += body.count
            case .stored(let count): bytes += Int(count)
            }
            if !chosen.isEmpty, bytes > min(Int(read.bytesMax), Limits.pageBytesMax) { break }
            chosen.append(entry)
        }
        invariant(!chosen.isEmpty, "a page of nothing behind \(read.after)")
        let bodies = try view.bodies(of: chosen)
        invariant(bodies.count == chosen.count, "\(bodies.count) bodies of \(chosen.count)")
        return zip(chosen, bodies).map { entry, body in
            LogEntry(
                revision: entry.revision, payload: entry.payload, body: body,
                headerAfter: entry.headerAfter, attempt: entry.attempt,
                wallMilliseconds: entry.wallMilliseconds)
        }
    }

    /// Blocks, each verified, as of the revisions asked for, of the lives that go on.
    mutating func readBlocks(
        _ requests: [BlockReadRequest], _ input: Input, _ effects: inout TaskEffects
    ) {
        switch input {
        case .fetched(let things):
            unconfirmed = blocks(requests, things)
            confirm(requests, behind: nil, &effects)
        case .tail(let value): look(at: value, requests, &effects)
        case .started, .woken, .reply:
            if requests.isEmpty { return effects.respond(.blocks([])) }
            effects.fetch(requests.map { .block($0) })
        }
    }

    /// Looks at the tail of the next collection that the requests name: replicas that have
    /// truncated a revision, or forgotten a life, answer with what is left. Of a request that names
    /// none the proxy cannot tell.
    private mutating func confirm(
        _ requests: [BlockReadRequest], behind last: CollectionID?, _ effects: inout TaskEffects
    ) {
        let named = requests.compactMap(\.collection)
        let next = named.filter { name in last.map { $0 < name } ?? true }.min()
        if let next {
            invariant(last.map { $0 < next } ?? true, "the tail of \(next) was looked at before")
            return effects.readTail(next)
        }
        // After trouble with the blocks the tails were looked at first.
        guard let unconfirmed else { return effects.fetch(requests.map { .block($0) }) }
        effects.respond(unconfirmed)
    }

    private mutating func look(
        at value: TailValue, _ requests: [BlockReadRequest], _ effects: inout TaskEffects
    ) {
        guard let tail = value.live else { return effects.respond(.failed(Self.gone)) }
        for request in requests where request.collection == tail.collection {
            guard adopt(value, request.key.incarnation, &effects) else { return }
            if let problem = tail.truncationProblem(request.revision) {
                return effects.respond(.failed(problem))
            }
        }
        confirm(requests, behind: tail.collection, &effects)
    }

    private func blocks(_ requests: [BlockReadRequest], _ things: Fetched) -> ClientReply {
        invariant(
            things.blocks.count <= requests.count,
            "\(things.blocks.count) blocks for \(requests.count) requests")
        let copies = requests.map { things.blocks[FetchedBlock.Key($0)]?.copy }
        let bytes = copies.reduce(0) { $0 + ($1?.bytes?.count ?? 0) }
        guard bytes <= Limits.blockReplyBytesMax || copies.count == 1 else {
            let message =
                "\(copies.count) blocks of \(bytes) bytes, blockReplyBytesMax = "
                + "\(Limits.blockReplyBytesMax): ask for fewer at a time"
            return .failed(DatabaseError(.valueTooLarge, message))
        }
        return .blocks(copies)
    }

    /// The blocks of an entry are to become versions on a quorum each.
    func finalise(_ entry: FinaliseEntry, _ input: Input, _ effects: inout TaskEffects) {
        if case .reply(.finalised) = input { return effects.respond(.finalised) }
        effects.call(.finalise(entry))
    }

    /// Exactly this attempt. Where the coordinator has not looked whether it landed, the log is
    /// read at its target, so that the client is told (protocol: moved-says-what-was-looked-for).
    mutating func commit(
        _ attempt: CommitAttempt, _ input: Input, _ effects: inout TaskEffects
    ) {
        switch input {
        case .reply(.committed(let revision, let chainHash)):
            effects.respond(.committed(revision, chainHash: chainHash))
        case .reply(.refused(.moved(.notLookedFor, .live(let tail)))):
            // Until the log was read it may be there.
            doubt.raise()
            self.tail = tail
            lookForLanding(of: attempt, in: tail, &effects)
        case .reply(.refused(let refusal)): effects.respond(.refused(refusal))
        case .fetched(let things):
            fetched.merge(things.objects) { _, new in new }
            if let tail { lookForLanding(of: attempt, in: tail, &effects) }
        default: effects.call(.commit(attempt))
        }
    }

    private mutating func lookForLanding(
        of attempt: CommitAttempt, in tail: Tail, _ effects: inout TaskEffects
    ) {
        let target = attempt.participant.target
        guard target <= tail.revision, target > tail.truncatedThrough else {
            // Nothing is there to be read: not yet, or not any more.
            return effects.respond(.refused(.moved(landing: .notLookedFor, .live(tail))))
        }
        let view = LogView(tail: tail, source: TaskSource(fetched: fetched, cache: effects.cache))
        do throws(MissingObjects) {
            let found = try view.entries(from: target, through: target).first
            invariant(found?.revision == target, "no entry at \(target) up to \(tail.revision)")
            doubt.decided()
            guard let found, found.payload == attempt.payload else {
                return effects.respond(.refused(.moved(landing: .absent, .live(tail))))
            }
            effects.respond(.committed(target, chainHash: found.chainHash))
        } catch {
            effects.fetch(error.keys.map { .object($0) })
        }
    }
}

extension Tail {
    /// Why the log cannot be read from behind `revision`; nil when it can.
    func problem(after revision: Revision) -> DatabaseError? {
        if revision > self.revision {
            return DatabaseError(
                .positionNotFound,
                "revision \(revision) does not exist yet: \"\(name)\" is at \(self.revision)")
        }
        return truncationProblem(revision)
    }
}
