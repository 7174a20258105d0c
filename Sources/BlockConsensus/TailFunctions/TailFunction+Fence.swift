import BlockModel
import BlockRuntime

extension TailFunction {
    /// Fences an attempt at its home, unless that has decided it already: afterwards it never lands
    /// (protocol: fence-before-discard). What became of it, the value that is answered tells,
    /// together with the log: the entry at its target, a later life, the fence; or still nothing.
    static func fence(
        _ attempt: AttemptAnchor, _ value: TailValue, isChosen: Bool, policy: TailPolicy
    ) -> TailDecision {
        let part = attempt.home
        let name = attempt.attempt
        guard let tail = value.live, tail.incarnation == part.incarnation,
            part.target == tail.revision.next, !tail.holdsIntent(of: name)
        else { return .keep(.tail(value)) }
        guard !tail.aborted.contains(name) else { return .keep(.tail(value)) }
        guard tail.aborted.count < Limits.abortedAttemptCountMax else {
            return occupy(part.target, instead: name, tail, isChosen: isChosen, policy: policy)
        }
        var fenced = tail
        fenced.aborted = (tail.aborted + [name]).sorted()
        if isChosen { fenced.settled = tail.revision }
        return .replace(.live(fenced), .tail(.live(fenced)))
    }

    /// Where no fence has room, an entry that does nothing takes the place of the attempt, and of
    /// all that were fenced there. Not while an attempt over several collections counts on the
    /// revision: it is to be resolved first.
    private static func occupy(
        _ target: Revision, instead name: Digest, _ tail: Tail, isChosen: Bool, policy: TailPolicy
    ) -> TailDecision {
        let value = TailValue.live(tail)
        guard tail.exclusiveIntent == nil, tail.sharedIntents.isEmpty else {
            return .keep(.tail(value))
        }
        mark("tail.fence.occupies")
        let id = Digest(domain: "optimystic/no-operation/1", name.bytes).bytes
        let body = EntryBody.empty.canonicalBytes
        let entry = Entry(
            kind: .noOperation, revision: target,
            payload: PayloadID(
                action: ActionID(
                    rawValue: Identifier128(id.prefix(Identifier128.byteCount)) ?? .zero),
                execution: 0),
            bodyHash: BlockID(content: body).digest, body: .inline(body),
            // A coordinator has no clock to date it by.
            wallMilliseconds: tail.entries.last?.wallMilliseconds ?? 0,
            previousHash: tail.lastHash)
        return append(entry, to: tail, isChosen: isChosen, policy: policy).answeringTail
    }
}
