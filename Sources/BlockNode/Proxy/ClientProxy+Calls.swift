import BlockModel
import BlockRuntime
import BlockTransactions

/// Calls to coordinators: the choice, the tries, the answers.
extension ClientProxy {
    mutating func call(
        _ request: RepositoryRequest, owner: CoordinatorCall.Owner, deadline: Instant
    ) {
        let id = makeID()
        calls[id] = CoordinatorCall(
            request, owner: owner, order: coordinators(for: request), deadline: deadline)
        sendTry(id)
    }

    private func coordinators(for request: RepositoryRequest) -> [Int] {
        // Which coordinator is preferred is a hint; another one must do as well.
        if buggify("buggify.proxy.otherCoordinator") {
            return coordinatorRanking.order(for: request.affinity?.digest.bytes ?? [], at: now)
                .reversed()
        }
        return coordinatorRanking.order(for: request.affinity?.digest.bytes ?? [], at: now)
    }

    private mutating func sendTry(_ id: UInt64) {
        guard var call = calls[id] else { return }
        let time = call.tryTime(at: now)
        guard time >= .milliseconds(1) else { return endCall(id, .failed(call.finalError)) }
        let tryID = makeID()
        let coordinator = call.begin(try: tryID)
        calls[id] = call
        tries[tryID] = (id, coordinator)
        let deadline = now.advanced(by: time)
        directives.append(
            .send(coordinator: coordinator, id: tryID, call.request, deadline: deadline))
        // Past the coordinator's own deadline: it answers by then what it knows.
        let patience = Duration.nanoseconds(deadline.since(now).nanoseconds / 8)
        var wakeAt = deadline.advanced(by: patience)
        if call.order.count > 1, coordinatorRanking.isDoubted(coordinator) {
            // It was silent last time. It may be back, but nobody waits long to learn that: its
            // answer is welcome also while another one is asked.
            mark("proxy.doubtedCoordinator")
            wakeAt = min(wakeAt, now.advanced(by: Limits.doubtedTryTime))
        }
        if buggify("buggify.proxy.impatient") { wakeAt = now.advanced(by: .milliseconds(1)) }
        wake(.call(id), at: wakeAt)
        if case .writer(let collection) = call.owner {
            writers[collection]?.attemptProgress(isTrying: true, trouble: nil)
        }
    }

    mutating func coordinatorReplied(_ tryID: UInt64, _ reply: RepositoryReply) {
        guard let (id, coordinator) = tries.removeValue(forKey: tryID), let call = calls[id]
        else { return }
        guard call.request.isAnswered(by: reply) else {
            coordinatorRanking.suspect(coordinator, at: now)
            guard tryID == call.currentTry else { return }
            let message = "a coordinator answered something else than was asked"
            let error = DatabaseError(
                .endpointUnreachable, message,
                outcome: call.request.changesState ? .unknown : .notApplied)
            return tryFailed(id, error)
        }
        coordinatorRanking.clear(coordinator)
        guard case .failed(let error) = reply else {
            // Also a late answer of an earlier try is a true statement.
            if tryID != call.currentTry { mark("proxy.lateAnswer") }
            return endCall(id, reply)
        }
        guard tryID == call.currentTry else {
            calls[id]?.learned(error)
            return tell(call.owner, error)
        }
        if error.isFinal { return endCall(id, reply) }
        tryFailed(id, error)
    }

    mutating func coordinatorWasNotReached(_ tryID: UInt64) {
        guard let (id, coordinator) = tries.removeValue(forKey: tryID), let call = calls[id]
        else { return }
        coordinatorRanking.suspect(coordinator, at: now)
        guard tryID == call.currentTry else { return }
        tryFailed(id, DatabaseError(.endpointUnreachable, "no coordinator can be reached"))
    }

    /// Everything that waits for an answer of this coordinator turns to another one at once.
    mutating func connectionBroke(_ coordinator: Int) {
        coordinatorRanking.suspect(coordinator, at: now)
        for id in calls.keys.sorted() {
            guard let tryID = calls[id]?.currentTry, tries[tryID]?.coordinator == coordinator
            else { continue }
            tryWasLost(id)
        }
    }

    /// No answer: whether it was carried out is not known.
    private mutating func tryWasLost(_ id: UInt64) {
        let error =
            calls[id]?.request.changesState == true
            ? DatabaseError(
                .commitResultUnknown, "no coordinator answered", outcome: .unknown,
                cause: DatabaseError(.endpointUnreachable, "no coordinator answered"))
            : DatabaseError(.endpointUnreachable, "no coordinator answered")
        tryFailed(id, error)
    }

