import BlockModel
import BlockRuntime
import BlockTransactions

/// A transaction that a client is about to make: what it wants to read, has read, and will write.
struct TransactionDraft: Sendable {
    /// To be asked, one after another, all as of the revision of the first answer.
    var queries: [TreeQuery]
    /// Keys that are written, in the order in which they are.
    var writtenKeys: [Bytes]
    /// Whether everything is read, and the condition of the action is on all keys there are.
    let readsRange: Bool
    /// What had been seen before the first read: the first revision of the action.
    var firstRevision = Revision.zero
    private(set) var snapshot: Revision?
    private(set) var reads: [TransactionHistory.Read] = []
    private(set) var entries: [TreeEntry] = []

    init(queries: [TreeQuery], writtenKeys: [Bytes], readsRange: Bool) {
        self.queries = queries
        self.writtenKeys = writtenKeys
        self.readsRange = readsRange
    }

    static let wholeRange = TreeQuery.range(
        .all, .forward, bytesMax: 1 << 20, countMax: UInt32(Limits.pageItemCountMax))

    static var ofEverything: TransactionDraft {
        TransactionDraft(queries: [wholeRange], writtenKeys: [], readsRange: true)
    }

    /// Takes an answer in, and puts what it left off in front of what is still to be asked.
    /// - Parameter keys: All there may be: those that no page of a range shows have no value.
    mutating func took(_ reply: ClientReply, to query: TreeQuery, asOf: Revision, keys: [Bytes]) {
        snapshot = asOf
        queries.removeFirst()
        switch (query, reply) {
        case (.values(let asked), .treeValues(let answer)):
            for (key, value) in zip(asked, answer.values) {
                reads.append(TransactionHistory.Read(key: key, value: value))
            }
            let rest = asked.dropFirst(max(1, answer.values.count))
            if !rest.isEmpty { queries.insert(.values(Array(rest)), at: 0) }
        case (.range(var rest, let direction, let bytesMax, let countMax), .treePage(let page)):
            entries += page.entries
            if let last = page.entries.last, !page.isLast {
                rest.lower = KeyBound(last.key, isInclusive: false)
                queries.insert(
                    .range(rest, direction, bytesMax: bytesMax, countMax: countMax), at: 0)
            } else {
                let values = Dictionary(
                    entries.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
                reads += keys.map { TransactionHistory.Read(key: $0, value: values[$0]) }
            }
        default: invariant(false, "\(reply) does not answer \(query)")
        }
    }

    /// What was read of a key.
    func value(of key: Bytes) -> Bytes? { reads.first { $0.key == key }?.value }

    /// What a transaction of the SDK would be that did the same.
    func state(of info: CollectionInfo, writing operations: [TreeOperation]) -> TransactionState {
        var state = TransactionState()
        try? state.update(info, seen: firstRevision) { draft in
            draft.snapshot = snapshot
            if readsRange {
                draft.read(.all, entries)
            } else {
                for read in reads { draft.read(read.key, read.value) }
            }
            for operation in operations {
                switch operation {
                case .put(let key, let value): draft.write(key, value)
                case .delete(let key): draft.write(key, nil)
                }
            }
        }
        return state
    }

    /// That everything read is still so.
    var checks: [TreeCheck] {
        if readsRange { return [.range(.all, TreeEntriesHash(entries))] }
        var checked: Set<Bytes> = []
        return reads.filter { checked.insert($0.key).inserted }
            .map { .value(key: $0.key, $0.value.map { TreeValueHash($0) }) }
    }
}

/// What a client does next, by chance.
extension TransactionClient {
    /// All keys there may be.
    var keys: [Bytes] { (0..<plan.keyCount).map { StructureClient.key($0) } }

    private mutating func drawKeys() -> [Bytes] {
        var numbers: [Int] = []
        for _ in 0..<(1 + generator.below(4)) {
            let number = generator.below(plan.keyCount)
            if !numbers.contains(number) { numbers.append(number) }
        }
        return numbers.map { StructureClient.key($0) }
    }

    mutating func drawDraft() -> TransactionDraft {
        let writtenKeys = generator.chance(1, in: 4) ? [] : drawKeys()
        if generator.chance(1, in: 5) {
            return TransactionDraft(
                queries: [TransactionDraft.wholeRange], writtenKeys: writtenKeys, readsRange: true)
        }
        // What is written is read before. Half of them write nothing of what they read besides.
        var readKeys = generator.chance(1, in: 2) ? drawKeys() : []
        readKeys += writtenKeys.filter { !readKeys.contains($0) }
        if readKeys.isEmpty { readKeys = drawKeys() }
        var queries = [TreeQuery.values(readKeys)]
        if readKeys.count > 1, generator.chance(1, in: 2) {
            // In two requests, of which the second asks for one key again.
            let cut = 1 + generator.below(readKeys.count - 1)
            queries = [
                .values(Array(readKeys[..<cut])), .values(Array(readKeys[(cut - 1)...])),
            ]
        }
        return TransactionDraft(queries: queries, writtenKeys: writtenKeys, readsRange: false)
    }

    /// The action of a draft of which everything is read, and what it says in terms of the
    /// workload.
    mutating func drawWrites(
        _ draft: TransactionDraft
    ) -> (TreeAction, [TransactionHistory.Write]) {
        var action = TreeAction(checks: draft.checks, operations: [])
        var writes: [TransactionHistory.Write] = []
        for key in draft.writtenKeys {
            let old = draft.value(of: key)
            switch plan.workload {
            case .counters:
                let value = Bytes(String(CounterChecker.number(old) + 1).utf8)
                action.operations.append(.put(key: key, value: value))
                writes.append(TransactionHistory.Write(key: key, value: value))
            case .lists:
                var elements = ElementList.elements(old)
                // Two elements in two steps: no reader may see the first without the second.
                for _ in 0..<(generator.chance(1, in: 4) ? 2 : 1) {
                    sequence += 1
                    let element = Bytes("\(number):\(sequence)".utf8)
                    elements.append(element)
                    action.operations.append(.put(key: key, value: ElementList.bytes(elements)))
                    writes.append(TransactionHistory.Write(key: key, value: element))
                }
            }
        }
        return (action, writes)
    }
}
