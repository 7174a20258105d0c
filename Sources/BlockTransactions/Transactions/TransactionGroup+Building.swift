import BlockModel
import BlockRuntime

/// How the parts of the members on one collection become what is sent of it.
extension TransactionGroup {
    /// Goes as far as possible with one part.
    mutating func advance(_ collection: CollectionID, _ effects: inout WriterEffects) {
        guard !isOut, !active.isEmpty, var part = parts[collection], part.hasBegun,
            part.built == nil
        else { return }
        if let restsUntil, effects.now < restsUntil { return effects.wake(at: restsUntil) }
        // What comes prepared is scanned for here, and run by nobody.
        let isRun = !places(on: collection).contains { $0.1.prepared != nil }
        let built = part.source.advance(&effects, isFree: isRun)
        parts[collection] = part
        take(effects.takeResponses(), of: collection)
        let shares = places(on: collection)
        guard !isTickWanted, !shares.isEmpty else { return }
        guard let log = part.source.log else {
            // The source reads it by itself for actions only.
            parts[collection]?.source.readTail(&effects)
            return
        }
        // Members have seen different revisions: each is looked for from its own on.
        guard part.source.isScanned else { return }
        noteScan(of: collection, log, shares)
        guard built != nil || !isRun || shares.allSatisfy({ $0.1.actions.isEmpty }) else { return }
        if isBehind(log, shares) {
            parts[collection]?.source.readTail(&effects)
            return
        }
        guard isSendable(built, on: log, shares, collection) else { return }
        bind(built, to: log, shares, collection, effects)
    }

    /// The home does not hold the members whose actions wait still, up to the end of its log.
    private mutating func noteScan(
        of collection: CollectionID, _ log: LogState, _ shares: [(Place, TransactionPart)]
    ) {
        guard collection == home, let source = parts[collection]?.source else { return }
        for (place, share) in shares
        where members[place].ids(on: share).allSatisfy({ source.action($0) != nil }) {
            members[place].homeWasScanned(through: log.revision)
            if members[place].refusal != nil { isTickWanted = true }
        }
    }

    /// Whether a client has seen more of a log than is known here.
    private func isBehind(_ log: LogState, _ shares: [(Place, TransactionPart)]) -> Bool {
        log.tailRead == 0
            && shares.contains { ($0.1.expectedRevision ?? .zero) > log.revision }
    }

    // MARK: Who can take part

    /// Whether what was built of a collection can be sent as it is. Members that cannot take part
    /// are refused, or leave.
    private mutating func isSendable(
        _ built: BatchBuilder.Built?, on log: LogState, _ shares: [(Place, TransactionPart)],
        _ collection: CollectionID
    ) -> Bool {
        var outcomes: [ActionID: ActionOutcome] = [:]
        if let built {
            for (action, outcome) in zip(built.actions, built.outcomes) {
                outcomes[action.action] = outcome
            }
        }
        var verdicts: [(Place, MemberVerdict)] = []
        var isWritten = false
        let isAlone = active.count == 1
        let lacksBlocks = parts[collection]?.source.lacksBlocks == true
        for (place, share) in shares {
            let own = members[place].ids(on: share).map { outcomes[$0] }
            let verdict = MemberVerdict(
                on: share, share.prepared == nil ? own : [], log, isBehindAnother: isWritten,
                isAlone: isAlone, lacksBlocks: lacksBlocks)
            verdicts.append((place, verdict))
            isWritten = isWritten || (share.writes && verdict == .good)
        }
        // One that is to be answered goes first: the others are built without it.
        guard !shares.contains(where: { isHeldUp(by: members[$0.0]) }) else { return false }
        return carryOut(verdicts, collection)
    }

    /// - Returns: Whether all of them are good.
    private mutating func carryOut(
        _ verdicts: [(Place, MemberVerdict)], _ collection: CollectionID
    ) -> Bool {
        var isGood = true
        for (place, verdict) in verdicts {
            switch verdict {
            case .good: continue
            case .waits: break
            case .refused(let error): refuse(error, place, by: collection)
            case .failed(let error):
                members[place].fail(error)
                isTickWanted = true
            case .notHere: leave(place)
            }
            isGood = false
        }
        return isGood
    }

    // MARK: What is built

    /// What was built of a part is to land after `log`.
    private mutating func bind(
        _ built: BatchBuilder.Built?, to log: LogState, _ shares: [(Place, TransactionPart)],
        _ collection: CollectionID, _ effects: WriterEffects
    ) {
        invariant(parts[collection]?.built == nil, "a part is bound twice")
        let writes = shares.contains { $0.1.writes }
        let participant = Participant(
            collection: collection, incarnation: log.incarnation, target: log.revision.next,
            role: writes ? .writes : .reads)
        guard writes, let built = built ?? prepared(shares, on: log, collection) else {
            parts[collection]?.built = Built(participant: participant, batch: nil, commit: nil)
            return
        }
        var own = built.under(payload)
        if collection == home { own = own.recording(shares.map { members[$0.0].record }) }
        let batch = InFlightBatch(own, on: log, checkpoint: nil)
        parts[collection]?.built = Built(
            participant: participant, batch: batch, commit: batch.commit(of: collection, effects))
    }

    /// What the handlers of a custom collection have made of a member's actions, at the revision
    /// that it is at. At most one member writes it: any other has seen another revision.
    private func prepared(
        _ shares: [(Place, TransactionPart)], on log: LogState, _ collection: CollectionID
    ) -> BatchBuilder.Built? {
        let writing = shares.filter { $0.1.prepared != nil }
        guard let (place, share) = writing.first, let prepared = share.prepared,
            let source = parts[collection]?.source
        else { return nil }
        invariant(writing.count == 1, "two members were prepared at one revision")
        invariant(share.expectedRevision == log.revision, "prepared at another revision")
        let actions = members[place].ids(on: share).compactMap { source.action($0) }
        invariant(actions.count == share.actions.count, "an action that does not wait is sent")
        return BatchBuilder.Built(actions, prepared, on: log, of: collection, payload: payload)
    }

    /// What a source has answered to actions of the members.
    private mutating func take(
        _ responses: [(token: CollectionWriter.Token, reply: ClientReply)],
        of collection: CollectionID
    ) {
        for response in responses {
            let token = MemberToken(response.token)
            // One that was answered already, for another of its actions, is told nothing more.
            guard active.contains(token.place), members[token.place].answer == nil else { continue }
            switch response.reply {
            case .acted(let landing):
                members[token.place].landed(landing, token.number, on: collection)
                isTickWanted = true
            case .failed(let error) where error.code == .actionIDReuse && collection == home:
                members[token.place].isReuse(error)
                isTickWanted = true
            case .failed(let error):
                let looksAnew =
                    !members[token.place].mayBeRefused(by: collection) && active.count == 1
                refuse(error, token.place, by: collection)
                // The others are answered again, by what is looked at then.
                if looksAnew { return }
            default: invariant(false, "an action cannot be answered with \(response.reply)")
            }
        }
    }
}
