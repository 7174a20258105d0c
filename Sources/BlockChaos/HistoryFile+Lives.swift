import BlockModel
import BlockRuntime
import BlockWorkloads

/// What was asked and told of lives as lines.
extension HistoryFile {
    static func lines(of history: LivesHistory) -> [Line] {
        var seen: [Line] = []
        for (collection, lives) in history.seen.sorted(by: { $0.key < $1.key }) {
            for (incarnation, creator) in lives.sorted(by: {
                ($0.key.generation, $0.key.nonce) < ($1.key.generation, $1.key.nonce)
            }) {
                var line = Line(.seen, collection)
                line.set(incarnation)
                line.creator = hex(creator)
                seen.append(line)
            }
        }
        return history.requests.map(line) + seen
    }

    private static func line(_ request: LivesHistory.Request) -> Line {
        var line = Line(.life, request.collection)
        line.action = hex(request.action)
        line.invoked = request.sent.nanoseconds
        line.completed = request.told?.nanoseconds
        switch request.kind {
        case .create(let generation):
            line.operation = "create"
            line.asOf = generation
        case .drop(let incarnation):
            line.operation = "drop"
            line.set(incarnation)
        }
        switch request.answer {
        case .unknown: line.outcome = "unknown"
        case .life(let incarnation, let creator):
            line.outcome = "life"
            line.set(incarnation)
            line.creator = hex(creator)
        case .dropped: line.outcome = "ended"
        case .never: line.outcome = "never"
        case .notBegun: line.outcome = "notBegun"
        }
        return line
    }

    private static func hex(_ action: ActionID) -> String { ByteText.hex(action.rawValue.bytes) }

    // MARK: Reading

    static func actionID(_ text: String?) -> ActionID? {
        text.flatMap { ByteText.bytes(hex: $0) }.flatMap { Identifier128($0) }.map {
            ActionID(rawValue: $0)
        }
    }

    static func addLife(_ line: Line, to record: inout ChaosRecord) -> Bool {
        guard let action = actionID(line.action), let sent = line.invoked else { return false }
        let kind: LivesHistory.Kind
        switch (line.operation, line.asOf, incarnation(line)) {
        case ("create", let generation?, _): kind = .create(after: generation)
        case ("drop", nil, let incarnation?): kind = .drop(incarnation)
        default: return false
        }
        let answer: LivesHistory.Answer
        switch (line.outcome, incarnation(line), actionID(line.creator)) {
        case ("unknown", _, nil): answer = .unknown
        case ("life", let incarnation?, let creator?):
            answer = .life(incarnation, createdBy: creator)
        case ("ended", _, nil): answer = .dropped
        case ("never", _, nil): answer = .never
        case ("notBegun", _, nil): answer = .notBegun
        default: return false
        }
        let id = record.history.lives.send(
            kind, action, of: line.collection, at: Instant(nanoseconds: sent))
        if let told = line.completed {
            record.history.lives.tell(id, answer, at: Instant(nanoseconds: told))
        }
        return true
    }

    static func addSeen(_ line: Line, to record: inout ChaosRecord) -> Bool {
        guard let incarnation = incarnation(line), let creator = actionID(line.creator) else {
            return false
        }
        record.history.lives.see(incarnation, createdBy: creator, of: line.collection)
        return true
    }
}

extension HistoryFile.Line {
    fileprivate mutating func set(_ incarnation: Incarnation) {
        generation = incarnation.generation
        nonce = ByteText.hex(incarnation.nonce.bytes)
    }
}
