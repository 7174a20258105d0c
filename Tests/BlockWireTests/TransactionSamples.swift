import BlockModel
import BlockRuntime
import ModelSamples

/// Transactions of clients, and what came of them.
extension ModelSamples {
    private mutating func part(_ actions: [ActionContent]) -> TransactionPart {
        TransactionPart(
            collection: collection(), incarnation: incarnation(), firstRevision: revision(),
            expectedRevision: random.chance(1, in: 2) ? revision() : nil, actions: actions)
    }

    /// What the handlers of a custom collection have made of an action.
    private mutating func preparedPart() -> TransactionPart {
        let writes = [blockWrite(isNew: true), blockWrite(isNew: false)]
        return TransactionPart(
            collection: collection(), incarnation: incarnation(), firstRevision: revision(),
            expectedRevision: revision(), actions: [.custom(bytes(countMax: 40))],
            prepared: PreparedActions(
                writes: writes,
                reads: (0..<3).map { _ in ReadDependency(block: block(), revision: revision()) },
                headerAfter: random.chance(1, in: 2) ? header() : nil))
    }

    mutating func transactRequests() -> [ClientRequest] {
        let parts = [
            part([.append(bytes(countMax: 40)), .append([])]), part([.tree(treeAction())]),
            part(queueActions().map { .queue($0) }), part([]),
            preparedPart(),
        ]
        return [
            .transact(
                TransactionRequest(
                    action: action(), home: parts[0].collection, parts: parts,
                    source: transactionSource())),
            .transact(
                TransactionRequest(
                    action: action(), home: collection(), parts: [], first: action(),
                    source: transactionSource())),
            .snapshot(
                (0..<3).map { _ in
                    CollectionLife(collection: collection(), incarnation: incarnation())
                }.sorted()),
        ]
    }

    mutating func transactionID() -> TransactionID {
        TransactionID(
            action: action(),
            home: CollectionLife(collection: collection(), incarnation: incarnation()),
            firstRevision: revision())
    }

    /// The attempt over several collections under a payload.
    mutating func attempt(_ payload: PayloadID) -> Attempt {
        let participants = (0..<3).map { _ in
            Participant(
                collection: collection(), incarnation: incarnation(), target: revision(),
                role: random.chance(1, in: 2) ? .reads : .writes)
        }
        return Attempt(
            payload: payload, home: participants[0].collection, participants: participants)
    }

    mutating func transactedReplies() -> [ClientReply] {
        let outcomes: [[ActionOutcome]] = [
            [.appended, .appended], treeOutcomes().map { .tree($0) },
            queueOutcomes().map { .queue($0) }, [],
        ]
        return [
            .transacted([]), .snapshot([]), .snapshot([revision(), revision()]),
            .transacted(
                outcomes.map {
                    TransactedPart(collection: collection(), revision: revision(), outcomes: $0)
                }),
        ]
    }
}
