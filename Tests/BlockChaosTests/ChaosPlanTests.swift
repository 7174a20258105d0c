import BlockChaos
import BlockDeployment
import BlockRuntime
import Testing

@Suite("The fault plan of a chaos run") struct ChaosPlanTests {
    private static var members: [LocalCluster.Member] {
        var shape = LocalCluster.Shape()
        shape.proxies = 2
        return LocalCluster.members(of: shape)
    }

    private func plan(_ seed: UInt64, seconds: Int) -> ChaosPlan {
        ChaosPlan(seed: seed, members: Self.members, faultTime: .seconds(seconds))
    }

    @Test("The same seed draws the same plan, another one another")
    func seeds() {
        #expect(plan(1, seconds: 20) == plan(1, seconds: 20))
        #expect(plan(1, seconds: 20).events != plan(2, seconds: 20).events)
    }

    @Test(
        "Every seed kills one of each role, pauses, cuts off, and does whatever else there is",
        arguments: [Limits.chaosSecondsMin, 20, 60, 300])
    func complete(seconds: Int) {
        for seed in 0..<500 as Range<UInt64> {
            let events = plan(seed, seconds: seconds).events
            let roles = events.compactMap { event in
                if case .kill(let member) = event.fault { member.role } else { nil }
            }
            #expect(Set(roles) == Set(LocalCluster.Member.Role.allCases), "seed \(seed)")
            let kinds = Set(events.map(\.fault.kind))
            #expect(kinds == Set(ChaosPlan.Fault.Kind.allCases), "seed \(seed)")
        }
    }

    @Test("Everything happens in the time for it, and no process suffers twice at one time")
    func times() {
        for seed in 0..<500 as Range<UInt64> {
            let plan = plan(seed, seconds: 30)
            var ends: [LocalCluster.Member: Duration] = [:]
            for (left, right) in zip(plan.events, plan.events.dropFirst()) {
                #expect(left.begin <= right.begin)
            }
            for event in plan.events {
                #expect(event.begin >= .zero && event.begin <= event.end)
                #expect(event.end <= plan.faultTime)
                let hit: [LocalCluster.Member] =
                    switch event.fault {
                    case .kill(let member), .pause(let member): [member]
                    case .powerCut: Self.members.filter { $0.role == .storagePeer }
                    default: []
                    }
                for member in hit {
                    #expect(ends[member].map { $0 < event.begin } ?? true, "seed \(seed)")
                    ends[member] = event.end
                }
            }
        }
    }

    @Test("What a fault does to links is what it says, on the links of its member alone")
    func conditions() {
        let peer = LocalCluster.Member(.storagePeer, 2)
        let links = Link.all(of: Self.members)
        // 2 proxies for the clients, 2 coordinators for each of them, 3 peers for each of those.
        #expect(links.count == 2 + 4 + 6)
        let own = links.filter { $0.target == peer }
        let cut = ChaosPlan.Fault.partition(peer, .replies, own).conditions(of: Self.members)
        #expect(Set(cut.keys) == Set(own))
        #expect(cut.values.allSatisfy { $0.holdsReplies && !$0.holdsRequests })
        let loss = ChaosPlan.Fault.loss(peer, rate: 100).conditions(of: Self.members)
        #expect(loss.values.allSatisfy { $0.lossRate == 100 } && loss.count == 2)
        #expect(ChaosPlan.Fault.kill(peer).conditions(of: Self.members).isEmpty)
        let coordinator = LocalCluster.Member(.coordinator, 1)
        let broken = ChaosPlan.Fault.halfOpen(coordinator).conditions(of: Self.members)
        #expect(broken.values.allSatisfy(\.isHalfOpen) && broken.count == 2)
    }

    @Test("Conditions of one link add up")
    func sum() {
        var slow = LinkCondition()
        slow.delay = .milliseconds(5)
        slow.lossRate = 10
        var cut = LinkCondition()
        cut.delay = .milliseconds(7)
        cut.holdsRequests = true
        let sum = slow.adding(cut)
        #expect(sum.delay == .milliseconds(12))
        #expect(sum.lossRate == 10)
        #expect(sum.holdsRequests && !sum.holdsReplies && !sum.isHalfOpen)
    }
}
