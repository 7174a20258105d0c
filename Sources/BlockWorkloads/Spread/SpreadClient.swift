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
package struct SpreadClient: WorkloadClient {
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

        /// Trees that it reads, ascending.
        var trees: [Int] { Set(read.map(\.tree)).sorted() }

        var reads: [TransactionHistory.Read] {
            read.map { TransactionHistory.Read(key: $0.name, value: values[$0].flatMap { $0 }) }
        }
    }

    private enum State {
        /// The tree with this place.
        case opening(Int)
        case idle
        case reading(TransactionHistory.TransactionID, Draft)
        case landing(TransactionHistory.TransactionID, TransactionLanding)
    }

    private let number: Int
    private let plan: SpreadPlan
    private var generator: SeededGenerator
    private var operationsLeft: Int
    private var state = State.opening(0)
    private var infos: [CollectionInfo] = []
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
                opening.request(plan.treeNames[place], .tree, capacity: plan.capacity),
                timeout: timeout)
        case .reading(_, let draft): return .request(request(of: draft), timeout: timeout)
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

    private func life(of tree: Int) -> CollectionLife {
        CollectionLife(collection: infos[tree].collection, incarnation: infos[tree].incarnation)
    }

    // MARK: Being told

    package mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant) {
        switch (state, reply) {
        case (.opening(let place), _):
            guard let info = opening.receive(reply, using: &generator) else { break }
            infos.append(info)
            state = place + 1 == plan.treeNames.count ? .idle : .opening(place + 1)
        case (.reading(let id, var draft), .snapshot(let revisions)):
            let trees = draft.trees.sorted { life(of: $0) < life(of: $1) }
            draft.cut = Array(zip(trees, revisions))
            state = .reading(id, draft)
        case (.reading(let id, var draft), .treeValues(let values)):
            take(values, &draft)
            if draft.cut?.isEmpty == true {
                readAll(draft, id, &history, now)
            } else {
                state = .reading(id, draft)
            }
        case (.reading(let id, let draft), .failed):
            if draft.isLast { finalTriesLeft -= 1 }
            history.spread.complete(id, .aborted, at: now)
            state = .idle
        case (.landing(let id, let landing), _): answered(reply, id, landing, &history, now)
        default: invariant(false, "\(reply) does not answer what was asked")
        }
    }

    private func take(_ values: TreeValues, _ draft: inout Draft) {
        guard let (tree, revision) = draft.cut?.first else { return }
        let places = draft.read.filter { $0.tree == tree }
        invariant(places.count == values.values.count, "few values were asked for, fewer came")
        try? draft.state.update(infos[tree], seen: infos[tree].revision) { collection in
            collection.snapshot = revision
            for (place, value) in zip(places, values.values) { collection.read(place.key, value) }
        }
        for (place, value) in zip(places, values.values) { draft.values[place] = .some(value) }
        draft.cut?.removeFirst()
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
        for place in draft.written {
            sequence += 1
            let element = Bytes("\(number):\(sequence)".utf8)
            let elements = ElementList.elements(draft.values[place].flatMap { $0 }) + [element]
            try? draft.state.update(infos[place.tree], seen: .zero) { collection in
                collection.write(place.key, ElementList.bytes(elements))
            }
            writes.append(TransactionHistory.Write(key: place.name, value: element))
        }
        let action = ActionID(rawValue: generator.identifier())
        guard let landing = try? TransactionLanding(draft.state, id: action) else {
            return invariant(false, "a transaction that wrote has something sound to land")
        }
        let written = history.spread.invoke(
            .lists, on: plan.name, by: number, at: now, reads: draft.reads, writes: writes)
        state = .landing(written, landing)
    }

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
        case .reading(let id, _): history.spread.complete(id, .aborted, at: now)
        case .landing(let id, _): history.spread.complete(id, .unknown, at: now)
        case .opening, .idle: break
        }
        infos = []
        state = .opening(0)
    }
}
