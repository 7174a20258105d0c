import BlockConsensus
import BlockModel
import BlockRuntime

/// A coordinator's walk over the tails of all collections, page after page, for ever: it has
/// resolved what attempts over several collections have left of which no proxy asks: intents whose
/// coordinator died, and decisions that are still open (protocol: home-decides,
/// open-decisions-hold-the-log).
///
/// A coordinator that meets an intent resolves it as well; this is for collections that no client
/// uses, and so that no home is kept from being truncated or dropped. Every coordinator walks on
/// its own; what two of them resolve is resolved once.
package struct IntentWalk {
    private let interval: Duration
    private var cursor: CollectionID?
    /// When the next page is due; nil while one is under way.
    package private(set) var dueAt: Instant?
    /// Chosen tails of the page that have something to resolve.
    private var tails: [Tail] = []

    package init(interval: Duration, now: Instant) {
        self.interval = interval
        dueAt = now.advanced(by: interval)
    }

    /// The page that is due; nil when none is.
    package mutating func next(now: Instant) -> RepositoryRequest? {
        guard let due = dueAt, due <= now else { return nil }
        dueAt = nil
        return .listCollections(
            after: cursor, countMax: UInt32(Limits.intentWalkPageCountMax))
    }

    /// The page has come, or could not be had.
    /// - Returns: What is to be resolved first; nil when the walk rests.
    package mutating func received(_ reply: RepositoryReply, now: Instant) -> Upkeep? {
        invariant(dueAt == nil && tails.isEmpty, "an answer while nothing was asked")
        cursor = nil
        if case .collections(let page, let next) = reply {
            cursor = next
            tails = page.compactMap(\.live).filter {
                !$0.intents.isEmpty || !$0.openDecisions.isEmpty
            }
        }
        return resolveNext(now: now)
    }

    /// What was to be resolved is under way.
    /// - Returns: As ``received(_:now:)``.
    package mutating func resolveNext(now: Instant) -> Upkeep? {
        guard let tail = tails.popLast() else {
            dueAt = now.advanced(by: interval)
            return nil
        }
        mark("intentWalk.found")
        return .resolveIntents(tail)
    }
}
