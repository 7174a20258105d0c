import BlockModel
import BlockRuntime
import BlockTransactions

/// One client that hunts for an anomaly: reads some places of several collections as of one
/// moment, and writes some in one transaction that lands only if what was read is still so, with
/// the machine that the SDK lands transactions with.
///
/// What it reads is a transaction of its own, whatever becomes of the writes: also one that fails
/// must not see what never was.
package struct AnomalyClient: WorkloadClient {
    private enum State {
        /// The collection with this place.
        case opening(Int)
        case idle
        case reading(AnomalyHistory.TransactionID, AnomalyReading)
        case landing(AnomalyHistory.TransactionID, TransactionLanding)
    }

    private let number: Int
    private let plan: AnomalyPlan
    private var generator: SeededGenerator
    private var draw: AnomalyDraw
    private var operationsLeft: Int
    private var state = State.opening(0)
    private var infos: [CollectionInfo] = []
    /// The greatest revision of each collection that any answer has shown.
    private var seen: [Revision] = []
    private var opening = CollectionOpening()
    private var isWaiting = false
    /// Tries left of the reads at the end, which must come to their end.
    private var finalTriesLeft = 0

    package var collection: String { plan.collectionNames[0] }

    package init(number: Int, plan: AnomalyPlan, generator: SeededGenerator) {
        self.number = number
        self.plan = plan
        self.generator = generator
        draw = AnomalyDraw(plan: plan, client: number, generator: self.generator.fork())
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
            let kind = plan.kind(of: place)
            return .request(
                opening.request(
                    plan.collectionNames[place], kind,
                    capacity: kind == .tree ? plan.capacity : nil), timeout: timeout)
        case .reading(_, let reading): return .request(reading.request(infos), timeout: timeout)
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
                if isWaiting { return .pause(.milliseconds(generator.below(40))) }
                operationsLeft -= 1
            }
            begin(&history, now)
            return next(&history, at: now)
        }
    }

    private mutating func begin(_ history: inout History, _ now: Instant) {
        let isLast = finalTriesLeft > 0
        let intent =
            isLast
            ? AnomalyIntent(readsAll: true)
            : plan.anomaly.workload.draw(&draw, &history.anomalies)
        let reading = AnomalyReading(intent, plan, isLast: isLast)
        guard reading.isOver else {
            let id = history.anomalies.invoke(by: number, at: now, isLast: isLast)
            return state = .reading(id, reading)
        }
        write(reading, &history, now)
    }

    /// What was read was so at one moment. Now to what is written.
    private mutating func write(
        _ reading: AnomalyReading, _ history: inout History, _ now: Instant
    ) {
        state = .idle
        let writes = plan.anomaly.workload.writes(
            of: reading.intent, after: reading.reads, &draw)
        guard !writes.isEmpty else { return }
        var transaction = reading.state(of: infos, seen: seen)
        for write in writes {
            let place = write.place.collection
            try? transaction.update(infos[place], seen: seen[place]) { draft in
                switch plan.kind(of: place) {
                case .diary: draft.act(.append(write.value))
                case .queue: draft.act(.queue(.enqueue([write.value])))
                default: draft.write(write.place.key, write.value)
                }
            }
        }
        let action = ActionID(rawValue: generator.identifier())
        guard
            let landing = try? TransactionLanding(
                transaction, id: action, stamp: .ofWorkload(number))
        else {
            return invariant(false, "a transaction that wrote has something sound to land")
        }
        let id = history.anomalies.invoke(
            by: number, at: now, reads: reading.reads, writes: writes)
        state = .landing(id, landing)
    }

    // MARK: Being told

    package mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant) {
        switch (state, reply) {
        case (.opening(let place), _):
            guard let info = opening.receive(reply, using: &generator) else { break }
            infos.append(info)
            seen.append(info.revision)
            state = place + 1 == plan.collectionNames.count ? .idle : .opening(place + 1)
        case (.reading(let id, let reading), .failed):
            if reading.isLast { finalTriesLeft -= 1 }
            history.anomalies.complete(id, .aborted, at: now)
            state = .idle
        case (.reading(let id, var reading), _):
            reading.receive(reply, infos)
            for (place, revision) in reading.revisions { saw(place, revision) }
            guard reading.isOver else { return state = .reading(id, reading) }
            if reading.isLast { finalTriesLeft = 0 }
            history.anomalies.note(id, reads: reading.reads)
            history.anomalies.complete(id, .committed, at: now)
            write(reading, &history, now)
        case (.landing(let id, let landing), _): answered(reply, id, landing, &history, now)
        default: invariant(false, "\(reply) does not answer what was asked")
        }
    }

    private mutating func answered(
        _ reply: ClientReply, _ id: AnomalyHistory.TransactionID, _ landing: TransactionLanding,
        _ history: inout History, _ now: Instant
    ) {
        var landing = landing
        do throws(DatabaseError) {
            try landing.receive(reply)
            guard case .landed(let landed) = landing.next else {
                return state = .landing(id, landing)
            }
            var revisions: [Int: Revision] = [:]
            for (place, info) in infos.enumerated() {
                guard let revision = landed[info.collection] else { continue }
                revisions[place] = revision
                saw(place, revision)
            }
            history.anomalies.complete(id, .committed, revisions: revisions, at: now)
        } catch {
            let outcome = error.outcome == .notApplied
            history.anomalies.complete(id, outcome ? .aborted : .unknown, at: now)
        }
        state = .idle
    }

    private mutating func saw(_ place: Int, _ revision: Revision) {
        seen[place] = max(seen[place], revision)
    }

    package mutating func crashed(_ history: inout History, at now: Instant) {
        opening.forget()
        switch state {
        case .reading(let id, _): history.anomalies.complete(id, .aborted, at: now)
        case .landing(let id, _): history.anomalies.complete(id, .unknown, at: now)
        case .opening, .idle: break
        }
        infos = []
        seen = []
        state = .opening(0)
    }
}
