import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// Where several collections were at one moment.
@Suite("Cut proof") struct CutProofTests {
    private static func lives(_ count: Int) -> [CollectionLife] {
        (0..<count).map {
            CollectionLife(
                collection: CollectionID(name: "c\($0)"),
                incarnation: Incarnation(generation: 1, nonce: .zero))
        }
    }

    /// Looks at collections that move by themselves before each look, and checks the cut against
    /// all the moments that there were.
    /// - Returns: Whether the cut is one of those moments.
    private static func run(_ seed: UInt64, collections: Int) -> Bool {
        var generator = SeededGenerator(seed: seed)
        var now = Array(repeating: UInt64(1), count: collections)
        var moments: Set<[UInt64]> = []
        var proof = CutProof(of: lives(collections))
        var restlessness = 4
        while true {
            for _ in 0..<generator.below(3) where generator.below(10) < restlessness {
                now[generator.below(collections)] += 1
                moments.insert(now)
            }
            moments.insert(now)
            let place = proof.lives.firstIndex(of: proof.next) ?? 0
            proof.looked(Revision(now[place]))
            if let cut = proof.cut { return moments.contains(cut.map(\.rawValue)) }
            if proof.lookCount > 40 { restlessness = 0 }
        }
    }

    // protocol: vector-is-proven
    @Test("Whatever moves between the looks, a cut was there at one moment")
    func moving() {
        for seed in 1...400 as ClosedRange<UInt64> {
            #expect(Self.run(seed, collections: 1 + Int(seed % 4)), "seed \(seed)")
        }
        SimulationHooks.$plantedBug.withValue(.cutOfOneLook) {
            let torn = (1...400 as ClosedRange<UInt64>).count { !Self.run($0, collections: 3) }
            #expect(torn > 0)
        }
    }

    @Test("Collections that rest take one look each, and one more all but the last")
    func looks() {
        for count in 1...5 {
            var proof = CutProof(of: Self.lives(count))
            while proof.cut == nil { proof.looked(Revision(7)) }
            #expect(proof.lookCount == 2 * count - 1)
            #expect(proof.cut == Array(repeating: Revision(7), count: count))
        }
    }
}
