import BlockModel
import BlockRuntime

/// One client of the tree and queue workloads.
///
/// It knows no more than a real one: its conditions are made of what it read, which others may have
/// changed since, and the revisions it reads as of are those that replies showed it.
package struct StructureClient: WorkloadClient {
    private enum State {
        case opening
        case idle
        case waiting(StructureHistory.OperationID, ClientRequest, triesLeft: Int)
    }

    let number: Int
    let plan: StructurePlan
    var generator: SeededGenerator
    private var operationsLeft: Int
    private var state = State.opening
    private(set) var info: CollectionInfo?
    private var opening = CollectionOpening()
    private var isWaiting = false
    /// Operations of which some try ended in the unknown.
    private var doubtful: Set<StructureHistory.OperationID> = []
    /// To be asked before anything else is drawn.
    private var planned: [Planned] = []
    private enum Planned {
        case read(StructureQuery, asOf: Revision?)
        case status(ActionStatusRequest)
    }

    var sequence = 0
    /// The highest revision any reply of this life showed: what the next action names.
    private var seen = Revision.zero
    /// Revisions that replies showed, and what was asked then.
    private var views: [(query: StructureQuery, asOf: Revision)] = []
    /// Actions of this life, for questions about them.
    private var sent: [ActionStatusRequest] = []
    /// Actions of this life that were acknowledged.
    private var acknowledged: [ActionRequest] = []
    /// What was last read of some keys.
    var known: [Bytes: Bytes?] = [:]
    /// What was last read of some range, all of it.
    var knownRange: (range: KeyRange, hash: TreeEntriesHash)?

    package var collection: String { plan.name }

    package init(number: Int, plan: StructurePlan, generator: SeededGenerator) {
        self.number = number
        self.plan = plan
        self.generator = generator
        operationsLeft = plan.operationCount
    }

    package mutating func beginFinalReads() {
        operationsLeft = 0
        planned =
            plan.kind == .tree
            ? [
                .read(
                    .tree(.range(.all, .forward, bytesMax: 1 << 20, countMax: 30)), asOf: nil),
                .read(.tree(.count(.all)), asOf: nil),
            ]
            : [
                .read(.queue(.peek(countMax: 4096)), asOf: nil),
                .read(.queue(.count), asOf: nil),
            ]
    }

    // MARK: Asking

    package mutating func next(_ history: inout History, at now: Instant) -> WorkloadStep {
        let timeout = Duration.milliseconds(500 + generator.below(4000))
        switch state {
        case .opening:
            return .request(
                opening.request(plan.name, plan.kind, capacity: plan.capacity), timeout: timeout)
        case .waiting(_, let request, _): return .request(request, timeout: timeout)
        case .idle:
            guard info != nil else {
                state = .opening
                return next(&history, at: now)
            }
            if planned.isEmpty {
                guard operationsLeft > 0 else { return .finished }
                isWaiting.toggle()
                if isWaiting { return .pause(.milliseconds(generator.below(60))) }
                operationsLeft -= 1
                begin(&history, at: now)
            } else {
                switch planned.removeFirst() {
                case .read(let query, let asOf): read(query, asOf: asOf, &history, now)
                case .status(let status): ask(status, &history, now)
                }
            }
            return next(&history, at: now)
        }
    }

    private mutating func begin(_ history: inout History, at now: Instant) {
        if let every = plan.dropEvery, generator.chance(1, in: every) {
            return drop(&history, now)
        }
        switch generator.below(20) {
        case 0..<12:
            act(plan.kind == .tree ? drawTreeAction() : drawQueueAction(), &history, now)
        case 12..<17: read(drawQuery(), asOf: nil, &history, now)
        case 17, 18:
            // The same question about the same revision, later: the past must not change.
            guard let view = drawView(history) else {
                return read(drawQuery(), asOf: nil, &history, now)
            }
            let query = generator.chance(1, in: 2) ? view.query : drawQuery()
            read(query, asOf: view.asOf, &history, now)
        default:
            guard !sent.isEmpty else { return read(drawQuery(), asOf: nil, &history, now) }
            if !acknowledged.isEmpty, generator.chance(1, in: 2) {
                // As one who never got the answer.
                let request = acknowledged[generator.below(acknowledged.count)]
                return wait(.again(request), .act(request), triesLeft: 1, &history, now)
            }
            ask(sent[generator.below(sent.count)], &history, now)
        }
    }

    /// What was asked and of which revision: by this client, or by another one, which may have
    /// asked another proxy.
    private mutating func drawView(
        _ history: History
    ) -> (query: StructureQuery, asOf: Revision)? {
        if generator.chance(1, in: 2) {
            let operations = history.structures.operations
            for _ in 0..<8 where !operations.isEmpty {
                let operation = operations[generator.below(operations.count)]
                if operation.collection == plan.name, operation.incarnation == info?.incarnation,
                    case .read(let query, _) = operation.kind,
                    case .answered(let reply) = operation.completion,
                    let asOf = reply.viewRevision
                {
                    return (query, asOf)
                }
            }
        }
        return views.isEmpty ? nil : views[generator.below(views.count)]
    }

    private mutating func act(
        _ content: ActionContent, _ history: inout History, _ now: Instant
    ) {
        guard let info else { return }
        let request = ActionRequest(
            collection: info.collection, incarnation: info.incarnation,
            action: ActionID(rawValue: generator.identifier()), firstRevision: seen,
            content: content)
        sent.append(
            ActionStatusRequest(
                collection: info.collection, incarnation: info.incarnation,
                action: request.action, firstRevision: seen))
        if sent.count > 8 { sent.removeFirst() }
        wait(.act(request), .act(request), triesLeft: generator.below(4), &history, now)
    }

    private mutating func drop(_ history: inout History, _ now: Instant) {
        guard let info else { return }
        let request = DropCollection(
            collection: info.collection, incarnation: info.incarnation,
            action: ActionID(rawValue: generator.identifier()))
        wait(
            .drop, .dropCollection(request), triesLeft: generator.below(4), &history, now)
    }

    private mutating func read(
        _ query: StructureQuery, asOf: Revision?, _ history: inout History, _ now: Instant
    ) {
        guard let info else { return }
        let request: ClientRequest =
            switch query {
            case .tree(let query):
                .readTree(
                    TreeReadRequest(
                        collection: info.collection, incarnation: info.incarnation, asOf: asOf,
                        query: query))
            case .queue(let query):
                .readQueue(
                    QueueReadRequest(
                        collection: info.collection, incarnation: info.incarnation, asOf: asOf,
                        query: query))
            }
        // A last read must come to its end.
        let triesLeft = operationsLeft == 0 ? 20 : 0
        wait(.read(query, asOf: asOf), request, triesLeft: triesLeft, &history, now)
    }

    private mutating func ask(
        _ status: ActionStatusRequest, _ history: inout History, _ now: Instant
    ) {
        wait(.status(status), .actionStatus(status), triesLeft: 0, &history, now)
    }

    private mutating func wait(
        _ kind: StructureHistory.Kind, _ request: ClientRequest, triesLeft: Int,
        _ history: inout History, _ now: Instant
    ) {
        guard let info else { return }
        let id = history.structures.invoke(
            kind, on: plan.name, info.incarnation, by: number, at: now)
        state = .waiting(id, request, triesLeft: triesLeft)
    }

    // MARK: Being told

    package mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant) {
        guard case .waiting(let id, let request, let triesLeft) = state else {
            if let info = opening.receive(reply, using: &generator) { opened(info) }
            return
        }
        switch reply {
        case .failed(let error):
            failed(error, id, request, triesLeft, &history, now)
        case .acted(let landing):
            seen = max(seen, landing.position.revision)
            if case .act(let request) = request {
                acknowledged.append(request)
                if acknowledged.count > 4 { acknowledged.removeFirst() }
            }
            end(id, .landed(landing), &history, now)
        case .actionStatus(let landing, let asOf):
            seen = max(seen, asOf)
            end(id, .status(landing, asOf: asOf), &history, now)
        case .dropped:
            end(id, .dropped, &history, now)
            info = nil
        case .absent:
            // Another client's drop ended that life, so this one did not and never will.
            end(id, .notApplied(.collectionNotFound), &history, now)
            info = nil
        default:
            invariant(reply.viewRevision != nil, "\(reply) does not answer what was asked")
            learn(reply, request)
            end(id, .answered(reply), &history, now)
        }
    }

    private mutating func opened(_ info: CollectionInfo) {
        if self.info?.incarnation != info.incarnation {
            seen = .zero
            views = []
            sent = []
            acknowledged = []
            known = [:]
            knownRange = nil
            planned.removeAll { if case .status = $0 { true } else { false } }
        }
        self.info = info
        seen = max(seen, info.revision)
        state = .idle
    }

    private mutating func failed(
        _ error: DatabaseError, _ id: StructureHistory.OperationID, _ request: ClientRequest,
        _ triesLeft: Int, _ history: inout History, _ now: Instant
    ) {
        if error.outcome == .unknown { doubtful.insert(id) }
        let isGone = error.code == .collectionNotFound
        if triesLeft > 0, !isGone {
            // The application tries again under the same id: it must not land twice.
            state = .waiting(id, request, triesLeft: triesLeft - 1)
            return
        }
        let isDefinite = error.outcome == .notApplied && !doubtful.contains(id)
        if !isDefinite, !isGone, case .act(let action) = request {
            planned.append(
                .status(
                    ActionStatusRequest(
                        collection: action.collection, incarnation: action.incarnation,
                        action: action.action, firstRevision: action.firstRevision)))
        }
        end(id, isDefinite ? .notApplied(error.code) : .unknown, &history, now)
        if isGone { info = nil }
    }

    package mutating func crashed(_ history: inout History, at now: Instant) {
        opening.forget()
        if case .waiting(let id, _, _) = state { end(id, .unknown, &history, now) }
        info = nil
        seen = .zero
        views = []
        sent = []
        acknowledged = []
        planned = []
        state = .opening
    }

    private mutating func end(
        _ id: StructureHistory.OperationID, _ completion: StructureHistory.Completion,
        _ history: inout History, _ now: Instant
    ) {
        history.structures.complete(id, completion, at: now)
        state = .idle
    }

    /// Remembers what a read showed, and plans the next page of a scan.
    private mutating func learn(_ reply: ClientReply, _ request: ClientRequest) {
        guard let asOf = reply.viewRevision else { return }
        seen = max(seen, asOf)
        let query: StructureQuery
        switch request {
        case .readTree(let read): query = .tree(read.query)
        case .readQueue(let read): query = .queue(read.query)
        default: return
        }
        views.append((query, asOf))
        if views.count > 8 { views.removeFirst() }
        switch (query, reply) {
        case (.tree(.values(let keys)), .treeValues(let values)):
            for (key, value) in zip(keys, values.values) { known[key] = .some(value) }
        case (
            .tree(.range(let range, let direction, let bytesMax, let countMax)),
            .treePage(let page)
        ):
            for entry in page.entries { known[entry.key] = .some(entry.value) }
            if page.isLast {
                let ascending = direction == .forward ? page.entries : page.entries.reversed()
                knownRange = (range, TreeEntriesHash(ascending))
            } else if let last = page.entries.last {
                var rest = range
                let bound = KeyBound(last.key, isInclusive: false)
                if direction == .forward { rest.lower = bound } else { rest.upper = bound }
                let following = TreeQuery.range(
                    rest, direction, bytesMax: bytesMax, countMax: countMax)
                planned.insert(.read(.tree(following), asOf: asOf), at: 0)
            }
        default: break
        }
    }
}
