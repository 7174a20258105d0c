import BlockConsensus
import BlockModel
import BlockRuntime
import BlockTransactions

/// A coordinator's walk over the pends of all shards, for ever: it learns from chosen tails what
/// became of each, and has it finalised or discarded (protocol: no-timer-removes-a-pend). No pend
/// ends by itself, so that without it every attempt that died would take a place beside its blocks
/// for good.
///
/// An attempt that nothing decides, at the next revision of a collection that rests, may land any
/// moment, or be that of a transactor that died: it would be in the way of one that does not
/// compete with others (``PendingPolicy/fail``). It is left alone for a while, then fenced at its
/// home, and only then discarded (protocol: fence-before-discard).
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
        /// What the block was at the target of a pend, whose history is truncated.
        case floor
        case settlement
        case fence
    }

    /// What a walk has its host ask of the coordinator.
    package enum Request: Hashable, Sendable {
        case repository(RepositoryRequest)
        case upkeep(Upkeep)

        package func event(_ token: Coordinator.Token, deadline: Instant) -> Coordinator.Event {
            switch self {
            case .repository(let request): .request(token, request, deadline: deadline)
            case .upkeep(let upkeep): .upkeep(token, upkeep, deadline: deadline)
            }
        }
    }

    private var turn: ShardTurn
    private var pace: WalkPace
    private var cursor: PendKey?
    private var step = Step.page

    /// What is left of the page, its first pend under way, and where the next page begins.
    private var pends: ArraySlice<KeptPend> = []
    private var nextCursor: PendKey?
    /// The page as it was listed, how often it was listed, and whether a dead one was on it.
    private var listed: [KeptPend] = []
    private var passCount = 0
    private var hasDiscarded = false
    /// The pend whose attempt was fenced last.
    private var fenced: KeptPend?
    /// The pend whose home was found to be over, or to have no history of it, before its own
    /// collection was read (protocol: vanished-reads-again).
    private var homeless: PendKey?
    private var suspects = SuspectPends()
    /// Read for this page.
    private var tails: [CollectionID: TailValue] = [:]
    private var objects: [LogObjectKey: LogObject] = [:]
    /// Pends settled since the start, for the operator.
    package private(set) var settledCount: UInt64 = 0

    /// - Parameter firstShard: Drawn at random, so that coordinators begin in different places.
    package init(shardCount: Int, firstShard: Int, interval: Duration, now: Instant) {
        turn = ShardTurn(shardCount: shardCount, first: firstShard)
        pace = WalkPace(interval: interval, now: now)
    }

    /// When the next page is due; nil while one is under way.
    package var dueAt: Instant? { pace.dueAt }

    /// The page that is due; nil when none is.
    package mutating func next(now: Instant) -> Request? {
        guard pace.begins(at: now) else { return nil }
        invariant(pends.isEmpty && tails.isEmpty, "a page begins within another one")
        return list()
    }

    /// What was asked for has come, or could not be had.
    /// - Returns: The next request; nil when the walk rests.
    package mutating func received(_ reply: RepositoryReply, now: Instant) -> Request? {
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
        case (.fence, .tail(let value)):
            mark("pendWalk.fenced")
            fenced = pends.first
            if let kept = fenced {
                tails[kept.attempt.home.collection] = value
                if kept.transaction != nil { return judge(kept, value, now) }
            }
        case (.object(let key), .content(let bytes)):
            guard let object = try? LogObject(key, bytes: bytes) else {
                pends.removeFirst()
                break
            }
            objects[key] = object
        case (.floor, .block(let copy)):
            guard let kept = pends.first else { break }
            guard kept.isSuperseded(by: copy?.write) else {
                pends.removeFirst()
                break
            }
            step = .settlement
            return .upkeep(.discard(kept.key, target: kept.pend.target))
        case (.settlement, .finalised): pendEnded()
        default: pends.removeFirst()
        }
        return judge(now: now)
    }

    /// What was to be discarded is.
    /// - Returns: As ``received(_:now:)``.
    package mutating func discarded(now: Instant) -> Request? {
        invariant(dueAt == nil, "an answer while nothing was asked")
        hasDiscarded = true
        pendEnded()
        return judge(now: now)
    }

    private mutating func pendEnded() {
        invariant(!pends.isEmpty, "a pend is settled that is not on the page")
        settledCount += 1
        mark("pendWalk.settled")
        pends.removeFirst()
    }

    // MARK: Steps

    private mutating func list() -> Request {
        invariant(passCount < Limits.pendPassCountMax, "pass \(passCount + 1) over one page")
        step = .page
        passCount += 1
        return .repository(
            .listPends(
                turn.shard, after: cursor, countMax: UInt32(Limits.pendPageCountMax)))
    }

    /// Asks for what the first pend of the page needs; passes over those that need nothing.
    private mutating func judge(now: Instant) -> Request? {
        while let kept = pends.first {
            let collection = kept.collection
            guard let value = tails[collection] else {
                step = .tail(collection)
                return .repository(.readTail(collection))
            }
            do throws(MissingObjects) {
                let verdict = try value.verdict(on: kept, PageObjects(objects: objects))
                if let request = verdict.request(about: kept) {
                    step = .settlement
                    return request
                }
                if verdict == .truncated {
                    step = .floor
                    return .repository(
                        .readBlock(
                            BlockReadRequest(key: kept.key.key, revision: kept.pend.target)))
                }
                if verdict == .undecided, let request = fence(kept, value, now) { return request }
                pends.removeFirst()
            } catch {
                let key = error.keys[0]
                step = .object(key)
                return .repository(key.request)
            }
        }
        return endPage(now: now)
    }

    /// What to do about an attempt that nothing decides; nil: nothing, or nothing yet.
    private mutating func fence(
        _ kept: KeptPend, _ value: TailValue, _ now: Instant
    ) -> Request? {
        // Patience is all that this is; who is fenced too early only tries again.
        let isImpatient = buggify("buggify.pendWalk.impatient")
        guard value.canFence(kept), fenced != kept || homeless == kept.key,
            isImpatient || suspects.age(of: kept, at: now) >= Limits.fencePoliteness
        else { return nil }
        if planted(.discardWithoutFence) || homeless == kept.key {
            step = .settlement
            return .upkeep(.discard(kept.key, target: kept.pend.target))
        }
        step = .fence
        return .upkeep(.fence(kept.attempt))
    }

    /// A fence at the home of an attempt over several collections was asked for: this is what the
    /// home says of it now. One that is dead leaves pends everywhere; one that is not is left to
    /// the coordinators that resolve its intents.
    private mutating func judge(
        _ kept: KeptPend, _ home: TailValue, _ now: Instant
    ) -> Request? {
        do throws(MissingObjects) {
            switch try home.fate(of: kept.attempt, PageObjects(objects: objects)) {
            case .dead:
                step = .settlement
                return .upkeep(.discard(kept.key, target: kept.pend.target))
            case .vanished:
                // What was read of its own collection before that is forgotten.
                homeless = kept.key
                tails[kept.collection] = nil
                return judge(now: now)
            case .committed, .undecided: break
            }
        } catch {
            // The target is sealed by now: the next walk finds it decided.
        }
        pends.removeFirst()
        return judge(now: now)
    }

    /// A pend is listed with its lowest target only, so that a page on which something was settled
    /// is looked at again.
    private mutating func endPage(now: Instant) -> Request? {
        invariant(pends.isEmpty, "a page ends before its last pend")
        let goesOn = hasDiscarded
        hasDiscarded = false
        fenced = nil
        tails = [:]
        objects = [:]
        if goesOn, passCount < Limits.pendPassCountMax { return list() }
        passCount = 0
        listed = []
        cursor = nextCursor
        if cursor == nil, turn.next() { suspects.walkEnded() }
        pace.ended(at: now, goesOn: goesOn)
        return nil
    }

    /// Stops the process unless a walk that rests has nothing under way.
    /// - Complexity: O(1).
    package func checkInvariants() {
        invariant(dueAt == nil || pends.isEmpty, "a walk rests on a page")
        invariant(pends.count <= listed.count, "\(pends.count) pends of a page of \(listed.count)")
        invariant(passCount <= Limits.pendPassCountMax, "pass \(passCount) over one page")
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
    fileprivate func request(about kept: KeptPend) -> PendWalk.Request? {
        switch self {
        case .undecided, .truncated: nil
        case .discard: .upkeep(.discard(kept.key, target: kept.pend.target))
        case .finalise(let write):
            .repository(
                .finalise(
                    FinaliseEntry(
                        collection: kept.collection, incarnation: kept.key.key.incarnation,
                        revision: write.revision, payload: write.payload,
                        blocks: [
                            WrittenBlock(block: kept.key.key.block, resultHash: write.resultHash)
                        ])))
        }
    }
}

extension KeptPend {
    /// Whether a pend whose target is truncated is of no use any more: everything up to there is a
    /// version on a quorum, or has a later one there that is. Where the newest of a quorum is the
    /// pend's own write it landed: the scrub brings that to the replicas that lack it, and ends the
    /// pend (protocol: no-timer-removes-a-pend).
    fileprivate func isSuperseded(by newest: CommittedWrite?) -> Bool {
        newest?.revision != pend.target || newest?.payload != pend.payload
    }
}
