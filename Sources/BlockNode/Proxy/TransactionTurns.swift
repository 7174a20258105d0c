import BlockModel
import BlockRuntime
import BlockTransactions

/// Whose turn it is among transactions that want the same keys. One that has lost to another keeps
/// its place: until its client has run the body again and sent it, no later one may write what it
/// reads.
///
/// Liveness only: a turn whose client does not come back lapses, and what comes by another proxy,
/// or lands as a single action on one collection, knows of no turn and overtakes.
package struct TransactionTurns {
    private struct Turn {
        /// The place among all: that of the first loss.
        let order: UInt64
        let began: Instant
        var footprint: TransactionFootprint
        var lossCount: Int
        /// When it lapses unless its client comes back; nil while it is here.
        var lapses: Instant?
    }

    /// By the id of the first run of the body.
    private var turns: [ActionID: Turn] = [:]
    /// The turns that rely on a key, or on something else of a collection.
    private var byKey: [TransactionFootprint.Key: Set<ActionID>] = [:]
    private var byCollection: [CollectionID: Set<ActionID>] = [:]
    private var lastOrder: UInt64 = 0

    package init() {}

    package var count: Int { turns.count }

    /// The place of a body among those that have lost; nil when it has none.
    package func order(of body: ActionID) -> UInt64? { turns[body]?.order }

    /// A transaction of a body has come: it is not waited for any more, for it is here.
    package mutating func came(_ body: ActionID, _ footprint: TransactionFootprint) {
        guard var turn = turns[body] else { return }
        remove(body)
        turn.footprint = footprint
        turn.lapses = nil
        insert(body, turn)
    }

    /// A transaction of a body was told a conflict.
    /// - Returns: When its turn lapses; nil when it has none.
    package mutating func lost(
        _ body: ActionID, _ footprint: TransactionFootprint, now: Instant
    ) -> Instant? {
        let lapses = now.advanced(by: Limits.turnTime)
        lastOrder += 1
        var turn =
            turns[body]
            ?? Turn(
                order: lastOrder, began: now, footprint: footprint, lossCount: 0, lapses: lapses)
        remove(body)
        turn.footprint = footprint
        turn.lossCount += 1
        turn.lapses = lapses
        if turns.count >= Limits.turnCountMax { forgetLapsed(at: now) }
        // Whoever loses again and again, or is very old, holds others up for nothing.
        guard turn.lossCount <= Limits.turnLossCountMax, turns.count < Limits.turnCountMax,
            now.since(turn.began) < Limits.turnAgeMax
        else { return nil }
        insert(body, turn)
        return lapses
    }

    /// Clients that have not come back are not expected any more.
    private mutating func forgetLapsed(at now: Instant) {
        let lapsed = turns.filter { $0.value.lapses.map { $0 <= now } ?? false }
        for body in lapsed.keys { remove(body) }
    }

    /// A body is done, one way or another.
    package mutating func over(_ body: ActionID) { remove(body) }

    private mutating func insert(_ body: ActionID, _ turn: Turn) {
        invariant(turns[body] == nil, "a body has two turns")
        invariant(turn.order <= lastOrder, "a turn that nobody was given")
        turns[body] = turn
        for key in turn.footprint.readKeys { byKey[key, default: []].insert(body) }
        for collection in turn.footprint.readCollections {
            byCollection[collection, default: []].insert(body)
        }
    }

    private mutating func remove(_ body: ActionID) {
        guard let turn = turns.removeValue(forKey: body) else { return }
        invariant(turn.lossCount > 0, "a turn of one that has not lost")
        for key in turn.footprint.readKeys {
            byKey[key]?.remove(body)
            if byKey[key]?.isEmpty == true { byKey[key] = nil }
        }
        for collection in turn.footprint.readCollections {
            byCollection[collection]?.remove(body)
            if byCollection[collection]?.isEmpty == true { byCollection[collection] = nil }
        }
    }

    /// Whether a transaction of a body has to wait for another one's turn.
    /// - Complexity: O(keys that it writes, and turns that rely on them).
    package func holdBack(
        _ body: ActionID, _ footprint: TransactionFootprint, now: Instant
    ) -> Bool {
        guard !turns.isEmpty else { return false }
        let own = turns[body]?.order ?? .max
        func isBefore(_ other: ActionID) -> Bool {
            guard other != body, let turn = turns[other], turn.order < own else { return false }
            return turn.lapses.map { $0 > now } ?? true
        }
        for key in footprint.writtenKeys where byKey[key]?.contains(where: isBefore) == true {
            return true
        }
        return footprint.written.contains { collection in
            byCollection[collection]?.contains {
                isBefore($0) && turns[$0].map { footprint.disturbs($0.footprint) } == true
            } == true
        }
    }

    func checkInvariants() {
        invariant(turns.count <= Limits.turnCountMax, "\(turns.count) turns")
        for (key, bodies) in byKey {
            invariant(
                bodies.allSatisfy { turns[$0]?.footprint.readKeys.contains(key) == true },
                "a key has the turn of one that does not read it")
        }
    }
}

extension TransactionFootprint {
    /// Collections of which it relies on more than single keys.
    fileprivate var readCollections: Set<CollectionID> {
        watched.union(readRanges.map(\.collection))
    }
}
