import BlockModel
import BlockRuntime
import BlockTransactions

/// What waits in a proxy: tasks and writers, for calls of their own and for tail reads and fetches,
/// which wait for calls in turn. What becomes of a call is passed on to all that wait for it.
struct ProxyWork {
    var tasks: ProxyTasks
    var writers: HostedWriters
    var transactions: HostedTransactions
    var tailReads = SharedTailReads()
    var fetches = ObjectFetches()

    // MARK: Calls under way

    /// A try of a call is out.
    mutating func tried(_ owner: CoordinatorCall.Owner, _ doubt: AttemptDoubt) {
        switch owner {
        case .writer(let collection):
            writers.attemptProgress(of: collection, isTrying: true, trouble: nil)
        case .task(let task): tasks.inherit(doubt, of: task)
        case .transaction(let id):
            transactions.attemptProgress(id, isTrying: true, trouble: nil)
        case .tail, .item, .finalising: break
        }
    }

    /// The try of a call that was out failed.
    mutating func tryFailed(
        _ owner: CoordinatorCall.Owner, _ error: DatabaseError, _ doubt: AttemptDoubt
    ) {
        switch owner {
        case .writer(let collection):
            writers.attemptProgress(of: collection, isTrying: false, trouble: error)
        case .task(let task): tasks.tryFailed(error, doubt, of: task)
        case .transaction(let id):
            transactions.attemptProgress(id, isTrying: false, trouble: error)
        case .tail, .item, .finalising: break
        }
        learned(error, owner)
    }

    /// Every task and writer that waits for a call, at whatever remove, learns why it takes long:
    /// it is what their clients are told when their own time runs out first.
    mutating func learned(_ error: DatabaseError, _ owner: CoordinatorCall.Owner) {
        switch owner {
        case .task(let task): tasks.learned(error, of: task)
        case .tail(let collection):
            for waiter in tailReads.learned(error, of: collection) {
                explainTail(collection, to: waiter)
            }
        case .item(let fetch, _):
            switch fetches.owner(of: fetch) {
            case .task(let task)?: tasks.learned(error, of: task)
            case .writer(let collection, _)?: writers.learned(error, of: collection)
            case .transaction(let id, _, _)?: transactions.learned(error, of: id)
            case nil: break
            }
        case .writer, .transaction, .finalising: break
        }
    }

    /// A task or writer that waits for a tail learns what is known of the trouble with it.
    private mutating func explainTail(_ collection: CollectionID, to waiter: TailReads.Waiter) {
        guard let trouble = tailReads.trouble(with: collection) else { return }
        switch waiter {
        case .task(let task): tasks.learned(trouble, of: task)
        case .writer: writers.learned(trouble, of: collection)
        case .transaction(let id): transactions.learned(trouble, of: id)
        }
    }

    /// A task or a writer needs a tail. - Returns: Whether a read is to begin, when everything that
    /// arrived together has been seen.
    mutating func askForTail(_ collection: CollectionID, _ waiter: TailReads.Waiter) -> Bool {
        // It may wait for a read that has been in trouble for a while.
        explainTail(collection, to: waiter)
        return tailReads.ask(waiter, for: collection)
    }

    // MARK: Ends of calls

    /// A call is over. - Returns: The steps of those that waited for it.
    mutating func ended(
        _ call: CoordinatorCall, _ reply: RepositoryReply, _ caches: inout ProxyCaches,
        now: Instant
    ) -> [ProxyStep] {
        switch call.owner {
        case .task(let task):
            tasks.inherit(call.doubt, of: task)
            return [.task(task, .reply(reply))]
        case .writer(let collection):
            return [.writer(collection) { $0.attemptEnded(reply, &$1) }]
        case .transaction(let id): return [.transactionAttemptEnded(id, reply)]
        case .tail(let collection): return tailReadEnded(collection, reply, caches, now)
        case .item(let fetch, let position): return itemCame(fetch, position, reply, &caches)
        case .finalising(let collection):
            guard writers.contains(collection) else { return [] }
            guard case .finalise(let entry) = call.request else {
                invariant(false, "\(call.request) makes nothing final")
                return []
            }
            let isFinal = reply == .finalised
            return [.writer(collection) { $0.finaliseEnded(entry, isFinal: isFinal, &$1) }]
        }
    }

