import BlockModel
import BlockRuntime
import Optimystic

/// The steps of a transaction, with the collections that they are about.
struct TransactionBody: Sendable {
    /// A condition did not hold: the transaction ends, and another run would find the same.
    struct ConditionFailed: Error {
        let line: Int
    }

    /// A value that was taken from a queue.
    struct Taken: Sendable {
        let queue: CollectionInfo
        let value: Bytes
    }

    private let steps: [TransactionStep]
    private var trees: [ExactText: Tree<Bytes, Bytes>] = [:]
    private var diaries: [ExactText: Diary<Bytes>] = [:]
    private var queues: [ExactText: Queue<Bytes>] = [:]

    /// Opens the collections: they are to be there.
    init(
        _ steps: [TransactionStep], in database: Database, timeout: Duration?
    ) async throws {
        self.steps = steps
        for step in steps {
            let name = ExactText(step.collection)
            switch step.verb {
            case .put, .delete, .check:
                guard trees[name] == nil else { continue }
                trees[name] = try await database.openTree(
                    named: step.collection, timeout: timeout)
            case .append:
                guard diaries[name] == nil else { continue }
                diaries[name] = try await database.openDiary(
                    named: step.collection, timeout: timeout)
            case .enqueue, .dequeue:
                guard queues[name] == nil else { continue }
                queues[name] = try await database.openQueue(
                    named: step.collection, timeout: timeout)
            }
        }
    }

    /// Does all steps, in order.
    /// - Returns: What was taken from queues.
    /// - Throws: ``ConditionFailed``.
    func perform(in transaction: Transaction) async throws -> [Taken] {
        var taken: [Taken] = []
        for step in steps {
            let name = ExactText(step.collection)
            if let tree = trees[name], [.put, .delete, .check].contains(step.verb) {
                try await perform(step, on: tree, in: transaction)
            } else if let diary = diaries[name], step.verb == .append {
                try transaction.append(diary, try step.bytes(for: diary.info))
            } else if let queue = queues[name] {
                guard step.verb == .dequeue else {
                    try transaction.enqueue(queue, try step.bytes(for: queue.info))
                    continue
                }
                let values = try await transaction.dequeue(queue, step.count)
                taken += values.map { Taken(queue: queue.info, value: $0) }
            }
        }
        return taken
    }

    private func perform(
        _ step: TransactionStep, on tree: Tree<Bytes, Bytes>, in transaction: Transaction
    ) async throws {
        let form = KeyForm(tree.info.header.keyType)
        guard let field = step.key, let key = try form.key(field) else {
            throw DatabaseError(
                .valueUndecodable, "line \(step.line): the key is neither a text nor a number")
        }
        if let condition = step.condition {
            let value = try await transaction.value(tree, key)
            let holds =
                switch condition {
                case .absent: value == nil
                case .present: value != nil
                case .value(let wanted): value == tree.info.bytes(of: wanted)
                }
            guard holds else { throw ConditionFailed(line: step.line) }
        }
        switch step.verb {
        case .put: try transaction.set(tree, key, to: try step.bytes(for: tree.info))
        case .delete: try transaction.remove(tree, key)
        default: break
        }
    }
}

extension TransactionStep {
    /// What its value is stored as.
    fileprivate func bytes(for info: CollectionInfo) throws(DatabaseError) -> Bytes {
        if let hex {
            guard info.header.encoding == .bytes else {
                throw DatabaseError(
                    .collectionKindMismatch,
                    "line \(line): \"\(info.name)\" holds JSON, which \"hex\" is not")
            }
            return hex
        }
        return value.map { info.bytes(of: $0) } ?? []
    }
}

extension CollectionInfo {
    /// A JSON value as the collection holds it: where it holds bytes, a text is its UTF-8.
    fileprivate func bytes(of value: JSONText) -> Bytes {
        if header.encoding == .bytes, case .string(let text) = value { return Array(text.utf8) }
        return Array(value.text.utf8)
    }
}
