import BlockModel
import BlockRuntime
import BlockTransactions

/// One client of the workloads of transactions: reads some keys as of one revision, and writes in
/// one action whose conditions are what it read, as the SDK's transactions do.
///
/// What it reads is a transaction of its own, whatever becomes of the writes: also one that fails
/// must not see what never was. Every attempt is a transaction; one after a conflict writes other
/// elements.
package struct TransactionClient: WorkloadClient {
    private enum State {
        case opening
        case idle
        case reading(StructureHistory.OperationID, ClientRequest)
        case acting(StructureHistory.OperationID, ActionRequest, triesLeft: Int)
        case asking(StructureHistory.OperationID, ActionStatusRequest, triesLeft: Int)
        case repeating(StructureHistory.OperationID, ActionRequest)
        /// As the SDK lands what a transaction wrote.
        case landing(StructureHistory.OperationID, TransactionLanding)
    }

    let number: Int
    let plan: TransactionPlan
    var generator: SeededGenerator
    private var operationsLeft: Int
    private var state = State.opening
    private var info: CollectionInfo?
    private var opening = CollectionOpening()
    private var isWaiting = false
    var sequence = 0
    /// The highest revision any reply showed.
    private var seen = Revision.zero

    /// What is under way.
    private var draft: TransactionDraft?
    /// Of its reads, and of its writes once they are sent.
    private var transaction: TransactionHistory.TransactionID?
    private var attemptsLeft = 0
    /// Whether some try of its action ended in the unknown.
    private var isDoubtful = false
    /// When the body runs again after a conflict, as the SDK has it.
    private var retry = TransactionRetry(until: .origin)
    private var pause: Duration?
    /// Tries left of the reads at the end, which must come to their end.
    private var finalTriesLeft = 0
    /// The reads under way are the last ones, of all that there is: what was begun before is not.
    private var readsEverything = false

    package var collection: String { plan.name }

    package init(number: Int, plan: TransactionPlan, generator: SeededGenerator) {
        self.number = number
        self.plan = plan
        self.generator = generator
        operationsLeft = plan.operationCount
    }

    package mutating func beginFinalReads() {
        operationsLeft = 0
        finalTriesLeft = 20
    }

    // MARK: Asking

    package mutating func next(_ history: inout History, at now: Instant) -> WorkloadStep {
        let timeout = Duration.milliseconds(500 + generator.below(4000))
        switch state {
        case .opening:
            return .request(
                opening.request(plan.name, .tree, capacity: plan.capacity), timeout: timeout)
        case .reading(_, let request): return .request(request, timeout: timeout)
        case .acting(_, let request, _), .repeating(_, let request):
            return .request(.act(request), timeout: timeout)
        case .asking(_, let request, _): return .request(.actionStatus(request), timeout: timeout)
        case .landing(_, let landing):
            guard case .ask(let request) = landing.next else {
                state = .idle
                return next(&history, at: now)
            }
            return .request(request, timeout: timeout)
        case .idle:
            if let pause {
                self.pause = nil
                return .pause(pause)
            }
            if draft == nil {
                guard operationsLeft > 0 || finalTriesLeft > 0 else { return .finished }
                if finalTriesLeft == 0 {
                    isWaiting.toggle()
                    if isWaiting { return .pause(.milliseconds(generator.below(60))) }
                    operationsLeft -= 1
                }
                attemptsLeft = generator.below(5)
                retry = TransactionRetry(until: now.advanced(by: .seconds(3)))
                readsEverything = finalTriesLeft > 0
                draft = readsEverything ? .ofEverything : drawDraft()
            }
            readNext(&history, now)
            return next(&history, at: now)
        }
    }

    private mutating func readNext(_ history: inout History, _ now: Instant) {
        guard let info else { return state = .opening }
        guard let query = draft?.queries.first else { return sendWrites(&history, now) }
        if transaction == nil {
            draft?.firstRevision = seen
            transaction = history.transactions.invoke(
                plan.workload, on: plan.name, by: number, at: now, isLast: readsEverything)
        }
        let request = TreeReadRequest(
            collection: info.collection, incarnation: info.incarnation, asOf: draft?.snapshot,
            query: query)
        let id = history.structures.invoke(
            .read(.tree(query), asOf: request.asOf), on: plan.name, info.incarnation, by: number,
            at: now)
        state = .reading(id, .readTree(request))
    }

    private mutating func sendWrites(_ history: inout History, _ now: Instant) {
        guard let info, let draft, !draft.writtenKeys.isEmpty else {
            self.draft = nil
            return state = .idle
        }
        if generator.chance(1, in: 2) { return land(draft, info, &history, now) }
        let (content, writes) = drawWrites(draft)
        let request = ActionRequest(
            collection: info.collection, incarnation: info.incarnation,
            action: ActionID(rawValue: generator.identifier()),
            firstRevision: draft.firstRevision, content: .tree(content))
        transaction = history.transactions.invoke(
            plan.workload, on: plan.name, by: number, at: now, reads: draft.reads, writes: writes)
        isDoubtful = false
        let id = history.structures.invoke(
            .act(request), on: plan.name, info.incarnation, by: number, at: now)
        state = .acting(id, request, triesLeft: generator.below(4))
    }

    /// Has the machine that ships land what was read and is to be written.
    private mutating func land(
        _ draft: TransactionDraft, _ info: CollectionInfo, _ history: inout History,
        _ now: Instant
    ) {
        let (content, writes) = drawWrites(draft)
        let ended = draft.state(of: info, writing: content.operations)
        let id = ActionID(rawValue: generator.identifier())
        guard let landing = try? TransactionLanding(ended, id: id, stamp: .ofWorkload(number)),
            case .act(let request) = landing.work
        else {
            return invariant(false, "a transaction that wrote has something sound to land")
        }
        transaction = history.transactions.invoke(
            plan.workload, on: plan.name, by: number, at: now, reads: draft.reads, writes: writes)
        let operation = history.structures.invoke(
            .act(request), on: plan.name, info.incarnation, by: number, at: now)
        state = .landing(operation, landing)
    }

    // MARK: Being told

    package mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant) {
        switch (state, reply) {
        case (.opening, _):
            guard let info = opening.receive(reply, using: &generator) else { break }
            self.info = info
            seen = max(seen, info.revision)
            state = .idle
        case (.reading(let id, _), .failed(let error)):
            history.structures.complete(id, .notApplied(error.code), at: now)
            if readsEverything { finalTriesLeft = max(0, finalTriesLeft - 1) }
            endReads(&history, now)
            draft = nil
        case (.reading(let id, let request), _):
            history.structures.complete(id, .answered(reply), at: now)
            learn(reply, request, &history, now)
        case (.acting(let id, let request, let triesLeft), .failed(let error)):
            failed(error, id, request, triesLeft, &history, now)
        case (.acting(let id, let request, _), .acted(let landing)):
            history.structures.complete(id, .landed(landing), at: now)
            landed(landing, request, &history, now)
        case (.asking(let id, let request, let triesLeft), .failed):
            history.structures.complete(id, .unknown, at: now)
            guard triesLeft > 0 else { return endWrites(.unknown, &history, now) }
            ask(request, triesLeft: triesLeft - 1, &history, now)
        case (.asking(let id, _, _), .actionStatus(let landing, let asOf)):
            history.structures.complete(id, .status(landing, asOf: asOf), at: now)
            seen = max(seen, asOf)
            // What is not there yet may still come.
            endWrites(landing.map(\.transactionOutcome) ?? .unknown, &history, now)
        case (.landing(let id, let landing), _):
            answered(reply, id, landing, &history, now)
        case (.repeating(let id, _), .acted(let landing)):
            history.structures.complete(id, .landed(landing), at: now)
            state = .idle
        case (.repeating(let id, _), .failed(let error)):
            history.structures.complete(
                id, error.outcome == .unknown ? .unknown : .notApplied(error.code), at: now)
            state = .idle
        default: invariant(false, "\(reply) does not answer what was asked")
        }
    }

    private mutating func learn(
        _ reply: ClientReply, _ request: ClientRequest, _ history: inout History, _ now: Instant
    ) {
        guard case .readTree(let read) = request, let asOf = reply.viewRevision else { return }
        seen = max(seen, asOf)
        let keys = keys
        draft?.took(reply, to: read.query, asOf: asOf, keys: keys)
        state = .idle
        guard let draft, draft.queries.isEmpty else { return }
        if readsEverything { finalTriesLeft = 0 }
        endReads(&history, now)
        if draft.writtenKeys.isEmpty { self.draft = nil }
    }

    /// What was read was so at one moment, whether that is all that was to be read or not.
    private mutating func endReads(_ history: inout History, _ now: Instant) {
        if let transaction {
            let reads = draft?.reads ?? []
            // A read of everything that ended half-way says nothing of the rest.
            let isPartial = readsEverything && draft?.queries.isEmpty == false
            history.transactions.note(transaction, reads: reads)
            history.transactions.complete(
                transaction, reads.isEmpty || isPartial ? .aborted : .committed, at: now)
        }
        transaction = nil
        state = .idle
    }

    private mutating func landed(
        _ landing: ActionLanding, _ request: ActionRequest, _ history: inout History,
        _ now: Instant
    ) {
        seen = max(seen, landing.position.revision)
        let isConflict = landing.transactionOutcome == .aborted
        endWrites(landing.transactionOutcome, &history, now)
        sendAgainNowAndThen(request, &history, now)
        if isConflict, attemptsLeft > 0 {
            attemptsLeft -= 1
            readsEverything = false
            draft = drawDraft()
        }
    }

    /// As one who never got the answer: sent once more, it must not happen once more.
    private mutating func sendAgainNowAndThen(
        _ request: ActionRequest, _ history: inout History, _ now: Instant
    ) {
        guard generator.chance(1, in: 8), let info else { return }
        let id = history.structures.invoke(
            .again(request), on: plan.name, info.incarnation, by: number, at: now)
        state = .repeating(id, request)
    }

    private mutating func answered(
        _ reply: ClientReply, _ id: StructureHistory.OperationID, _ landing: TransactionLanding,
        _ history: inout History, _ now: Instant
    ) {
        history.structures.complete(id, StructureHistory.Completion(ofAction: reply), at: now)
        var landing = landing
        do throws(DatabaseError) {
            try landing.receive(reply)
            guard case .ask(.actionStatus(let status)) = landing.next else {
                endWrites(.committed, &history, now)
                guard case .act(let request) = landing.work else { return }
                return sendAgainNowAndThen(request, &history, now)
            }
            let question = history.structures.invoke(
                .status(status), on: plan.name, status.incarnation, by: number, at: now)
            state = .landing(question, landing)
        } catch {
            let isDecided = error.outcome == .notApplied
            endWrites(isDecided ? .aborted : .unknown, &history, now)
            guard attemptsLeft > 0,
                let pause = try? retry.pause(after: error, at: now, using: &generator)
            else { return }
            attemptsLeft -= 1
            self.pause = pause
            draft = drawDraft()
        }
    }

    private mutating func failed(
        _ error: DatabaseError, _ id: StructureHistory.OperationID, _ request: ActionRequest,
        _ triesLeft: Int, _ history: inout History, _ now: Instant
    ) {
        if error.outcome == .unknown { isDoubtful = true }
        let isGone = error.code == .collectionNotFound
        if triesLeft > 0, !isGone {
            // Tried again under the same id: it must not land twice.
            state = .acting(id, request, triesLeft: triesLeft - 1)
            return
        }
        let isDefinite = error.outcome == .notApplied && !isDoubtful
        history.structures.complete(id, isDefinite ? .notApplied(error.code) : .unknown, at: now)
        if isDefinite { return endWrites(.aborted, &history, now) }
        let status = ActionStatusRequest(
            collection: request.collection, incarnation: request.incarnation,
            action: request.action, firstRevision: request.firstRevision)
        ask(status, triesLeft: 2, &history, now)
    }

    private mutating func ask(
        _ status: ActionStatusRequest, triesLeft: Int, _ history: inout History, _ now: Instant
    ) {
        let id = history.structures.invoke(
            .status(status), on: plan.name, status.incarnation, by: number, at: now)
        state = .asking(id, status, triesLeft: triesLeft)
    }

    private mutating func endWrites(
        _ outcome: TransactionHistory.Outcome, _ history: inout History, _ now: Instant
    ) {
        if let transaction { history.transactions.complete(transaction, outcome, at: now) }
        transaction = nil
        draft = nil
        state = .idle
    }

    package mutating func crashed(_ history: inout History, at now: Instant) {
        opening.forget()
        switch state {
        case .reading(let id, _):
            history.structures.complete(id, .unknown, at: now)
            endReads(&history, now)
        case .acting(let id, _, _), .asking(let id, _, _), .landing(let id, _):
            history.structures.complete(id, .unknown, at: now)
            endWrites(.unknown, &history, now)
        case .repeating(let id, _): history.structures.complete(id, .unknown, at: now)
        case .idle, .opening: endReads(&history, now)
        }
        draft = nil
        pause = nil
        info = nil
        seen = .zero
        state = .opening
    }
}

extension ActionLanding {
    /// What it says of the transaction whose action it is.
    var transactionOutcome: TransactionHistory.Outcome {
        if case .tree(.applied) = outcome { .committed } else { .aborted }
    }
}
