import BlockModel
import BlockRuntime

/// What is asked of a tree or a queue.
package enum StructureQuery: Hashable, Sendable {
    case tree(TreeQuery)
    case queue(QueueQuery)
}

/// What clients did with trees and queues and were told, with when.
package struct StructureHistory: Sendable {
    package typealias OperationID = Int

    /// One operation of one client, retries under the same action id included.
    package struct Operation: Sendable {
        package let client: Int
        package let collection: String
        /// The life of the collection that the client had opened.
        package let incarnation: Incarnation
        package let kind: Kind
        package let invoked: Instant
        /// nil while the client was told nothing.
        package var completed: Instant?
        package var completion = Completion.unknown
    }

    package enum Kind: Sendable {
        case act(ActionRequest)
        /// The same action sent once more after it had ended: it must not happen once more.
        case again(ActionRequest)
        /// Every page of a scan is an operation of its own; those after the first are pinned.
        case read(StructureQuery, asOf: Revision?)
        case status(ActionStatusRequest)
        case drop
    }

    /// Three-valued: what is known of the effect.
    package enum Completion: Sendable {
        case landed(ActionLanding)
        /// The reply to a read, as it came.
        case answered(ClientReply)
        case status(ActionLanding?, asOf: Revision)
        case dropped
        /// It certainly had and will have no effect.
        case notApplied(ErrorCode)
        /// It may have had an effect, or may have one later.
        case unknown
    }

    package private(set) var operations: [Operation] = []

    package init() {}

    package mutating func invoke(
        _ kind: Kind, on collection: String, _ incarnation: Incarnation, by client: Int,
        at now: Instant
    ) -> OperationID {
        operations.append(
            Operation(
                client: client, collection: collection, incarnation: incarnation, kind: kind,
                invoked: now))
        return operations.count - 1
    }

    package mutating func complete(
        _ id: OperationID, _ completion: Completion, at now: Instant
    ) {
        operations[id].completed = now
        operations[id].completion = completion
    }

    /// The names of the collections that were worked on, ascending.
    package var collections: [String] { Set(operations.map(\.collection)).sorted() }
}

extension StructureHistory.Completion {
    /// What the answer to an action, or to a question about one, says.
    init(ofAction reply: ClientReply) {
        self =
            switch reply {
            case .acted(let landing): .landed(landing)
            case .actionStatus(let landing, let asOf): .status(landing, asOf: asOf)
            case .failed(let error) where error.outcome == .notApplied: .notApplied(error.code)
            default: .unknown
            }
    }
}

extension ClientReply {
    /// The revision that the answer to a read of a tree or a queue is a view of.
    package var viewRevision: Revision? {
        switch self {
        case .treeValues(let values): values.asOf
        case .treePage(let page): page.asOf
        case .count(_, let asOf): asOf
        case .queueValues(let values): values.asOf
        default: nil
        }
    }
}
