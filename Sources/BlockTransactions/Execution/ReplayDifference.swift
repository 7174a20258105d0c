import BlockModel
import BlockRuntime

/// Something that the log of a collection, or a replica, says otherwise than the execution of its
/// actions.
package struct ReplayDifference: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        /// The entry is not the next one.
        case order
        /// The action cannot be executed.
        case action(ActionID)
        case outcome(ActionID)
        case header
        case block(BlockID, BlockPart)
        case read(BlockID)
        /// What the replicas hold of a block.
        case copy(BlockID)
    }

    /// What an entry says of a block that it writes.
    package enum BlockPart: String, Hashable, Sendable {
        /// That it writes the block.
        case write
        /// The write below.
        case base
        case transformHash = "transform hash"
        case resultHash = "result hash"
    }

    package let revision: Revision
    package let subject: Subject
    /// What the execution made, and what there is, in words.
    package let problem: String

    init(_ revision: Revision, _ subject: Subject, executed: String, found: String) {
        self.init(revision, subject, "execution gives \(executed), the log says \(found)")
    }

    init(_ revision: Revision, _ subject: Subject, _ problem: String) {
        invariant(!problem.isEmpty, "a difference without words")
        self.revision = revision
        self.subject = subject
        self.problem = problem
    }

    /// Whether what follows the entry cannot be compared any more: it was made on another state.
    package var endsReplay: Bool {
        switch subject {
        case .order, .action, .header, .block: true
        case .outcome, .read, .copy: false
        }
    }

    /// What it is about, with its revision.
    package var object: String {
        switch subject {
        case .order: "entry \(revision)"
        case .action(let id), .outcome(let id): "action \(id) at \(revision)"
        case .header: "header at \(revision)"
        case .block(let id, _), .read(let id), .copy(let id): "block \(id) at \(revision)"
        }
    }
}

extension ReplayDifference: CustomStringConvertible {
    package var description: String { "\(object): \(problem)" }
}
