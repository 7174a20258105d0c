import BlockModel
import BlockRuntime
import BlockTransactions

/// Whose turn it is among transactions that want the same keys, at one proxy.
///
/// Each has a place among all that come, from the first run of its body on. One that has lost to
/// another keeps its place: until its client has run the body again and sent it, no later one may
/// write what it reads, and none that came long after it may write to a collection that it reads at
/// all. So no transaction is overtaken by more than ``Limits/turnWindow`` later ones.
///
/// Liveness only: a turn whose client does not come back lapses, and what comes by another proxy,
/// or is no transaction, knows of no turn and overtakes.
package struct TransactionTurns {
    /// A place among all: whoever came first has the smallest.
    package typealias Place = UInt64

    private struct Turn {
        let place: Place
        let began: Instant
        var footprint: TransactionFootprint
        var lossCount: Int
        /// When it lapses unless its client comes back; nil while it is here.
        var lapses: Instant?
    }

    /// By the id of the first run of the body.
    private var turns: [ActionID: Turn] = [:]
    /// The turns that rely on a key, on something else of a collection, or on anything there.
    private var byKey: [TransactionFootprint.Key: Set<ActionID>] = [:]
    private var byWatched: [CollectionID: Set<ActionID>] = [:]
    private var byCollection: [CollectionID: Set<ActionID>] = [:]
    private var lastPlace: Place = 0

    package init() {}

    package var count: Int { turns.count }

    /// A transaction of a body has come: it is not waited for any more, for it is here.
    /// - Returns: Its place: that of the body's first run while it is kept, else the last one.
    package mutating func came(_ body: ActionID, _ footprint: TransactionFootprint) -> Place {
        guard var turn = turns[body] else {
            lastPlace += 1
            return lastPlace
        }
        remove(body)
        turn.footprint = footprint
        turn.lapses = nil
        insert(body, turn)
        return turn.place
    }

    /// A transaction of a body was told a conflict.
    /// - Parameter place: As ``came(_:_:)`` has said.
    /// - Returns: When its turn lapses; nil when it has none.
    package mutating func lost(
        _ body: ActionID, _ footprint: TransactionFootprint, at place: Place, now: Instant
    ) -> Instant? {
        let lapses = now.advanced(by: Limits.turnTime)
        var turn =
            turns[body]
            ?? Turn(
                place: place, began: now, footprint: footprint, lossCount: 0, lapses: lapses)
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
        invariant(turn.place <= lastPlace, "a turn at a place that nobody was given")
        turns[body] = turn
        for key in turn.footprint.readKeys { byKey[key, default: []].insert(body) }
        for collection in turn.footprint.watchedCollections {
            byWatched[collection, default: []].insert(body)
        }
        for collection in turn.footprint.readCollections {
            byCollection[collection, default: []].insert(body)
        }
    }

    private mutating func remove(_ body: ActionID) {
        guard let turn = turns.removeValue(forKey: body) else { return }
        invariant(turn.lossCount > 0, "a turn of one that has not lost")
        for key in turn.footprint.readKeys { byKey.remove(body, of: key) }
        for collection in turn.footprint.watchedCollections {
            byWatched.remove(body, of: collection)
        }
        for collection in turn.footprint.readCollections {
            byCollection.remove(body, of: collection)
        }
    }

    /// Whether a transaction of a body has to wait for another one's turn.
    /// - Parameter place: As ``came(_:_:)`` has said.
    /// - Complexity: O(keys that it writes, and turns that rely on what is in their collections).
    package func holdBack(
        _ body: ActionID, _ footprint: TransactionFootprint, at place: Place, now: Instant
    ) -> Bool {
        guard !turns.isEmpty else { return false }
        func isBefore(_ other: ActionID, by distance: Place = 0) -> Bool {
            guard other != body, let turn = turns[other], turn.place + distance < place else {
                return false
            }
            return turn.lapses.map { $0 > now } ?? true
        }
        for key in footprint.writtenKeys where byKey[key]?.contains(where: { isBefore($0) }) == true
        {
            return true
        }
        return footprint.written.contains { collection in
            byWatched[collection]?.contains {
                isBefore($0) && turns[$0].map { footprint.disturbs($0.footprint) } == true
            } == true
                || byCollection[collection]?.contains {
                    isBefore($0, by: Limits.turnWindow)
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
    fileprivate var watchedCollections: Set<CollectionID> {
        watched.union(readRanges.map(\.collection))
    }

    /// Collections of which it relies on anything.
    fileprivate var readCollections: Set<CollectionID> {
        watchedCollections.union(readKeys.map(\.collection))
    }
}

extension Dictionary where Value == Set<ActionID> {
    fileprivate mutating func remove(_ body: ActionID, of key: Key) {
        self[key]?.remove(body)
        if self[key]?.isEmpty == true { self[key] = nil }
    }
}
