import BlockModel
import BlockRuntime
import BlockWorkloads

/// A history of one custom collection, by hand or by chance, and the log that belongs to it.
struct CustomScene {
    static let incarnation = Incarnation(generation: 1, nonce: .zero)

    var history = CustomHistory()
    var entries: [[Signature]] = []
    private var clock: Int64 = 0
    private var places = 0
    /// How a record that is to be told otherwise was told: history is append-only.
    var records: [(signature: Signature, id: Int)] = []

    mutating func now() -> Instant {
        clock += 1
        return Instant(nanoseconds: clock)
    }

    /// An action is done on a local collection.
    mutating func begin(
        _ client: Int, _ name: String, _ policy: Signature.Policy = .keep, sheet: UInt8 = 0,
        seen: String = "", session: Int = 1
    ) -> Int {
        places += 1
        let signature = Signature(
            client: client, name: name, sheet: sheet, policy: policy, seen: seen)
        let record = CustomHistory.Record(
            client: client, collection: "x", incarnation: Self.incarnation, session: session,
            place: places, signature: signature, begun: now())
        let id = history.add(record)
        records.append((signature, id))
        return id
    }

    mutating func tell(_ id: Int, _ fate: CustomHistory.Fate) {
        history.tell(id, fate, at: now())
    }

    /// The actions become the next entry.
    mutating func land(_ ids: Int...) { entries.append(ids.map { history.records[$0].signature }) }

    /// One action that lands and is acknowledged.
    @discardableResult
    mutating func sign(
        _ client: Int, _ name: String, _ policy: Signature.Policy = .keep, seen: String = ""
    ) -> Int {
        let id = begin(client, name, policy, seen: seen)
        land(id)
        tell(id, .landed)
        return id
    }

    mutating func read(
        revision: UInt64, _ entries: [TreeEntry]? = nil, begun: Instant? = nil
    ) {
        let begun = begun ?? now()
        let log = CustomScene.log(Array(self.entries.prefix(Int(revision))))
        history.add(
            CustomHistory.Reading(
                client: 9, collection: "x", incarnation: Self.incarnation, begun: begun,
                ended: now(), revision: Revision(revision),
                entries: entries ?? CustomChecker.finalEntries(of: log)))
    }

    static func log(_ entries: [[Signature]]) -> CustomLog {
        CustomLog(
            incarnation: incarnation,
            entries: entries.enumerated().map { number, signatures in
                CustomLog.Entry(
                    payload: payload(UInt64(number)),
                    actions: signatures.map { Action(id: id(0), bytes: $0.bytes) })
            })
    }

    static func id(_ number: UInt64) -> ActionID {
        ActionID(rawValue: Identifier128(UInt128(number)))
    }

    static func payload(_ number: UInt64) -> PayloadID {
        PayloadID(action: id(number), execution: 0)
    }

    var violations: [String] {
        CustomChecker.check(history, collection: "x", logs: [CustomScene.log(entries)]).violations
    }

    // MARK: By chance

    /// Three clients on three sheets, each action treated as its policy says.
    init(_ generator: inout SeededGenerator) {
        var clients = (0..<3).map { _ in (revision: 0, pending: [Int]()) }
        var names = 0
        for _ in 0..<(8 + generator.below(20)) {
            let client = generator.below(3)
            guard generator.chance(1, in: 2) else {
                names += 1
                let sheet = UInt8(generator.below(3))
                let seen = newest(clients[client].revision, sheet, besides: client)
                let policies = Signature.Policy.allCases
                let id = begin(
                    client, "\(names)", policies[generator.below(policies.count)], sheet: sheet,
                    seen: seen)
                clients[client].pending.append(id)
                continue
            }
            let kept = clients[client].pending.compactMap {
                settle($0, since: clients[client].revision, client)
            }
            let outcome = generator.below(8)
            if !kept.isEmpty, outcome != 0 {
                entries.append(kept.map { history.records[$0].signature })
            }
            for id in kept where outcome != 1 {
                if outcome != 0 { tell(id, .landed) } else { tell(id, .refused) }
            }
            clients[client] = (entries.count, [])
            if generator.chance(1, in: 3) { read(revision: UInt64(entries.count)) }
        }
    }

    init() {}

    private func newest(_ revision: Int, _ sheet: UInt8, besides client: Int) -> String {
        entries.prefix(revision).joined().last { $0.sheet == sheet && $0.client != client }?.text
            ?? ""
    }

    /// What becomes of a pending action; nil when it is given up.
    private mutating func settle(_ id: Int, since revision: Int, _ client: Int) -> Int? {
        let signature = history.records[id].signature
        let overtaking = entries.dropFirst(revision).joined().filter {
            $0.sheet == signature.sheet && $0.client != client
        }
        guard let last = overtaking.last else { return id }
        switch signature.policy {
        case .keep: return id
        case .drop: tell(id, .dropped)
        case .refuse: tell(id, .failed)
        case .replace:
            tell(id, .replaced)
            let record = history.records[id]
            let other = Signature(
                client: client, name: signature.name + "'", sheet: signature.sheet,
                policy: .replace, seen: last.text)
            let replacement = history.add(
                CustomHistory.Record(
                    client: client, collection: "x", incarnation: record.incarnation,
                    session: record.session, place: record.place, signature: other, begun: now()))
            return replacement
        }
        return nil
    }

    /// Breaks one promise that was kept.
    /// - Returns: Whether there was one of the kind that was drawn.
    mutating func breakOne(_ generator: inout SeededGenerator) -> Bool {
        let landed = history.records.indices.filter { history.records[$0].fate == .landed }
        let gone = history.records.indices.filter {
            [.dropped, .replaced, .failed, .refused].contains(history.records[$0].fate)
        }
        func pick(_ ids: [Int]) -> Int? { ids.isEmpty ? nil : ids[generator.below(ids.count)] }
        switch generator.below(5) {
        case 0:
            guard let id = pick(landed) else { return false }
            entries.append([history.records[id].signature])
        case 1:
            guard let id = pick(landed) else { return false }
            let text = history.records[id].signature.text
            for number in entries.indices { entries[number].removeAll { $0.text == text } }
        case 2:
            guard let id = pick(gone) else { return false }
            entries.append([history.records[id].signature])
        case 3:
            guard let id = pick(landed) else { return false }
            tell(id, .vanished)
        default:
            // One that must not be overtaken unseen is, by somebody whom nobody was told of.
            guard
                let number = entries.indices.last(where: { number in
                    entries[number].first.map { $0.policy != .keep } ?? false
                }), let victim = entries[number].first
            else { return false }
            let id = begin(7, "late", sheet: victim.sheet)
            entries.insert([history.records[id].signature], at: number)
        }
        return true
    }
}
