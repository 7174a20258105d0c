import BlockModel
import BlockRuntime
import BlockTransactions

/// One client of lists in several trees: reads some of them as of one moment, and appends to some
/// in one transaction that lands only if what was read is still so, with the machines that the SDK
/// lands transactions with.
///
/// What it reads is a transaction of its own, whatever becomes of the writes: also one that fails
/// must not see half of another. Read and written keys differ, so that write skew and long forks
/// would show.
///
/// Of a custom collection it runs the handlers itself, on the snapshot of the moment that it reads.
package struct SpreadClient: WorkloadClient, @unchecked Sendable {
    // SAFETY: its local collections are no other client's: the owner of the client has them alone.

    /// A transaction on its way to what it writes.
    private struct Draft {
        var state = TransactionState()
        let read: [SpreadPlan.Place]
        let written: [SpreadPlan.Place]
        let isLast: Bool
        /// The trees that are still to be read, each with where it is read; nil before the moment
        /// is known.
        var cut: [(tree: Int, revision: Revision)]?
        var values: [SpreadPlan.Place: Bytes?] = [:]
        /// The snapshot of the custom collection, with what the transaction has done to it.
        var own: LocalCollection<ListAppend>?

        /// Of what it writes.
        var action = ActionID(rawValue: .zero)

        /// The values of the first collection that was still to be read.
        mutating func take(_ found: [Bytes?]) {
            guard let tree = cut?.removeFirst().tree else { return }
            for (place, value) in zip(read.filter { $0.tree == tree }, found) {
                values[place] = .some(value)
            }
        }

        /// Trees that it reads, ascending.
        var trees: [Int] { Set(read.map(\.tree)).sorted() }

        var reads: [TransactionHistory.Read] {
            read.map { TransactionHistory.Read(key: $0.name, value: values[$0].flatMap { $0 }) }
        }
    }

    /// What a call on the local collection is for.
    private enum Purpose {
        /// What is known of the log becomes as new as it gets.
        case update
        case read
        /// The handlers do what the transaction writes.
        case prepare
    }

    /// What the body of a call leaves behind.
    private final class Findings {
        var values: [Bytes?] = []
        var part: (actions: [Bytes], prepared: PreparedActions)?
    }

    private enum State {
        /// The tree with this place.
        case opening(Int)
        /// The custom collection is there, and its log is to be read.
        case beginning(CollectionInfo)
        case idle
        case calling(
            TransactionHistory.TransactionID, Draft, LocalCollectionCall<ListAppend>, Purpose)
        case reading(TransactionHistory.TransactionID, Draft)
        case landing(TransactionHistory.TransactionID, TransactionLanding)
    }

    private let number: Int
    private let plan: SpreadPlan
    private var generator: SeededGenerator
    private var operationsLeft: Int
    private var state = State.opening(0)
    private var infos: [CollectionInfo] = []
    /// What was read of the custom collection.
    private var local: LocalCollection<ListAppend>?
    private var findings = Findings()
    private var opening = CollectionOpening()
    private var sequence = 0
    private var isWaiting = false
    /// Tries left of the reads at the end, which must come to their end.
    private var finalTriesLeft = 0

    package var collection: String { plan.treeNames[0] }

    package init(number: Int, plan: SpreadPlan, generator: SeededGenerator) {
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
        case .opening(let place):
            return .request(
                opening.request(
                    plan.treeNames[place], plan.kind(of: place), capacity: plan.capacity),
                timeout: timeout)
        case .beginning(let info):
            let request = LogReadRequest(
                collection: info.collection, incarnation: info.incarnation, after: info.revision)
            return .request(.readLog(request), timeout: timeout)
        case .reading(_, let draft): return .request(request(of: draft), timeout: timeout)
        case .calling(let id, let draft, let call, let purpose):
            return step(call, purpose, id, draft, &history, now, timeout)
        case .landing(_, let landing):
            guard case .ask(let request) = landing.next else {
                state = .idle
                return next(&history, at: now)
            }
            return .request(request, timeout: timeout)
        case .idle:
            guard operationsLeft > 0 || finalTriesLeft > 0 else { return .finished }
            if finalTriesLeft == 0 {
                isWaiting.toggle()
                if isWaiting { return .pause(.milliseconds(generator.below(60))) }
                operationsLeft -= 1
            }
            begin(&history, now)
            return next(&history, at: now)
        }
    }

    private mutating func begin(_ history: inout History, _ now: Instant) {
        let isLast = finalTriesLeft > 0
        let written = isLast || generator.chance(1, in: 4) ? [] : drawPlaces()
        // What is written is read before.
        var read = isLast ? plan.places : drawPlaces()
        read += written.filter { !read.contains($0) }
        let id = history.spread.invoke(
            .lists, on: plan.name, by: number, at: now, isLast: isLast)
        state = .reading(id, Draft(read: read, written: written, isLast: isLast))
    }

    private mutating func drawPlaces() -> [SpreadPlan.Place] {
        var drawn: [SpreadPlan.Place] = []
        for _ in 0..<(1 + generator.below(4)) {
            let place = SpreadPlan.Place(
                tree: generator.below(plan.treeNames.count),
                key: StructureClient.key(generator.below(plan.keyCount)))
            if !drawn.contains(place) { drawn.append(place) }
        }
        return drawn
    }

    private func request(of draft: Draft) -> ClientRequest {
        guard let next = draft.cut?.first else {
            return .snapshot(draft.trees.map { life(of: $0) }.sorted())
        }
        let info = infos[next.tree]
        return .readTree(
            TreeReadRequest(
                collection: info.collection, incarnation: info.incarnation, asOf: next.revision,
                query: .values(draft.read.filter { $0.tree == next.tree }.map(\.key))))
    }

    private mutating func opened(_ info: CollectionInfo) {
        infos.append(info)
        state = infos.count == plan.treeNames.count ? .idle : .opening(infos.count)
    }

    /// Something could not be read, and nothing was written.
    private mutating func giveUp(
        _ draft: Draft, _ id: TransactionHistory.TransactionID, _ history: inout History,
        _ now: Instant
    ) {
        if draft.isLast { finalTriesLeft -= 1 }
        history.spread.complete(id, .aborted, at: now)
        state = .idle
    }

    private func life(of tree: Int) -> CollectionLife {
        CollectionLife(collection: infos[tree].collection, incarnation: infos[tree].incarnation)
    }

    // MARK: Being told

    package mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant) {
        switch (state, reply) {
        case (.opening(let place), _):
            guard let info = opening.receive(reply, using: &generator) else { break }
            if plan.kind(of: place) == .custom { return state = .beginning(info) }
            opened(info)
        case (.beginning(let info), .logPage(let page)):
            local = LocalCollection(
                collection: info.collection, incarnation: info.incarnation,
                behavior: ListAppend.behavior, checkpoint: page, cacheBytesMax: 1 << 16)
            opened(info)
        case (.beginning, .failed): break
        case (.calling(let id, let draft, var call, let purpose), _):
            do {
                try call.receive(reply)
                state = .calling(id, draft, call, purpose)
            } catch {
                failed(purpose, id, draft, &history, now)
            }
        case (.reading(let id, var draft), .snapshot(let revisions)):
            let trees = draft.trees.sorted { life(of: $0) < life(of: $1) }
            draft.cut = Array(zip(trees, revisions))
            readNext(draft, id, &history, now)
        case (.reading(let id, var draft), .treeValues(let values)):
            take(values, &draft)
            readNext(draft, id, &history, now)
        case (.reading(let id, let draft), .failed):
            giveUp(draft, id, &history, now)
        case (.landing(let id, let landing), _): answered(reply, id, landing, &history, now)
        default: invariant(false, "\(reply) does not answer what was asked")
        }
    }

    /// Goes on to the next collection that is to be read.
    private mutating func readNext(
        _ draft: Draft, _ id: TransactionHistory.TransactionID, _ history: inout History,
        _ now: Instant
    ) {
        guard let next = draft.cut?.first else { return readAll(draft, id, &history, now) }
        guard plan.kind(of: next.tree) == .custom, let local else {
            return state = .reading(id, draft)
        }
        call(.update, on: local, .update, id, draft, now)
    }

    private func take(_ values: TreeValues, _ draft: inout Draft) {
        guard let (tree, revision) = draft.cut?.first else { return }
        let places = draft.read.filter { $0.tree == tree }
        invariant(places.count == values.values.count, "few values were asked for, fewer came")
        try? draft.state.update(infos[tree], seen: infos[tree].revision) { collection in
            collection.snapshot = revision
            for (place, value) in zip(places, values.values) { collection.read(place.key, value) }
        }
        draft.take(values.values)
    }

    /// What was read was so at one moment. Now to what is written.
    private mutating func readAll(
        _ draft: Draft, _ id: TransactionHistory.TransactionID, _ history: inout History,
        _ now: Instant
    ) {
        if draft.isLast { finalTriesLeft = 0 }
        history.spread.note(id, reads: draft.reads)
        history.spread.complete(id, .committed, at: now)
        state = .idle
        guard !draft.written.isEmpty else { return }
        var draft = draft
        var writes: [TransactionHistory.Write] = []
        var actions: [ListAppend] = []
        for place in draft.written {
            sequence += 1
            let element = Bytes("\(number):\(sequence)".utf8)
            writes.append(TransactionHistory.Write(key: place.name, value: element))
            if plan.kind(of: place.tree) == .custom {
                actions.append(ListAppend(key: place.key, element: element))
                continue
            }
            let elements = ElementList.elements(draft.values[place].flatMap { $0 }) + [element]
            try? draft.state.update(infos[place.tree], seen: .zero) { collection in
                collection.write(place.key, ElementList.bytes(elements))
            }
        }
        let written = history.spread.invoke(
            .lists, on: plan.name, by: number, at: now, reads: draft.reads, writes: writes)
        draft.action = ActionID(rawValue: generator.identifier())
        guard !actions.isEmpty, let own = draft.own else { return land(draft, written) }
        prepare(actions, on: own, draft, written, now)
    }

    private mutating func land(_ draft: Draft, _ id: TransactionHistory.TransactionID) {
        guard
            let landing = try? TransactionLanding(
                draft.state, id: draft.action, stamp: .ofWorkload(number))
        else {
            return invariant(false, "a transaction that wrote has something sound to land")
        }
        state = .landing(id, landing)
    }

    // MARK: The custom collection

    private mutating func call(
        _ kind: LocalCollectionCall<ListAppend>.Kind, on local: LocalCollection<ListAppend>,
        _ purpose: Purpose, _ id: TransactionHistory.TransactionID, _ draft: Draft, _ now: Instant
    ) {
        // None of these calls makes an action of its own.
        let source = LocalCollectionCall<ListAppend>.Source(
            makeID: { ActionID(rawValue: .zero) }, wallMilliseconds: { 0 })
        let call = LocalCollectionCall(
            kind, on: local, until: now.advanced(by: .milliseconds(500 + generator.below(4000))),
            source: source, generator: generator.fork())
        state = .calling(id, draft, call, purpose)
    }

    private mutating func prepare(
        _ actions: [ListAppend], on own: LocalCollection<ListAppend>, _ draft: Draft,
        _ id: TransactionHistory.TransactionID, _ now: Instant
    ) {
        let findings = Findings()
        self.findings = findings
        let first = draft.action
        let body = {
            for (number, action) in actions.enumerated() where number >= own.pending.count {
                try own.act(action, id: number == 0 ? first : first.following(number))
            }
            findings.part = try own.prepared()
        }
        call(.run(body), on: own, .prepare, id, draft, now)
    }

    private mutating func step(
        _ call: LocalCollectionCall<ListAppend>, _ purpose: Purpose,
        _ id: TransactionHistory.TransactionID, _ draft: Draft, _ history: inout History,
        _ now: Instant, _ timeout: Duration
    ) -> WorkloadStep {
        var call = call
        do {
            let step = try call.next(at: now)
            state = .calling(id, draft, call, purpose)
            switch step {
            case .ask(let request): return .request(request, timeout: timeout)
            case .pause(let duration): return .pause(duration)
            case .done: ended(purpose, id, draft, &history, now)
            }
        } catch {
            failed(purpose, id, draft, &history, now)
        }
        return next(&history, at: now)
    }

    private mutating func ended(
        _ purpose: Purpose, _ id: TransactionHistory.TransactionID, _ draft: Draft,
        _ history: inout History, _ now: Instant
    ) {
        var draft = draft
        switch purpose {
        case .update:
            // What landed since the moment is no part of it.
            guard let next = draft.cut?.first, let local, local.revision == next.revision else {
                return giveUp(draft, id, &history, now)
            }
            let own = LocalCollection(local.known)
            draft.own = own
            let keys = draft.read.filter { $0.tree == next.tree }.map(\.key)
            let findings = Findings()
            self.findings = findings
            let body = {
                findings.values = try own.read { scope in
                    try keys.map { try scope.value(for: $0) }
                }
            }
            call(.run(body), on: own, .read, id, draft, now)
        case .read:
            guard let (tree, revision) = draft.cut?.first else {
                return invariant(false, "read of no collection")
            }
            try? draft.state.update(infos[tree], seen: infos[tree].revision) { collection in
                collection.snapshot = revision
                collection.watch()
            }
            draft.take(findings.values)
            readNext(draft, id, &history, now)
        case .prepare:
            guard let part = findings.part, let info = infos.last else {
                return invariant(false, "nothing was prepared")
            }
            draft.state.take(part.actions, part.prepared, on: info.collection)
            land(draft, id)
        }
    }

    private mutating func failed(
        _ purpose: Purpose, _ id: TransactionHistory.TransactionID, _ draft: Draft,
        _ history: inout History, _ now: Instant
    ) {
        guard purpose == .prepare else { return giveUp(draft, id, &history, now) }
        history.spread.complete(id, .aborted, at: now)
        state = .idle
    }

    // MARK: Landing

    private mutating func answered(
        _ reply: ClientReply, _ id: TransactionHistory.TransactionID,
        _ landing: TransactionLanding, _ history: inout History, _ now: Instant
    ) {
        var landing = landing
        do throws(DatabaseError) {
            try landing.receive(reply)
            if case .ask = landing.next { return state = .landing(id, landing) }
            history.spread.complete(id, .committed, at: now)
        } catch {
            history.spread.complete(
                id, error.outcome == .notApplied ? .aborted : .unknown, at: now)
        }
        state = .idle
    }

    package mutating func crashed(_ history: inout History, at now: Instant) {
        opening.forget()
        switch state {
        case .reading(let id, _), .calling(let id, _, _, _):
            history.spread.complete(id, .aborted, at: now)
        case .landing(let id, _): history.spread.complete(id, .unknown, at: now)
        case .opening, .beginning, .idle: break
        }
        infos = []
        local = nil
        state = .opening(0)
    }
}
