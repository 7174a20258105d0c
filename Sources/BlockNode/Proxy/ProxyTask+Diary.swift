import BlockModel
import BlockRuntime
import BlockTransactions

/// Tasks that read a diary's log.
extension ProxyTask {
    /// A page. Without `asOf` it is linearizable: the tail is read after the request arrived.
    mutating func readDiary(
        _ read: DiaryReadRequest, _ input: Input, _ effects: inout TaskEffects
    ) {
        switch input {
        case .started:
            if let asOf = read.asOf, let known = effects.knownTail,
                known.incarnation == read.incarnation, known.revision >= asOf,
                known.revision >= read.after?.revision ?? .zero
            {
                // A revision is immutable: no tail check is needed to read as of it.
                tail = known
                return readPage(read, &effects)
            }
            effects.readTail(read.collection)
        case .tail(let value):
            guard adopt(value, read.incarnation, &effects) else { return }
            readPage(read, &effects)
        case .fetched(let things):
            fetched.merge(things.objects) { _, new in new }
            readPage(read, &effects)
        case .woken: effects.readTail(read.collection)
        case .reply: break
        }
    }

    private mutating func readPage(_ read: DiaryReadRequest, _ effects: inout TaskEffects) {
        guard let tail else { return effects.readTail(read.collection) }
        guard tail.header.kind == .diary else {
            let message = "\"\(tail.name)\" is a \(tail.header.kind), not a diary"
            return effects.respond(.failed(DatabaseError(.collectionKindMismatch, message)))
        }
        let asOf = read.asOf ?? tail.revision
        if let problem = tail.problem(asOf: asOf) ?? tail.problem(resuming: read, asOf: asOf) {
            return effects.respond(.failed(problem))
        }
        // A reader that goes on from a place must not miss what followed it.
        let isBehind = read.direction == .forward ? read.after?.revision : nil
        if let problem = tail.truncationProblem(min(asOf, isBehind ?? asOf)) {
            return effects.respond(.failed(problem))
        }
        let view = LogView(
            tail: tail, source: TaskSource(fetched: fetched, cache: effects.cache))
        do throws(MissingObjects) {
            let page = try DiaryReader.page(
                read, asOf: asOf, truncatedThrough: tail.truncatedThrough, view: view)
            invariant(effects.now >= arrival, "a task ran before it came")
            let waited = effects.now.since(arrival).milliseconds
            if page.entries.isEmpty, read.direction == .forward, read.asOf == nil,
                waited < Int64(read.waitMilliseconds)
            {
                fetched = [:]
                return effects.wake(after: Limits.followInterval)
            }
            effects.respond(.diaryPage(page))
        } catch {
            effects.fetch(error.keys.map { .object($0) })
        }
    }

    /// Where an action landed, by a scan of the log up to a tail read after the request arrived.
    mutating func findAction(
        _ status: ActionStatusRequest, _ input: Input, _ effects: inout TaskEffects
    ) {
        switch input {
        case .tail(let value):
            // An action whose outcome is unknown may have landed in the life that is over: that
            // it cannot be looked for says nothing of it (protocol: first-revision-is-fixed).
            guard adopt(value, status.incarnation, outcome: .unknown, &effects) else { return }
            scanned = status.firstRevision
            search(status, &effects)
        case .fetched(let things):
            fetched.merge(things.objects) { _, new in new }
            search(status, &effects)
        case .started, .woken, .reply: effects.readTail(status.collection)
        }
    }

    private mutating func search(_ status: ActionStatusRequest, _ effects: inout TaskEffects) {
        guard let tail else { return }
        guard status.firstRevision <= tail.revision else {
            let message =
                "firstRevision \(status.firstRevision) is above revision \(tail.revision)"
            return effects.respond(.failed(DatabaseError(.invalidArgument, message)))
        }
        guard scanned >= tail.truncatedThrough else {
            let message = "history through revision \(tail.truncatedThrough) is gone"
            return effects.respond(
                .failed(DatabaseError(.dedupeWindowLost, message, outcome: .unknown)))
        }
        let view = LogView(
            tail: tail, source: TaskSource(fetched: fetched, cache: effects.cache))
        do {
            while scanned < tail.revision {
                let last = min(Revision(scanned.rawValue + 128), tail.revision)
                let entries = try view.entries(from: scanned.next, through: last)
                invariant(
                    entries.count == Int(last.rawValue - scanned.rawValue),
                    "\(entries.count) entries from \(scanned.next) through \(last)")
                for (entry, body) in zip(entries, try view.bodies(of: entries)) {
                    guard let index = body.actions.firstIndex(where: { $0.id == status.action })
                    else { continue }
                    let landing = try landing(
                        of: body.actions[index],
                        at: LogPosition(revision: entry.revision, index: UInt32(index)), tail)
                    return effects.respond(.actionStatus(landing, asOf: tail.revision))
                }
                scanned = last
                fetched = [:]
            }
            invariant(scanned >= tail.revision, "a search that ends before the log does")
            effects.respond(.actionStatus(nil, asOf: tail.revision))
        } catch let missing as MissingObjects {
            effects.fetch(missing.keys.map { .object($0) })
        } catch let error as DatabaseError {
            effects.respond(.failed(error))
        } catch {
            invariant(false, "a search failed with \(error)")
        }
    }

    private func landing(
        of action: Action, at position: LogPosition, _ tail: Tail
    ) throws(DatabaseError) -> ActionLanding {
        ActionLanding(
            position: position,
            outcome: try ActionOutcome(action.outcome, kind: tail.header.kind))
    }

    /// Takes over a tail of the life that was asked for; answers the client when it is another.
    /// - Parameter outcome: What is known then of what the client asks about.
    mutating func adopt(
        _ value: TailValue, _ incarnation: Incarnation,
        outcome: DatabaseError.Outcome = .notApplied, _ effects: inout TaskEffects
    ) -> Bool {
        guard let tail = value.live, tail.incarnation == incarnation else {
            let message =
                "the collection was dropped, and perhaps created again, since it was opened"
            effects.respond(
                .failed(DatabaseError(.collectionNotFound, message, outcome: outcome)))
            return false
        }
        invariant(tail.truncatedThrough <= tail.revision, "a tail without its own entry")
        self.tail = tail
        return true
    }
}

extension Tail {
    /// Why a diary cannot be read on from where `read` says; nil when it can.
    fileprivate func problem(resuming read: DiaryReadRequest, asOf: Revision) -> DatabaseError? {
        guard let after = read.after else { return nil }
        let end = read.direction == .forward ? asOf : revision
        if after.revision > end {
            return DatabaseError(
                .positionNotFound,
                "position \(after) is behind revision \(end), up to which \"\(name)\" is read")
        }
        if read.direction == .forward, after.revision < truncatedThrough, after.revision != .zero {
            return problem(after: after.revision)
        }
        return nil
    }
}

/// The objects a task holds, then the cache.
struct TaskSource: LogObjectSource {
    let fetched: [LogObjectKey: LogObject]
    let cache: LogObjectCache

    func object(_ key: LogObjectKey) -> LogObject? { fetched[key] ?? cache.object(key) }
}