    private mutating func tryFailed(_ id: UInt64, _ error: DatabaseError) {
        guard var call = calls[id] else { return }
        call.failed(error)
        let isFirstRound = call.tries < call.order.count
        let delay = isFirstRound ? .milliseconds(1) : call.delay(using: &generator)
        calls[id] = call
        wake(.call(id), at: min(now.advanced(by: delay), call.deadline))
        if case .writer(let collection) = call.owner {
            writers[collection]?.attemptProgress(isTrying: false, trouble: error)
        }
        tell(call.owner, error)
    }

    /// Everybody who waits for a call, at whatever remove, learns why it takes so long: it is what
    /// they are told when their own time runs out first.
    private mutating func tell(_ owner: CoordinatorCall.Owner, _ error: DatabaseError) {
        switch owner {
        case .task(let task): tell(task, error)
        case .tail(let collection):
            tailReads[collection]?.learned(error)
            for waiter in tailReads[collection]?.waiting ?? [] {
                tell(waiter, of: collection)
            }
        case .item(let fetch, _):
            switch fetches[fetch]?.owner {
            case .task(let task)?: tell(task, error)
            case .writer(let collection, _)?: writers[collection]?.learned(error)
            case nil: break
            }
        case .writer, .finalising: break
        }
    }

    /// Whoever waits for a tail learns what is known of the trouble with it.
    private mutating func tell(_ waiter: TailReads.Waiter, of collection: CollectionID) {
        guard let trouble = tailReads[collection]?.trouble else { return }
        switch waiter {
        case .task(let task): tell(task, trouble)
        case .writer: writers[collection]?.learned(trouble)
        }
    }

    private mutating func tell(_ task: UInt64, _ error: DatabaseError) {
        let known = tasks[task]?.lastTrouble
        tasks[task]?.lastTrouble = error.orDeeper(known)
    }

    mutating func callWasWoken(_ id: UInt64) {
        guard let call = calls[id] else { return }
        if let tryID = call.currentTry {
            mark("proxy.noAnswer")
            if let coordinator = tries[tryID]?.coordinator {
                coordinatorRanking.suspect(coordinator, at: now)
            }
            tryWasLost(id)
        } else if now >= call.deadline {
            endCall(id, .failed(call.finalError))
        } else {
            sendTry(id)
        }
    }

    private mutating func endCall(_ id: UInt64, _ reply: RepositoryReply) {
        guard let call = calls.removeValue(forKey: id) else { return }
        for tryID in call.tryIDs { tries[tryID] = nil }
        learn(reply)
        switch call.owner {
        case .task(let task):
            runTask(task, .reply(call.isUncertain ? reply.pessimistic(to: call.request) : reply))
        case .writer(let collection):
            runWriter(collection) { $0.attemptEnded(reply, &$1) }
        case .tail(let collection): tailReadEnded(collection, reply)
        case .item(let fetch, let position): itemCame(fetch, position, reply)
        case .finalising(let collection):
            guard writers[collection] != nil else { return }
            guard case .finalise(let entry) = call.request else { return }
            runWriter(collection) {
                $0.finaliseEnded(entry, isFinal: reply == .finalised, &$1)
            }
        }
    }

    /// Chosen tails are kept for readers of fixed revisions.
    private mutating func learn(_ reply: RepositoryReply) {
        guard case .tail(.live(let tail)) = reply else { return }
        if let known = knownTails[tail.collection], known.incarnation == tail.incarnation,
            known.revision > tail.revision
        {
            return
        }
        use.note(tail.collection)
        knownTails[tail.collection] = tail
        if buggify("buggify.proxy.forgetsTail") { knownTails[tail.collection] = nil }
        guard knownTails.count > Limits.knownTailCountMax else { return }
        // A hint for readers: what is forgotten is asked for again.
        if let oldest = use.oldest(of: knownTails, unless: { $0 == tail.collection }) {
            knownTails[oldest] = nil
        }
    }

    // MARK: Tails

    mutating func askForTail(_ collection: CollectionID, _ waiter: TailReads.Waiter) {
        // It may wait for a read that has been in trouble for a while.
        tell(waiter, of: collection)
        // It begins when everything that arrived with this request has been seen.
        if tailReads[collection, default: TailReads()].ask(waiter) {
            wake(.tail(collection), at: now)
        }
    }

    mutating func beginTailRead(_ collection: CollectionID) {
        guard tailReads[collection]?.begin() == true else { return }
        // Each of those who wait has a deadline of its own.
        let deadline = now.advanced(by: ClientProxy.sharedCallTime)
        call(.readTail(collection), owner: .tail(collection), deadline: deadline)
    }

