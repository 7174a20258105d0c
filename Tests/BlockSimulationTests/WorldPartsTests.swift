import BlockRuntime
import BlockSimulation
import Testing

/// The parts of a world that are not machines: its clocks, its queue, its broken networks.
@Suite struct WorldPartsTests {
    @Test("Events come out by time, and those of one instant in the order they went in")
    func order() {
        var queue = EventQueue<Int>()
        var generator = SeededGenerator(seed: 7)
        var added: [(instant: Int64, number: Int)] = []
        var popped: [(instant: Int64, number: Int)] = []
        for number in 0..<2000 {
            let instant = Int64(generator.below(50))
            queue.add(number, at: Instant(nanoseconds: instant))
            added.append((instant, number))
            if generator.chance(1, in: 3), let next = queue.next, let event = queue.popNext() {
                popped.append((next.nanoseconds, event))
                added.removeAll { $0.number == event }
                #expect(added.allSatisfy { (next.nanoseconds, event) < ($0.instant, $0.number) })
            }
        }
        while let next = queue.next, let event = queue.popNext() {
            popped.append((next.nanoseconds, event))
        }
        #expect(Set(popped.map(\.number)).count == 2000)
    }

    @Test("A clock shows a reading at the moment it gives for it, and never before")
    func clocks() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            let started = Instant(nanoseconds: Int64(generator.below(1 << 40)))
            let clock = NodeClock(startingAt: started, using: &generator)
            let delay = Duration.nanoseconds(Int64(generator.below(1 << 38)))
            let wanted = clock.reading(at: started).advanced(by: delay)
            let moment = clock.moment(showing: wanted)
            let late = clock.reading(at: moment).since(wanted)
            #expect(clock.reading(at: moment) >= wanted)
            #expect(late < .microseconds(10))
            let took = Double(moment.since(started).nanoseconds)
            let share = took / Double(max(1, delay.nanoseconds))
            #expect(delay < .milliseconds(1) || (0.9...1.12).contains(share), "\(share)")
        }
        let readings = (0..<20).map { _ in
            NodeClock(startingAt: .origin, using: &generator).reading(at: .origin)
        }
        #expect(Set(readings).count > 15, "clocks begin at moments of their own")
        #expect(NodeClock().moment(showing: .distantFuture) == .distantFuture)
    }

    @Test("Of all wakes of a timer the earliest counts, once")
    func timers() {
        var timer = WakeTimer()
        let clock = NodeClock()
        func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
        #expect(timer.arm(nil, clock, now: at(0)) == nil)
        #expect(timer.arm(at(9), clock, now: at(0)) == at(9))
        #expect(timer.arm(at(12), clock, now: at(0)) == nil)
        #expect(timer.arm(at(5), clock, now: at(0)) == at(5))
        let isEarlier = timer.fires(for: at(5))
        let isLater = timer.fires(for: at(9))
        #expect(isEarlier && !isLater)
        #expect(timer.arm(at(3), clock, now: at(6)) == at(6), "what is over is due at once")
    }

    private static let nodes: [NodeID] =
        (0..<5).map { .peer($0) } + (0..<2).map { .coordinator($0) } + [.proxy(0), .client(0)]

    @Test("A partition has the shape it is called by", arguments: NetworkPartition.Shape.allCases)
    func shapes(shape: NetworkPartition.Shape) {
        var generator = SeededGenerator(seed: 5)
        let nodes = WorldPartsTests.nodes
        for _ in 0..<50 {
            let partition = NetworkPartition(
                shape, among: nodes, until: .origin, using: &generator)
            func hears(_ to: NodeID, _ from: NodeID) -> Bool { !partition.cuts(from: from, to: to) }
            let deafness = nodes.map { to in nodes.count { $0 != to && !hears(to, $0) } }
            let isMutual = nodes.allSatisfy { left in
                nodes.allSatisfy { hears(left, $0) == hears($0, left) }
            }
            #expect(isMutual == (shape != .oneWay))
            switch shape {
            case .halves:
                #expect(deafness.allSatisfy { $0 > 0 })
                let side = nodes.filter { hears(nodes[0], $0) }
                #expect(side.allSatisfy { left in side.allSatisfy { hears(left, $0) } })
            case .bridge: #expect(deafness.count { $0 == 0 } == 1)
            case .node: #expect(deafness.count { $0 > 1 } <= 1)
            case .oneWay:
                #expect(deafness.count { $0 > 0 } > 0)
            case .ring:
                // Everybody hears a majority, and no two hear the same.
                #expect(deafness.allSatisfy { $0 > 0 && $0 < (nodes.count + 1) / 2 })
                #expect(Set(nodes.map { to in nodes.map { hears(to, $0) } }).count == nodes.count)
            }
        }
    }
}
