import BlockModel
import BlockRuntime

extension TailFunction {
    /// Lands one attempt of one collection, or says why not; of one over several collections, at
    /// its home, it is the decision, and stays open until all others have carried it out (protocol:
    /// coordinator-never-retargets, dedupe-scan, home-decides).
    ///
    /// The answer `moved` says whether the entry at the target was looked at: when it is sealed it
    /// may be the attempt's own, and the proxy that gets the answer reads it
    /// (protocol: moved-says-what-was-looked-for). It goes before `blocked`, which thus says that
    /// nothing is at the target yet.
    static func commit(
        _ request: CommitAttempt, _ value: TailValue, isChosen: Bool, policy: TailPolicy
    ) -> TailDecision {
        guard let tail = value.live,
            tail.incarnation == request.participant.incarnation || planted(.lifeIgnored)
        else {
            return .keep(.refused(.gone(value)))
        }
        if let landed = tail.entries.first(where: { $0.payload.action == request.payload.action }) {
            mark("tail.commit.alreadyLanded")
            return .keep(.committed(landed.revision, chainHash: landed.chainHash))
        }
        guard tail.revision.next == request.participant.target else {
            // An open entry at the target is another's: else it would have been found above.
            let isOpen = tail.openEntry(at: request.participant.target) != nil
            let isLost = isOpen || planted(.sealedTakenForLost)
            return .keep(.refused(.moved(landing: isLost ? .absent : .notLookedFor, value)))
        }
        let isHeld = !tail.sharedIntents.isEmpty && !planted(.sharedIntentIgnored)
        if tail.exclusiveIntent != nil || isHeld {
            return .keep(.refused(.blocked(value)))
        }
        if !tail.aborted.isEmpty, tail.aborted.contains(request.attempt.digest) {
            mark("tail.commit.fenced")
            return .keep(.refused(.fenced(value)))
        }
        if let problem = headerProblem(request, tail) { return .keep(.failed(problem)) }
        let entry = makeEntry(request, after: tail)
        guard let transaction = request.transaction else {
            return append(entry, to: tail, isChosen: isChosen, policy: policy)
        }
        invariant(transaction.home == tail.collection, "decided elsewhere than at the home")
        guard tail.openDecisions.count < Limits.openDecisionCountMax else {
            let error = DatabaseError(
                .overloaded,
                "\(tail.openDecisions.count) decisions of \"\(tail.name)\" are not carried out "
                    + "everywhere yet, openDecisionCountMax = \(Limits.openDecisionCountMax)",
                retryAfter: RetryTiming.afterFullTable)
            return .keep(.failed(error))
        }
        var deciding = tail
        if transaction.participants.count > 1 {
            deciding.openDecisions.append(
                OpenDecision(attempt: transaction.digest, target: entry.revision))
        }
        return append(entry, to: deciding, isChosen: isChosen, policy: policy)
    }

    /// Why the entry must not be made: what a collection holds never changes.
    static func headerProblem(_ request: CommitAttempt, _ tail: Tail) -> DatabaseError? {
        guard let header = request.headerAfter, !header.hasSameContent(as: tail.header) else {
            return nil
        }
        return DatabaseError(
            .invalidArgument,
            "an entry changes what the collection holds: \(tail.header) to \(header)")
    }

    /// The entry of an attempt: a function of the attempt and the chain so far.
    static func makeEntry(_ request: CommitAttempt, after tail: Tail) -> Entry {
        let body: BodyLocation =
            request.isInline
            ? .inline(request.body) : .stored(byteCount: UInt32(request.body.count))
        let kind: EntryKind =
            request.body != EntryBody.empty.canonicalBytes
            ? .actions : request.checkpoint != nil ? .checkpoint : .noOperation
        return Entry(
            kind: kind, revision: request.participant.target, payload: request.payload,
            bodyHash: BlockID(content: request.body).digest, body: body,
            headerAfter: request.headerAfter, home: request.transaction?.home,
            participants: request.transaction?.participants ?? [], checkpoint: request.checkpoint,
            wallMilliseconds: request.wallMilliseconds,
            previousHash: tail.lastHash)
    }

    /// Appends `entry`, sealing the open entries first when they are full.
    static func append(
        _ entry: Entry, to tail: Tail, isChosen: Bool, policy: TailPolicy
    ) -> TailDecision {
        invariant(tail.exclusiveIntent == nil, "something is appended before an intent's entry")
        invariant(entry.revision == tail.revision.next, "\(entry.revision) after \(tail.revision)")
        invariant(entry.previousHash == tail.lastHash, "the entry continues another chain")
        var grown = tail
        let bytes = tail.entries.reduce(entry.byteCount) { $0 + $1.byteCount }
        let isFull =
            tail.entries.count >= policy.openEntryCountMax || bytes > Limits.tailEntriesBytesMax
        let segment = isFull && !tail.entries.isEmpty ? seal(&grown) : nil
        grown.entries.append(entry)
        grown.revision = entry.revision
        grown.lastHash = entry.chainHash
        grown.aborted = []
        if isChosen { grown.settled = tail.revision }
        if let header = entry.headerAfter {
            grown.header = header
            grown.headerRevision = entry.revision
        }
        if let checkpoint = entry.checkpoint {
            grown.checkpoint = tail.checkpoint.merged(with: checkpoint)
        }
        let reply = RepositoryReply.committed(entry.revision, chainHash: grown.lastHash)
        if let segment { return .seal(segment, .live(grown), reply) }
        return .replace(.live(grown), reply)
    }
}

extension CommitAttempt {
    /// Whether the body rides inside the entry.
    package var isInline: Bool { body.count <= Limits.inlineBodyBytesMax }
}
