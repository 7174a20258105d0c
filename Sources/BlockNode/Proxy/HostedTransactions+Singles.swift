import BlockModel
import BlockRuntime
import BlockTransactions

/// Transactions that land as one action: they take turns with all others.
extension HostedTransactions {
    /// One has come.
    mutating func begin(
        _ request: ActionRequest, of body: ActionID, _ token: ClientProxy.Token,
        _ client: CollectionWriter.Client, id: ID, deadline: Instant, now: Instant
    ) -> [ProxyStep] {
        invariant(request.body == body, "a run of another body")
        let footprint = TransactionFootprint(request)
        let place = turns.came(body, footprint)
        let refusal = singles.add(
            request, of: body, token, client, id: id, deadline: deadline, footprint, at: place)
        if let refusal {
            // It is not here, so nobody is to wait for it.
            turns.over(body)
            return [.answer(token, .failed(refusal))]
                + startFirst(of: [request.collection], now: now)
        }
        return [.wake(.transaction(id), at: deadline)]
            + admitSingles(on: request.collection, now: now)
    }

    /// Gives the writer of a collection those that have to wait for nobody.
    mutating func admitSingles(on collection: CollectionID, now: Instant) -> [ProxyStep] {
        let free = singles.takeFree(of: collection) { single in
            !turns.holdBack(single.body, single.footprint, at: single.place, now: now)
        }
        return free.flatMap { id, single -> [ProxyStep] in
            [
                .rest(.transaction(id)),
                .writer(collection) {
                    $0.act(
                        single.request, token: single.token, client: single.client,
                        deadline: single.deadline, &$1)
                },
            ]
        }
    }

    /// A request was answered, which may have been one of them.
    mutating func wasAnswered(
        _ token: ClientProxy.Token, _ reply: ClientReply, now: Instant
    ) -> [ProxyStep] {
        guard let (id, single) = singles.takeAnswered(token) else { return [] }
        let collection = single.request.collection
        var steps: [ProxyStep] = []
        if reply.isConflict,
            let lapses = turns.lost(single.body, single.footprint, at: single.place, now: now)
        {
            steps = keepTurn(id, of: [collection], until: lapses)
        } else {
            turns.over(single.body)
        }
        return steps + startFirst(of: [collection], now: now)
    }

    /// The time of one is up while it waits for another one's turn.
    mutating func expireSingle(_ id: ID, now: Instant) -> [ProxyStep] {
        guard let single = singles.takeLate(id, now: now) else { return [] }
        invariant(now >= single.deadline, "one that has time is given up")
        turns.over(single.body)
        // No conflict: nobody has looked whether what it relies on is still so, nor whether an
        // earlier try of it has landed.
        let error = DatabaseError(
            .deadlineExceeded,
            "others that want the same were first until the time given ran out")
        return [.answer(single.token, .failed(error))]
            + startFirst(of: [single.request.collection], now: now)
    }
}

extension ClientReply {
    /// Whether something that was read is no longer so.
    fileprivate var isConflict: Bool {
        switch self {
        case .acted(let landing):
            if case .tree(.conflict) = landing.outcome { true } else { false }
        case .failed(let error): error.code == .conflict
        default: false
        }
    }
}
