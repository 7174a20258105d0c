import BlockModel
import BlockNode
import BlockRuntime
import Testing

@Suite("What transactions touch together is asked of one coordinator")
struct SharedAffinityTests {
    private static func collection(_ number: Int) -> CollectionID {
        CollectionID(name: "tree-\(number)")
    }

    private static func attempt(home: Int, _ others: Int...) -> Attempt {
        let participants = ([home] + others).map {
            Participant(
                collection: collection($0), incarnation: Incarnation(generation: 1, nonce: .zero),
                target: Revision(2))
        }
        let action = ActionID(rawValue: Identifier128(1))
        return Attempt(
            payload: PayloadID(action: action, execution: 0), home: collection(home),
            participants: participants)
    }

    /// By whose coordinators the first collections are served.
    private static func leaders(_ affinity: SharedAffinity, at now: Instant) -> [CollectionID] {
        (0..<4).map { affinity.leader(of: collection($0), at: now) }
    }

    @Test("Participants go with the home, for a while") func participants() {
        var affinity = SharedAffinity()
        affinity.bind(Self.attempt(home: 1, 0, 2), at: .origin)
        #expect(Self.leaders(affinity, at: .origin) == [1, 1, 1, 3].map(Self.collection))
        let later = Instant.origin.advanced(by: Limits.sharedAffinityTime)
        #expect(Self.leaders(affinity, at: later) == [0, 1, 2, 3].map(Self.collection))
    }

    @Test("A change of one collection binds nothing") func alone() {
        var affinity = SharedAffinity()
        affinity.bind(Self.attempt(home: 1, 0), at: .origin)
        affinity.bind(Self.attempt(home: 2), at: .origin)
        #expect(Self.leaders(affinity, at: .origin) == [1, 1, 2, 3].map(Self.collection))
    }

    @Test("Whoever is bound through others comes to the same one, in whatever order")
    func chains() {
        let attempts = [
            Self.attempt(home: 0, 1), Self.attempt(home: 2, 1), Self.attempt(home: 3, 0, 2),
        ]
        for first in attempts.indices {
            var affinity = SharedAffinity()
            for round in 0..<3 * attempts.count {
                affinity.bind(attempts[(first + round) % attempts.count], at: .origin)
            }
            let leaders = Set(Self.leaders(affinity, at: .origin))
            #expect(leaders.count == 1, "\(leaders)")
        }
    }
}
