import BlockModel
import BlockRuntime
import BlockTransactions

/// A coordinator's walk over the pends of all shards, for ever: it learns from chosen tails what
/// became of each, and has it finalised or discarded (protocol C5.10). No pend ends by itself, so
/// that without it every attempt that died would take a place beside its blocks for good.
///
/// One request at a time. It rests after a page and goes on at once only after one on which dead
/// pends were: what landed is made final by its proxy, and mostly is before the walk comes to it.
/// Every coordinator walks on its own; what two of them settle is settled once.
package struct PendWalk {
    /// What the answer that is waited for is about.
    private enum Step {
        case page
        case tail(CollectionID)
        case object(LogObjectKey)
        case settlement
    }

    private let shardCount: Int
    private let interval: Duration
    private var shard: Int
    private var cursor: PendKey?
    /// When the next page is due; nil while one is under way.
    package private(set) var dueAt: Instant?
    private var step = Step.page

    /// What is left of the page, its first pend under way, and where the next page begins.
    private var pends: ArraySlice<KeptPend> = []
    private var nextCursor: PendKey?
    /// The page as it was listed, how often it was listed, and whether a dead one was on it.
    private var listed: [KeptPend] = []
    private var passCount = 0
    private var hasDiscarded = false
    /// Read for this page.
    private var tails: [CollectionID: TailValue] = [:]
    private var objects: [LogObjectKey: LogObject] = [:]
    /// Pends settled since the start, for the operator.
    package private(set) var settledCount: UInt64 = 0

    /// - Parameter firstShard: Drawn at random, so that coordinators begin in different places.
    package init(shardCount: Int, firstShard: Int, interval: Duration, now: Instant) {
        invariant(shardCount > 0, "a cluster has shards")
        self.shardCount = shardCount
        self.interval = interval
        shard = firstShard % shardCount
        dueAt = now.advanced(by: interval)
    }

    /// The page that is due; nil when none is.
    package mutating func next(now: Instant) -> RepositoryRequest? {
        guard let due = dueAt, due <= now else { return nil }
        dueAt = nil
        return list()
    }

    /// What was asked for has come, or could not be had.
    /// - Returns: The next request; nil when the walk rests.
    package mutating func received(_ reply: RepositoryReply, now: Instant) -> RepositoryRequest? {
        invariant(dueAt == nil, "an answer while nothing was asked")
        switch (step, reply) {
        case (.page, .pends(let page, let next)):
            let isStuck = page == listed
            listed = page
            nextCursor = next
            pends = isStuck ? [] : page[...]
        case (.page, _):
            // Then the others have their turn first.
            nextCursor = nil
            pends = []
        case (.tail(let collection), .tail(let value)): tails[collection] = value
        case (.object(let key), .content(let bytes)):
            guard let object = try? LogObject(key, bytes: bytes) else {
                pends.removeFirst()
                break
            }
            objects[key] = object
        case (.settlement, .discarded), (.settlement, .finalised):
            hasDiscarded = hasDiscarded || reply == .discarded
            settledCount += 1
            mark("pendWalk.settled")
            pends.removeFirst()
        default: pends.removeFirst()
        }
        return judge(now: now)
    }

    // MARK: Steps

    private mutating func list() -> RepositoryRequest {
        step = .page
        passCount += 1
        return .listPends(
            ShardID(rawValue: UInt32(shard)), after: cursor,
            countMax: UInt32(Limits.pendPageCountMax))
    }

    /// Asks for what the first pend of the page needs; passes over those that need nothing.
    private mutating func judge(now: Instant) -> RepositoryRequest? {
        while let kept = pends.first {
            guard let collection = kept.collection else {
                pends.removeFirst()
                continue
            }
            guard let value = tails[collection] else {
                step = .tail(collection)
                return .readTail(collection)
            }
            do throws(MissingObjects) {
                let verdict = try value.verdict(on: kept, PageObjects(objects: objects))
                if let request = verdict.request(about: kept, of: collection) {
                    step = .settlement
                    return request
                }
                pends.removeFirst()
            } catch {
                let key = error.keys[0]
                step = .object(key)
                return key.request
            }
        }
        return endPage(now: now)
    }

    /// A pend is listed with its lowest target only, so that a page on which something was settled
    /// is looked at again.
    private mutating func endPage(now: Instant) -> RepositoryRequest? {
        let goesOn = hasDiscarded
        hasDiscarded = false
        tails = [:]
        objects = [:]
        if goesOn, passCount < Limits.pendPassCountMax { return list() }
        passCount = 0
        listed = []
        cursor = nextCursor
        if cursor == nil { shard = (shard + 1) % shardCount }
        dueAt = goesOn ? now : now.advanced(by: interval)
        return nil
    }
}

/// What was fetched for a page.
private struct PageObjects: LogObjectSource {
    let objects: [LogObjectKey: LogObject]

    func object(_ key: LogObjectKey) -> LogObject? { objects[key] }
}

extension LogObjectKey {
    fileprivate var request: RepositoryRequest {
        switch self {
        case .segment(let key): .getSegment(key)
        case .body(let block): .getContent(block)
        }
    }
}

extension PendVerdict {
    /// What is to be done about a pend; nil: nothing, or nothing yet.
    fileprivate func request(
        about kept: KeptPend, of collection: CollectionID
    ) -> RepositoryRequest? {
        switch self {
        case .undecided, .truncated: nil
        case .discard: .discard(kept.key, target: kept.pend.target)
        case .finalise(let write):
            .finalise(
                FinaliseEntry(
                    collection: collection, incarnation: kept.key.key.incarnation,
                    revision: write.revision, payload: write.payload,
                    blocks: [
                        WrittenBlock(block: kept.key.key.block, resultHash: write.resultHash)
                    ]))
        }
    }
}