    private mutating func tailReadEnded(_ collection: CollectionID, _ reply: RepositoryReply) {
        guard let served = tailReads[collection]?.end() else { return }
        if case .tail(.live(let tail)) = reply {
            writers[collection]?.share(with: tail, in: blocks)
        }
        beginTailRead(collection)
        if tailReads[collection]?.served.isEmpty == true { tailReads[collection] = nil }
        for waiter in served {
            switch (waiter, reply) {
            case (.task(let id), .tail(let value)): runTask(id, .tail(value))
            case (.task(let id), .failed): retryTail(id, collection, reply)
            case (.writer, .tail(let value)):
                runWriter(collection) { $0.tailWasRead(value, &$1) }
            case (.writer, .failed(let error)):
                runWriter(collection) { $0.tailReadFailed(error, &$1) }
            default: invariant(false, "a tail read cannot end with \(reply)")
            }
        }
    }

    /// The shared read may have had less time than this task has.
    private mutating func retryTail(
        _ id: UInt64, _ collection: CollectionID, _ reply: RepositoryReply
    ) {
        guard let task = tasks[id] else { return }
        guard case .failed(let error) = reply else { return }
        tell(id, error)
        if now.advanced(by: .milliseconds(50)) < task.deadline, !error.isFinal {
            askForTail(collection, .task(id))
        } else {
            runTask(id, .reply(reply))
        }
    }

    // MARK: Objects and blocks

    mutating func fetch(_ items: [FetchItem], owner: ObjectFetch.Owner, deadline: Instant) {
        let id = makeID()
        fetches[id] = ObjectFetch(items, owner: owner)
        for (position, item) in items.enumerated() {
            call(item.request, owner: .item(id, position), deadline: deadline)
        }
    }

    private mutating func itemCame(_ id: UInt64, _ position: Int, _ reply: RepositoryReply) {
        guard var fetch = fetches[id] else { return }
        do throws(DatabaseError) {
            switch fetch.items[position] {
            case .object(let key):
                let bytes = try reply.contentBytes
                let object = try LogObject(key, bytes: bytes)
                cache.insert(key, object, byteCount: bytes.count)
                fetch.add(object, for: key)
            case .block(let request):
                let block = try FetchedBlock(request, try reply.blockCopy)
                keep(block, for: request)
                fetch.add(block, for: request)
            }
        } catch {
            switch fetch.owner {
            case .task(let task):
                fetches[id] = nil
                return runTask(task, .reply(.failed(error)))
            case .writer(let collection, .scan):
                fetches[id] = nil
                return runWriter(collection) { $0.fetchFailed(error, for: .scan, &$1) }
            case .writer:
                // Not all that a batch needs is needed by all of it.
                fetch.fail(position, error)
            }
        }
        fetches[id] = fetch.isComplete ? nil : fetch
        guard fetch.isComplete else { return }
        switch fetch.owner {
        case .task(let task): runTask(task, .fetched(fetch.result))
        case .writer(let collection, let purpose):
            runWriter(collection) { $0.wasFetched(fetch.result, for: purpose, &$1) }
        }
    }

    /// Keeps a block for those who need it later, and which version of it is the newest.
    private mutating func keep(_ fetched: FetchedBlock, for request: BlockReadRequest) {
        blocks.keep(fetched, incarnation: request.key.incarnation)
        // The history is changed where it lies: nothing else may hold it meanwhile.
        guard let collection = fetched.block?.header.collection, request.committed.isEmpty,
            histories[collection]?.incarnation == request.key.incarnation,
            let floor = histories[collection]?.floor, request.revision >= floor
        else { return }
        histories[collection]?.settle(request.key.block, fetched.write)
    }
}

extension RepositoryReply {
    /// The bytes of a fetched object.
    fileprivate var contentBytes: Bytes {
        get throws(DatabaseError) {
            switch self {
            case .content(let bytes): return bytes
            case .failed(let error): throw error
            default: throw DatabaseError(.malformedMessage, "the answer to a fetch is no content")
            }
        }
    }

    /// The block that was read.
    fileprivate var blockCopy: BlockCopy? {
        get throws(DatabaseError) {
            switch self {
            case .block(let copy): return copy
            case .failed(let error): throw error
            default: throw DatabaseError(.malformedMessage, "the answer to a read is no block")
            }
        }
    }

    /// The same failure, when an earlier try may have been carried out, or may be yet; also of a
    /// drop that is refused now.
    fileprivate func pessimistic(to request: RepositoryRequest) -> RepositoryReply {
        switch (self, request) {
        case (.failed(let error), _): .failed(error.asUnknown)
        case (.refused, .drop): .failed(ProxyTask.dropRefused.asUnknown)
        default: self
        }
    }
}

extension DatabaseError {
    /// Whether trying again cannot help.
    fileprivate var isFinal: Bool {
        switch code {
        case .invalidArgument, .valueTooLarge, .malformedMessage, .versionUnsupported,
            .wrongCluster, .corrupted, .actionIDReuse, .collectionNotFound:
            true
        default: false
        }
    }
}
