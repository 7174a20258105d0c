import BlockModel
import BlockRuntime

/// What a transaction has read and is about to write, collection by collection: the one thing its
/// body changes.
package struct TransactionState: Sendable {
    /// In the order in which they were first used.
    package private(set) var drafts: [CollectionDraft] = []
    package var hasEnded = false

    package init() {}

    package func draft(of collection: CollectionID) -> CollectionDraft? {
        drafts.first { $0.info.collection == collection }
    }

    /// Changes what is known of a collection, which the transaction uses from then on.
    /// - Parameter seen: The greatest revision of it that its handle has shown.
    /// - Throws: `.invalidArgument` after the end, for a handle of another life, and for too many
    ///   collections; and what `body` throws.
    package mutating func update<Result: Sendable>(
        _ info: CollectionInfo, seen: Revision,
        _ body: (inout CollectionDraft) throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        guard !hasEnded else {
            throw DatabaseError(.invalidArgument, "a transaction is used after its end")
        }
        let place: Int
        if let known = drafts.firstIndex(where: { $0.info.collection == info.collection }) {
            guard drafts[known].info.incarnation == info.incarnation else {
                throw DatabaseError(
                    .invalidArgument,
                    "a transaction uses two lives of \"\(info.name)\": one handle was opened "
                        + "before it was dropped and made anew")
            }
            place = known
        } else {
            guard drafts.count < Limits.participantCountMax else {
                throw DatabaseError(
                    .invalidArgument,
                    "a transaction over more than participantCountMax = "
                        + "\(Limits.participantCountMax) collections")
            }
            place = drafts.count
            drafts.append(CollectionDraft(info, seen: seen))
        }
        defer {
            invariant(
                drafts[place].info.collection == info.collection, "a draft of another collection")
        }
        return try body(&drafts[place])
    }

    /// The handlers of a custom collection have done what the transaction wants of them.
    package mutating func take(
        _ actions: [Bytes], _ prepared: PreparedActions, on collection: CollectionID
    ) {
        guard let place = drafts.firstIndex(where: { $0.info.collection == collection }) else {
            return invariant(false, "actions on a collection that is not used")
        }
        drafts[place].take(actions, prepared)
    }

    /// The revisions that everything was read as of.
    var reads: [ReadCollection] {
        drafts.compactMap { draft in
            draft.snapshot.map {
                ReadCollection(collection: draft.info.collection, revision: $0)
            }
        }
    }

    /// The collections that something was read of.
    package var looked: [CollectionDraft] { drafts.filter { $0.snapshot != nil } }
}