    private mutating func tailReadEnded(
        _ collection: CollectionID, _ reply: RepositoryReply, _ caches: ProxyCaches, _ now: Instant
    ) -> [ProxyStep] {
        guard let served = tailReads.end(collection) else { return [] }
        if case .tail(.live(let tail)) = reply { writers.share(with: tail, in: caches.blocks) }
        invariant(!served.isEmpty, "a tail was read for no waiter")
        let isIdle = tailReads.forgetIdle(collection)
        var steps: [ProxyStep] = [isIdle ? .rest(.tail(collection)) : .beginTailRead(collection)]
        for waiter in served {
            switch (waiter, reply) {
            case (.task(let id), .tail(let value)): steps.append(.task(id, .tail(value)))
            case (.task(let id), .failed(let error)):
                steps.append(tailReadFailed(id, collection, error, now))
            case (.writer, .tail(let value)):
                steps.append(.writer(collection) { $0.tailWasRead(value, &$1) })
            case (.writer, .failed(let error)):
                steps.append(.writer(collection) { $0.tailReadFailed(error, &$1) })
            case (.transaction(let id), .tail(let value)):
                steps.append(
                    .transaction(id, collection) { $0.tailWasRead(value, of: $1, &$2) })
            case (.transaction(let id), .failed(let error)):
                steps.append(
                    .transaction(id, collection) { $0.tailReadFailed(error, of: $1, &$2) })
            default: invariant(false, "a tail read cannot end with \(reply)")
            }
        }
        invariant(steps.count == served.count + 1, "a waiter of a tail read was passed over")
        return steps
    }

    /// The shared read may have had less time than this task has.
    private mutating func tailReadFailed(
        _ id: ProxyTasks.ID, _ collection: CollectionID, _ error: DatabaseError, _ now: Instant
    ) -> ProxyStep {
        tasks.learned(error, of: id)
        let asksAgain = tasks.mayAskAgain(id, at: now) && !error.endsTries
        return asksAgain ? .askForTail(collection, .task(id)) : .task(id, .reply(.failed(error)))
    }

    private mutating func itemCame(
        _ id: ObjectFetches.ID, _ position: Int, _ reply: RepositoryReply,
        _ caches: inout ProxyCaches
    ) -> [ProxyStep] {
        guard let item = fetches.item(of: id, at: position) else { return [] }
        let content = item.content(of: reply)
        if case .success(let item) = content { caches.keep(item) }
        switch fetches.ended(position, of: id, content) {
        case .none: return []
        case .failed(.task(let task), let error): return [.task(task, .reply(.failed(error)))]
        case .failed(.writer(let collection, let purpose), let error):
            return [.writer(collection) { $0.fetchFailed(error, for: purpose, &$1) }]
        case .failed(.transaction(let id, let collection, let purpose), let error):
            return [
                .transaction(id, collection) { $0.fetchFailed(error, for: purpose, of: $1, &$2) }
            ]
        case .waiting(let fetch): return refuse(fetch, id) ?? []
        case .complete(let fetch): return refuse(fetch, id) ?? complete(fetch)
        }
    }

    /// The answer to a task that may not hold what was fetched for it; nil when it may.
    private mutating func refuse(_ fetch: ObjectFetch, _ id: ObjectFetches.ID) -> [ProxyStep]? {
        guard case .task(let task) = fetch.owner,
            let refusal = tasks.refusal(of: fetch.byteCount, for: task)
        else { return nil }
        fetches.abandon(id)
        invariant(fetches.owner(of: id) == nil, "a fetch that was abandoned goes on")
        return [.task(task, .reply(.failed(refusal)))]
    }

    private mutating func complete(_ fetch: ObjectFetch) -> [ProxyStep] {
        invariant(fetch.isComplete, "a fetch ends before all has come")
        switch fetch.owner {
        case .task(let task):
            tasks.fetched(objectBytes: fetch.objectBytes, of: task)
            return [.task(task, .fetched(fetch.result))]
        case .writer(let collection, let purpose):
            return [.writer(collection) { $0.wasFetched(fetch.result, for: purpose, &$1) }]
        case .transaction(let id, let collection, let purpose):
            return [
                .transaction(id, collection) {
                    $0.wasFetched(fetch.result, for: purpose, of: $1, &$2)
                }
            ]
        }
    }

    /// - Complexity: O(what waits).
    func checkInvariants() {
        tasks.checkInvariants()
        writers.checkInvariants()
        transactions.checkInvariants()
        tailReads.checkInvariants()
        fetches.checkInvariants()
    }
}
