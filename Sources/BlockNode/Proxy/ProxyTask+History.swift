import BlockModel
import BlockRuntime
import BlockTransactions

/// Tasks about the history of a collection: what is left of it, and what is not any more.
extension ProxyTask {
    /// Truncates, or sets how much is kept.
    func changeHistory(
        _ request: RepositoryRequest, _ input: Input, _ effects: inout TaskEffects
    ) {
        switch input {
        case .reply(.tail(let value)):
            guard let tail = value.live else { return effects.respond(.failed(Self.gone)) }
            effects.respond(.history(HistoryState(tail)))
        case .reply(.refused): effects.respond(.failed(Self.gone))
        default: effects.call(request)
        }
    }

    static let gone = DatabaseError(
        .collectionNotFound,
        "the collection was dropped, and perhaps created again, since it was opened")

    /// Something that the tail points to is nowhere: history may have been truncated since the tail
    /// was read, and then the tail says so (protocol: truncate-then-delete).
    mutating func looksAgain(
        after error: DatabaseError, _ effects: inout TaskEffects
    ) -> Bool {
        guard error.code == .corrupted, !hasLookedAgain,
            let collection = tail?.collection ?? collectionOfBlocks
        else { return false }
        // Whether an attempt landed is not known better by another look at the tail.
        if case .commit = request { return false }
        hasLookedAgain = true
        unconfirmed = nil
        fetched = [:]
        fetchedBlocks = [:]
        effects.readTail(collection)
        return true
    }

    /// The first one that a request for blocks names.
    private var collectionOfBlocks: CollectionID? {
        guard case .readBlocks(let requests) = request else { return nil }
        return requests.compactMap(\.collection).min()
    }

    /// Tells an answer as of `revision`, after a look at a tail that is younger than every block
    /// it was made of: replicas that have truncated a revision answer with what is left.
    mutating func confirm(
        _ reply: ClientReply, asOf revision: Revision?, _ effects: inout TaskEffects
    ) {
        guard revision != nil, !fetchedBlocks.isEmpty, let tail else {
            return effects.respond(reply)
        }
        invariant(unconfirmed == nil, "an answer while another one is not confirmed")
        unconfirmed = reply
        effects.readTail(tail.collection)
    }
}

extension HistoryState {
    init(_ tail: Tail) {
        self.init(
            truncatedThrough: tail.truncatedThrough, finalThrough: tail.greatestTruncation,
            retention: tail.retention)
    }
}

extension Tail {
    /// Why there is nothing to read as of `revision`; nil when there is.
    func problem(asOf revision: Revision) -> DatabaseError? {
        if revision > self.revision {
            return DatabaseError(
                .positionNotFound,
                "revision \(revision) does not exist yet: \"\(name)\" is at \(self.revision)")
        }
        return truncationProblem(revision)
    }

    /// Why what `revision` left, or follows it, cannot be told; nil when it can.
    func truncationProblem(_ revision: Revision) -> DatabaseError? {
        guard revision < truncatedThrough else { return nil }
        return DatabaseError(
            .historyTruncated,
            "revision \(revision) of \"\(name)\" is gone, history through "
                + "\(truncatedThrough) is truncated")
    }
}
