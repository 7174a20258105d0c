import BlockModel
import BlockRuntime
import BlockTransactions

/// Tasks that find out where several collections were at one moment.
extension ProxyTask {
    mutating func snapshot(
        of lives: [CollectionLife], _ input: Input, _ effects: inout TaskEffects
    ) {
        var proof = cut ?? CutProof(of: lives)
        if case .tail(let value) = input {
            guard let tail = value.live, tail.incarnation == proof.next.incarnation else {
                return effects.respond(.failed(Self.gone))
            }
            proof.looked(tail.revision)
            if let cut = proof.cut { return effects.respond(.snapshot(cut)) }
        }
        cut = proof
        effects.readTail(proof.next.collection)
    }
}
