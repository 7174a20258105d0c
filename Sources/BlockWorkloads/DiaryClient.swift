import BlockModel
import BlockRuntime

/// One client of the diary and set workloads.
package struct DiaryClient: WorkloadClient {
    private enum State {
        case opening
        case idle
        case appending(History.OperationID, ActionRequest, triesLeft: Int)
        case repeating(History.OperationID, ActionRequest)
        case reading(History.OperationID, DiaryReadRequest, [History.Observation])
    }

    package let number: Int
    package let collection: String
    private var generator: SeededGenerator
    private var operationsLeft: Int
    private var state = State.opening
    private var info: CollectionInfo?
    private var sequence = 0
    /// The highest revision any reply showed: what the next append names.
    private var seen = Revision.zero
    private var opening = CollectionOpening()
    private var isWaiting = false
    private let valueBytesMax: Int

    /// - Parameters:
    ///   - operationCount: Appends and reads until it is finished.
    ///   - valueBytesMax: Values are padded to a random length up to this many bytes.
    package init(
        number: Int, collection: String, operationCount: Int, valueBytesMax: Int,
        generator: SeededGenerator
    ) {
        self.number = number
        self.collection = collection
        operationsLeft = operationCount
        self.valueBytesMax = valueBytesMax
        self.generator = generator
    }

    /// What a diary holds at the end, the disks tell.
    package mutating func beginFinalReads() {}

    package mutating func next(_ history: inout History, at now: Instant) -> WorkloadStep {
        let timeout = Duration.milliseconds(500 + generator.below(4000))
        switch state {
        case .opening:
            return .request(opening.request(collection, .diary), timeout: timeout)
        case .appending(_, let request, _), .repeating(_, let request):
            return .request(.act(request), timeout: timeout)
        case .reading(_, let request, _): return .request(.readDiary(request), timeout: timeout)
        case .idle:
            guard operationsLeft > 0 else { return .finished }
            isWaiting.toggle()
            if isWaiting { return .pause(.milliseconds(generator.below(60))) }
            operationsLeft -= 1
            begin(&history, at: now)
            return next(&history, at: now)
        }
    }

    private mutating func begin(_ history: inout History, at now: Instant) {
        guard let info else { return state = .opening }
        if generator.chance(1, in: 8) {
            let isBackward = generator.chance(1, in: 2)
            let id = history.invoke(
                .read(backward: isBackward), on: collection, by: number, at: now)
            let request = DiaryReadRequest(
                collection: info.collection, incarnation: info.incarnation,
                direction: isBackward ? .backward : .forward,
                bytesMax: UInt32(1 << (11 + generator.below(8))))
            state = .reading(id, request, [])
            return
        }
        sequence += 1
        let value = "\(number):\(sequence)"
        let id = history.invoke(.append(value), on: collection, by: number, at: now)
        let padding = Bytes(repeating: UInt8(ascii: "."), count: generator.below(valueBytesMax))
        let request = ActionRequest(
            collection: info.collection, incarnation: info.incarnation,
            action: ActionID(rawValue: generator.identifier()), firstRevision: seen,
            content: .append(Array(value.utf8) + [UInt8(ascii: "|")] + padding))
        state = .appending(id, request, triesLeft: generator.below(4))
    }

    package mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant) {
        switch (state, reply) {
        case (.opening, _):
            guard let info = opening.receive(reply, using: &generator) else { break }
            self.info = info
            seen = max(seen, info.revision)
            state = .idle
        case (.appending(let id, let request, _), .acted(let landing)):
            seen = max(seen, landing.position.revision)
            end(id, .appended(landing.position), &history, now)
            if generator.chance(1, in: 12) { sendAgain(id, request, &history, now) }
        case (.repeating(let id, _), .acted(let landing)):
            end(id, .appended(landing.position), &history, now)
        case (.repeating(let id, _), .failed(let error)):
            let isDefinite = error.outcome == .notApplied
            end(id, isDefinite ? .notApplied(error.code) : .unknown, &history, now)
        case (.appending(let id, let request, let triesLeft), .failed(let error)):
            if triesLeft > 0 {
                // The application tries again under the same id: it must not land twice.
                state = .appending(id, request, triesLeft: triesLeft - 1)
                if error.outcome == .unknown { doubtful.insert(id) }
            } else {
                let isDefinite = error.outcome == .notApplied && !doubtful.contains(id)
                end(id, isDefinite ? .notApplied(error.code) : .unknown, &history, now)
            }
        case (.reading(let id, let request, let observed), .diaryPage(let page)):
            read(id, request, observed, page, &history, now)
        case (.reading(let id, _, _), .failed(let error)):
            end(id, .notApplied(error.code), &history, now)
        default: invariant(false, "\(reply) does not answer what was asked")
        }
    }

    /// As one who never got the answer.
    private mutating func sendAgain(
        _ id: History.OperationID, _ request: ActionRequest, _ history: inout History,
        _ now: Instant
    ) {
        guard case .append(let value) = history.operations[id].kind else { return }
        let again = history.invoke(.again(value), on: collection, by: number, at: now)
        state = .repeating(again, request)
    }

    /// Operations of which some try ended in the unknown.
    private var doubtful: Set<History.OperationID> = []

    package mutating func crashed(_ history: inout History, at now: Instant) {
        opening.forget()
        switch state {
        case .appending(let id, _, _), .reading(let id, _, _), .repeating(let id, _):
            end(id, .unknown, &history, now)
        case .opening, .idle: break
        }
        info = nil
        seen = .zero
        state = .opening
    }

    private mutating func end(
        _ id: History.OperationID, _ completion: History.Completion, _ history: inout History,
        _ now: Instant
    ) {
        history.complete(id, completion, at: now)
        state = .idle
    }

    private mutating func read(
        _ id: History.OperationID, _ request: DiaryReadRequest,
        _ observed: [History.Observation], _ page: DiaryPage, _ history: inout History,
        _ now: Instant
    ) {
        let all = observed + page.entries.map(DiaryClient.observation(of:))
        seen = max(seen, page.asOf)
        if page.isLast || page.entries.isEmpty {
            let ordered = request.direction == .forward ? all : all.reversed()
            return end(id, .read(ordered, asOf: page.asOf), &history, now)
        }
        let following = DiaryReadRequest(
            collection: request.collection, incarnation: request.incarnation,
            direction: request.direction, after: page.entries.last?.position, asOf: page.asOf,
            bytesMax: request.bytesMax)
        state = .reading(id, following, all)
    }

    /// The value of an entry without its padding.
    package static func observation(of entry: DiaryEntry) -> History.Observation {
        let value = entry.bytes.prefix { $0 != UInt8(ascii: "|") }
        return History.Observation(
            position: entry.position, value: String(decoding: value, as: UTF8.self))
    }
}
