import BlockModel
import BlockRuntime
import BlockWorkloads

/// A hand-made history of one tree or queue, and the log that belongs to it.
struct StructureScene {
    static let incarnation = Incarnation(generation: 1, nonce: .zero)
    let kind: CollectionKind
    var history = StructureHistory()
    var entries: [[Action]] = []
    /// The life of the operations to come, and of the log.
    var incarnation = StructureScene.incarnation
    private var clock: Int64 = 0
    private var actionCount: UInt64 = 0

    init(_ kind: CollectionKind) { self.kind = kind }

    mutating func now() -> Instant {
        clock += 1
        return Instant(nanoseconds: clock)
    }

    func hasViolation(_ part: String) -> Bool {
        result.violations.contains { $0.contains(part) }
    }

    var result: CheckResult {
        let log = StructureLog(incarnation: incarnation, kind: kind, entries: entries)
        return StructureChecker.check(history, collection: "x", logs: [log])
    }

    mutating func request(_ content: ActionContent) -> ActionRequest {
        actionCount += 1
        return ActionRequest(
            collection: CollectionID(name: "x"), incarnation: incarnation,
            action: ActionID(rawValue: Identifier128(UInt128(actionCount))),
            firstRevision: .zero, content: content)
    }

    mutating func begin(_ kind: StructureHistory.Kind) -> Int {
        let now = now()
        return history.invoke(kind, on: "x", incarnation, by: 1, at: now)
    }

    mutating func end(_ id: Int, _ completion: StructureHistory.Completion) {
        let now = now()
        history.complete(id, completion, at: now)
    }

    /// Puts an action into the log as an entry of its own.
    /// - Returns: Where it is.
    @discardableResult
    mutating func land(_ request: ActionRequest, _ outcome: ActionOutcome) -> LogPosition {
        entries.append([
            Action(id: request.action, bytes: request.content.bytes, outcome: outcome.bytes)
        ])
        return LogPosition(revision: Revision(UInt64(entries.count)), index: 0)
    }

    /// An action that lands and is acknowledged.
    mutating func act(_ content: ActionContent, _ outcome: ActionOutcome) {
        let request = request(content)
        let id = begin(.act(request))
        let position = land(request, outcome)
        end(id, .landed(ActionLanding(position: position, outcome: outcome)))
    }

    mutating func read(_ query: StructureQuery, asOf: Revision? = nil, _ reply: ClientReply) {
        let id = begin(.read(query, asOf: asOf))
        end(id, .answered(reply))
    }

    mutating func put(_ key: UInt8, _ value: UInt8, existed: Bool = false) {
        act(
            .tree(TreeAction(operations: [.put(key: [key], value: [value])])),
            .tree(.applied(existed: [existed])))
    }

    /// Asks for the value of a key.
    mutating func get(_ key: UInt8, _ value: UInt8?, at revision: UInt64, isPinned: Bool = false) {
        let asOf = Revision(revision)
        read(
            .tree(.values([[key]])), asOf: isPinned ? asOf : nil,
            .treeValues(TreeValues(values: [value.map { [$0] }], asOf: asOf)))
    }
}
