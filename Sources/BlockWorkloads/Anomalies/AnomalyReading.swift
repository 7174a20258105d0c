import BlockModel
import BlockRuntime
import BlockTransactions

/// What one transaction reads of several collections, all of it as of one moment: first where each
/// collection was then, and then what was there, one collection after another.
struct AnomalyReading: Sendable {
    let intent: AnomalyIntent
    let isLast: Bool
    private let plan: AnomalyPlan
    /// The collections that something is read of, by the order of their lives in the request.
    private let collections: [Int]
    /// Where each collection was at that moment; nil before it is known.
    private(set) var revisions: [Int: Revision] = [:]
    /// Collections that are still to be read.
    private var due: [Int]
    /// Where the next page of the first of them begins.
    private var range = KeyRange.all
    private var after: LogPosition?
    private(set) var reads: [AnomalyHistory.Read] = []

    init(_ intent: AnomalyIntent, _ plan: AnomalyPlan, isLast: Bool) {
        self.intent = intent
        self.plan = plan
        self.isLast = isLast
        collections =
            intent.readsAll
            ? Array(plan.collectionNames.indices)
            : Set(intent.reads.map(\.collection)).sorted()
        due = collections
    }

    var isOver: Bool { due.isEmpty }

    // MARK: Asking

    func request(_ infos: [CollectionInfo]) -> ClientRequest {
        guard let place = due.first, let asOf = revisions[place] else {
            return .snapshot(lives(infos).map(\.life))
        }
        let info = infos[place]
        switch plan.kind(of: place) {
        case .diary:
            return .readDiary(
                DiaryReadRequest(
                    collection: info.collection, incarnation: info.incarnation, after: after,
                    asOf: asOf))
        case .queue:
            return .readQueue(
                QueueReadRequest(
                    collection: info.collection, incarnation: info.incarnation, asOf: asOf,
                    query: .peek(countMax: UInt32(Limits.pageItemCountMax))))
        default:
            return .readTree(
                TreeReadRequest(
                    collection: info.collection, incarnation: info.incarnation, asOf: asOf,
                    query: query(of: place)))
        }
    }

    /// In the order that the request wants.
    private func lives(
        _ infos: [CollectionInfo]
    ) -> [(life: CollectionLife, place: Int)] {
        collections.map { place in
            let life = CollectionLife(
                collection: infos[place].collection, incarnation: infos[place].incarnation)
            return (life, place)
        }.sorted { $0.life < $1.life }
    }

    private func query(of place: Int) -> TreeQuery {
        if !intent.readsAll { return .values(places(in: place).map(\.key)) }
        return .range(
            range, .forward, bytesMax: UInt32(Limits.pageBytesMax),
            countMax: UInt32(Limits.pageItemCountMax))
    }

    private func places(in collection: Int) -> [AnomalyHistory.Place] {
        intent.reads.filter { $0.collection == collection }
    }

    // MARK: Being told

    mutating func receive(_ reply: ClientReply, _ infos: [CollectionInfo]) {
        if case .snapshot(let found) = reply {
            for (life, revision) in zip(lives(infos), found) { revisions[life.place] = revision }
            return
        }
        guard let place = due.first, let asOf = revisions[place] else {
            return invariant(false, "an answer before it is known what is read")
        }
        func note(_ key: Bytes, _ value: Bytes?) {
            reads.append(
                AnomalyHistory.Read(AnomalyHistory.Place(place, key), value, at: asOf))
        }
        var isDone = true
        switch reply {
        case .treeValues(let values):
            let asked = places(in: place)
            invariant(asked.count == values.values.count, "few values were asked for, fewer came")
            for (place, value) in zip(asked, values.values) { note(place.key, value) }
        case .treePage(let page):
            for entry in page.entries { note(entry.key, entry.value) }
            if let last = page.entries.last, !page.isLast {
                range.lower = KeyBound(last.key, isInclusive: false)
                isDone = false
            }
        case .diaryPage(let page):
            for entry in page.entries { note(entry.bytes, entry.bytes) }
            after = page.entries.last?.position ?? after
            isDone = page.isLast || page.entries.isEmpty
        case .queueValues(let values):
            invariant(values.values.count < Limits.pageItemCountMax, "a queue of more than a page")
            for value in values.values { note(value, value) }
        default: invariant(false, "\(reply) does not answer what was asked")
        }
        guard isDone else { return }
        due.removeFirst()
        range = .all
        after = nil
        if due.isEmpty, intent.readsAll { noteAbsent() }
    }

    /// Places that a read of everything has not shown have no value.
    private mutating func noteAbsent() {
        let found = Set(reads.map(\.place))
        for place in plan.fixedPlaces where !found.contains(place) {
            guard let revision = revisions[place.collection] else { continue }
            reads.append(AnomalyHistory.Read(place, nil, at: revision))
        }
    }

    /// A transaction that has read all that.
    func state(of infos: [CollectionInfo], seen: [Revision]) -> TransactionState {
        var state = TransactionState()
        for place in collections {
            try? state.update(infos[place], seen: seen[place]) { draft in
                draft.snapshot = revisions[place]
                for read in reads where read.place.collection == place {
                    draft.read(read.place.key, read.value)
                }
            }
        }
        return state
    }
}
