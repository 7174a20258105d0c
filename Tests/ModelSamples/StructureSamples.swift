import BlockModel
import BlockRuntime

/// Actions on trees and queues, and what became of them, with every case.
extension ModelSamples {
    package mutating func key() -> Bytes { bytes(countMax: Limits.keyBytesMax) }

    package mutating func keyRange() -> KeyRange {
        KeyRange(
            lower: random.chance(1, in: 3) ? nil : keyBound(),
            upper: random.chance(1, in: 3) ? nil : keyBound())
    }

    private mutating func keyBound() -> KeyBound {
        KeyBound(key(), isInclusive: random.chance(1, in: 2))
    }

    package mutating func treeAction() -> TreeAction {
        TreeAction(
            checks: [
                .value(key: key(), nil), .value(key: key(), TreeValueHash(digest: digest())),
                .present(key: key()), .range(keyRange(), TreeEntriesHash(digest: digest())),
                .range(.all, TreeEntriesHash()),
            ],
            operations: [
                .put(key: key(), value: bytes(countMax: 300)), .put(key: [], value: []),
                .delete(key: key()), .delete(key: []),
            ])
    }

    package mutating func treeOutcomes() -> [TreeOutcome] {
        [
            .applied(existed: []),
            .applied(existed: (0..<random.below(9)).map { _ in random.chance(1, in: 2) }),
            .conflict(check: UInt32(random.below(Limits.treeCheckCountMax))),
        ]
    }

    package mutating func queueActions() -> [QueueAction] {
        [
            .enqueue([]), .enqueue([[], bytes(countMax: 300)]),
            .dequeue(countMax: UInt32(random.below(Limits.queueValueCountMax + 1))),
        ]
    }

    package mutating func queueOutcomes() -> [QueueOutcome] {
        [.enqueued, .dequeued([]), .dequeued([[], bytes(countMax: 300)])]
    }
}
