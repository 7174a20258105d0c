import BlockModel
import BlockRuntime
import BlockWorkloads

/// What a run leaves to be checked: what clients did and were told, and what was there at the end.
package struct ChaosRecord: Sendable {
    /// The log of a collection, read when every operation had ended.
    package struct FinalLog: Sendable {
        package let kind: CollectionKind
        package let incarnation: Incarnation
        /// The actions of every entry, from revision 1 on.
        package let entries: [[Action]]
        /// The payload of every entry.
        package let payloads: [PayloadID]
        /// Who began the life.
        package let createdBy: ActionID?

        package init(
            kind: CollectionKind, incarnation: Incarnation, entries: [[Action]],
            payloads: [PayloadID], createdBy: ActionID? = nil
        ) {
            self.createdBy = createdBy
            self.kind = kind
            self.incarnation = incarnation
            self.entries = entries
            self.payloads = payloads
        }

        /// As the checkers of custom collections want it.
        var custom: CustomLog {
            CustomLog(
                incarnation: incarnation,
                entries: zip(payloads, entries).map {
                    CustomLog.Entry(payload: $0, actions: $1)
                })
        }
    }

    package var history = History()
    /// By the name of the collection; one that no client came to create has none.
    package var logs: [String: FinalLog] = [:]

    package init() {}

    /// Every collection that was worked on, ascending.
    package var collections: [String] {
        Set(
            history.collections + history.structures.collections
                + history.transactions.collections + history.customs.collections
                + history.lives.collections
        ).sorted()
    }

    /// The checks of the simulator, over all collections.
    package func check() -> CheckResult {
        var result = CheckResult()
        func add(_ part: CheckResult, _ collection: String) {
            result.checkedCount += part.checkedCount
            for sentence in part.violations { result.violation("\(collection): \(sentence)") }
        }
        for collection in history.collections {
            let final = observations(of: collection)
            // What is lost says more than the reads that miss it.
            add(SetChecker.check(history, collection: collection, final: final), collection)
            add(DiaryChecker.check(history, collection: collection, final: final), collection)
        }
        for collection in Set(
            history.structures.collections + history.transactions.collections
        ).sorted() {
            let logs = [logs[collection]].compactMap { log in
                log.map {
                    StructureLog(
                        incarnation: $0.incarnation, kind: $0.kind, entries: $0.entries)
                }
            }
            let hasDrops = history.structures.operations.contains {
                if case .drop = $0.kind { $0.collection == collection } else { false }
            }
            for part in StructureChecks.run(
                history, collection: collection, logs: logs, knowsEveryLife: !hasDrops)
            { add(part, collection) }
        }
        for collection in history.customs.collections {
            let logs = [logs[collection]].compactMap { $0?.custom }
            add(
                CustomChecker.check(
                    history.customs, collection: collection, logs: logs, knowsEveryLife: false),
                collection)
            add(
                AttemptChecker.check(history.attempts, collection: collection, logs: logs),
                collection)
        }
        add(BankChecker.check(history.bank), "the banks")
        for result in SpreadChecker.check(history.spread) { add(result, "lists in several trees") }
        for collection in history.lives.collections {
            add(
                LivesChecker.check(
                    history.lives, collection: collection, lives: lives(of: collection)),
                collection)
        }
        return result
    }

    /// The lives that a client was told of, and the one at the end, the oldest first. Who ended one
    /// nothing shows any more.
    package func lives(of collection: String) -> [ObservedLife] {
        let final = logs[collection]
        var creators = history.lives.seen[collection] ?? [:]
        if let final, let creator = final.createdBy { creators[final.incarnation] = creator }
        // Of one that was not found at the end, the drops alone say whether the last life is over:
        // a run that got stuck may not have read it.
        let newest = creators.keys.max { $0.generation < $1.generation }
        let dropped = Set(
            history.lives.requests.filter { $0.collection == collection }.compactMap {
                if case .drop(let incarnation) = $0.kind { incarnation } else { nil }
            })
        return creators.map { incarnation, creator in
            let isOver =
                final.map { $0.incarnation != incarnation }
                ?? (incarnation != newest || dropped.contains(incarnation))
            return ObservedLife(
                incarnation: incarnation, createdBy: creator, droppedBy: nil, isOver: isOver)
        }.sorted {
            ($0.incarnation.generation, $0.incarnation.nonce)
                < ($1.incarnation.generation, $1.incarnation.nonce)
        }
    }

    /// The entries of a diary as they were at the end.
    package func observations(of collection: String) -> [History.Observation] {
        guard let log = logs[collection] else { return [] }
        return log.entries.enumerated().flatMap { entry, actions in
            actions.enumerated().map { index, action in
                DiaryClient.observation(
                    of: DiaryEntry(
                        position: LogPosition(
                            revision: Revision(UInt64(entry + 1)), index: UInt32(index)),
                        action: action.id, bytes: action.bytes, wallMilliseconds: 0))
            }
        }
    }

    // MARK: Counting

    /// Operations by what became of them.
    package struct Outcomes: Hashable, Sendable {
        package var acknowledged = 0
        package var answered = 0
        package var refused = 0
        package var unknown = 0
        /// Appends of unknown outcome that are there at the end, and that are not.
        package var unknownFound = 0
        package var unknownAbsent = 0

        package var total: Int { acknowledged + answered + refused + unknown }
        package init() {}
    }

    package var outcomes: Outcomes {
        var outcomes = Outcomes()
        let present = Dictionary(
            uniqueKeysWithValues: history.collections.map { collection in
                (collection, Set(observations(of: collection).map(\.value)))
            })
        for operation in history.operations {
            switch operation.completion {
            case .appended: outcomes.acknowledged += 1
            case .read: outcomes.answered += 1
            case .notApplied: outcomes.refused += 1
            case .unknown:
                outcomes.unknown += 1
                guard case .append(let value) = operation.kind else { continue }
                if present[operation.collection]?.contains(value) == true {
                    outcomes.unknownFound += 1
                } else {
                    outcomes.unknownAbsent += 1
                }
            }
        }
        for operation in history.structures.operations {
            switch operation.completion {
            case .landed, .dropped: outcomes.acknowledged += 1
            case .answered, .status: outcomes.answered += 1
            case .notApplied: outcomes.refused += 1
            case .unknown: outcomes.unknown += 1
            }
        }
        for record in history.customs.records {
            switch record.fate {
            case .landed: outcomes.acknowledged += 1
            case .dropped, .replaced, .failed, .refused, .vanished: outcomes.refused += 1
            case .unknown: outcomes.unknown += 1
            }
        }
        outcomes.answered += history.customs.readings.count + history.bank.statements.count
        for transaction in history.spread.transactions where !transaction.writes.isEmpty {
            switch transaction.outcome {
            case .committed: outcomes.acknowledged += 1
            case .aborted: outcomes.refused += 1
            case .unknown: outcomes.unknown += 1
            }
        }
        for transfer in history.bank.transfers {
            switch transfer.outcome {
            case .committed: outcomes.acknowledged += 1
            case .aborted: outcomes.refused += 1
            case .unknown: outcomes.unknown += 1
            }
        }
        return outcomes
    }
}
