import BlockDeployment
import BlockRuntime

/// What goes wrong in a run and when: all drawn from the seed.
package struct ChaosPlan: Hashable, Sendable {
    package typealias Member = LocalCluster.Member

    package enum Fault: Hashable, Sendable {
        /// SIGKILL; started again when the time is over.
        case kill(Member)
        /// SIGKILL to every storage peer at once, which lose whatever they have not synced.
        case powerCut
        /// SIGSTOP, and SIGCONT when the time is over: it goes on as if no time had passed.
        case pause(Member)
        /// What goes to the member, comes from it, or both, waits on these links.
        case partition(Member, Direction, [Link])
        /// Messages are lost on every link of the member, so many of a thousand.
        case loss(Member, rate: Int)
        /// Every link of the member is slow.
        case delay(Member, Duration, jitter: Duration)
        /// The member's connections break and those who made them are not told.
        case halfOpen(Member)
        /// Every connection to the member breaks at once.
        case reset(Member)
    }

    package enum Direction: String, Hashable, Sendable, CaseIterable {
        case requests, replies, both
    }

    package struct Event: Hashable, Sendable {
        /// From the beginning of the faults.
        package let begin: Duration
        package let end: Duration
        package let fault: Fault
    }

    package let seed: UInt64
    package let faultTime: Duration
    /// Ascending by ``Event/begin``.
    package let events: [Event]

    /// - Parameters:
    ///   - members: Of the cluster.
    ///   - faultTime: ``Limits/chaosSecondsMin`` at least, so that every fault finds its place.
    package init(seed: UInt64, members: [Member], faultTime: Duration) {
        self.seed = seed
        self.faultTime = faultTime
        var drawing = Drawing(
            generator: SeededGenerator(seed: seed ^ 0xC4A0_5EED), members: members,
            faultTime: faultTime)
        events = drawing.draw()
    }
}

extension ChaosPlan.Fault {
    /// What reports count it as.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case kill, powerCut, pause, partition, loss, delay, halfOpen, reset
    }

    package var kind: Kind {
        switch self {
        case .kill: .kill
        case .powerCut: .powerCut
        case .pause: .pause
        case .partition: .partition
        case .loss: .loss
        case .delay: .delay
        case .halfOpen: .halfOpen
        case .reset: .reset
        }
    }

    /// The condition of each link while the fault lasts; nothing for what happens to processes.
    package func conditions(of members: [LocalCluster.Member]) -> [Link: LinkCondition] {
        var condition = LinkCondition()
        let links: [Link]
        switch self {
        case .kill, .powerCut, .pause, .reset: return [:]
        case .partition(_, let direction, let cut):
            condition.holdsRequests = direction != .replies
            condition.holdsReplies = direction != .requests
            links = cut
        case .loss(let member, let rate):
            condition.lossRate = rate
            links = Link.all(of: members).filter { $0.touches(member) }
        case .delay(let member, let delay, let jitter):
            condition.delay = delay
            condition.jitter = jitter
            links = Link.all(of: members).filter { $0.touches(member) }
        case .halfOpen(let member):
            condition.isHalfOpen = true
            links = Link.all(of: members).filter { $0.target == member }
        }
        return Dictionary(uniqueKeysWithValues: links.map { ($0, condition) })
    }
}

extension Link {
    package func touches(_ member: LocalCluster.Member) -> Bool {
        source == member || target == member
    }
}

extension ChaosPlan.Fault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .kill(let member): "kill \(member)"
        case .powerCut: "cut the power of all storage peers"
        case .pause(let member): "pause \(member)"
        case .partition(let member, let direction, let links):
            "cut \(member) off (\(direction.rawValue), "
                + links.map(\.description).joined(separator: ", ") + ")"
        case .loss(let member, let rate): "lose \(rate) of 1000 messages of \(member)"
        case .delay(let member, let delay, let jitter):
            "delay \(member) by \(delay.milliseconds) to "
                + "\((delay + jitter).milliseconds) ms"
        case .halfOpen(let member): "half-open connections to \(member)"
        case .reset(let member): "break the connections to \(member)"
        }
    }
}

/// Draws the events of a plan.
private struct Drawing {
    /// Drawn once in every plan, before chance decides: a run that lacks one of them shows little.
    private enum Wish: CaseIterable {
        case killPeer, killCoordinator, killProxy, pause, partition
        case powerCut, loss, delay, halfOpen, reset
    }

    var generator: SeededGenerator
    let members: [ChaosPlan.Member]
    let faultTime: Duration
    /// Until when something is done to a process.
    private var busyUntil: [ChaosPlan.Member: Duration] = [:]

    init(generator: SeededGenerator, members: [ChaosPlan.Member], faultTime: Duration) {
        self.generator = generator
        self.members = members
        self.faultTime = faultTime
    }

    mutating func draw() -> [ChaosPlan.Event] {
        let wishes = Wish.allCases.shuffled(using: &generator)
        // The first of each come in the first two thirds, however short the time is.
        let pace = min(
            Duration.seconds(2), faultTime * 2 / 3 / wishes.count)
        var queue = wishes[...]
        var events: [ChaosPlan.Event] = []
        var at = pace / 2
        while at < faultTime * 9 / 10 {
            let wish = queue.popFirst() ?? Wish.allCases[generator.below(Wish.allCases.count)]
            if let event = event(wish, at) {
                events.append(event)
            } else {
                // Something is being done to all that it could be done to.
                queue.append(wish)
            }
            at += pace * 3 / 4 + .milliseconds(generator.below(Int(pace.milliseconds) / 2))
        }
        return events
    }

    private mutating func event(_ wish: Wish, _ at: Duration) -> ChaosPlan.Event? {
        guard let fault = fault(wish, at) else { return nil }
        let longest = min(Duration.seconds(5), faultTime / 6)
        var end = at + .milliseconds(200 + generator.below(Int(longest.milliseconds)))
        end = min(end, faultTime)
        switch fault {
        case .kill(let member), .pause(let member): busyUntil[member] = end
        case .powerCut:
            for member in members where member.role == .storagePeer { busyUntil[member] = end }
        case .reset: end = at
        case .partition, .loss, .delay, .halfOpen: break
        }
        return ChaosPlan.Event(begin: at, end: end, fault: fault)
    }

    private mutating func fault(_ wish: Wish, _ at: Duration) -> ChaosPlan.Fault? {
        switch wish {
        case .killPeer: free(at, [.storagePeer]).map { .kill($0) }
        case .killCoordinator: free(at, [.coordinator]).map { .kill($0) }
        case .killProxy: free(at, [.clientProxy]).map { .kill($0) }
        case .pause: free(at, ChaosPlan.Member.Role.allCases).map { .pause($0) }
        case .powerCut:
            members.allSatisfy { $0.role != .storagePeer || isFree($0, at) } ? .powerCut : nil
        case .partition: partition()
        case .loss: .loss(any(members), rate: 50 + generator.below(250))
        case .delay:
            .delay(
                any(members), .milliseconds(1 + generator.below(100)),
                jitter: .milliseconds(1 + generator.below(200)))
        case .halfOpen: .halfOpen(any(members))
        case .reset: .reset(any(members))
        }
    }

    private func isFree(_ member: ChaosPlan.Member, _ at: Duration) -> Bool {
        busyUntil[member].map { $0 < at } ?? true
    }

    /// One to whose process nothing is being done.
    private mutating func free(
        _ at: Duration, _ roles: [ChaosPlan.Member.Role]
    ) -> ChaosPlan.Member? {
        let free = members.filter { roles.contains($0.role) && isFree($0, at) }
        return free.isEmpty ? nil : any(free)
    }

    private mutating func any(_ members: [ChaosPlan.Member]) -> ChaosPlan.Member {
        members[generator.below(members.count)]
    }

    /// One process cut off from all that it talks to, or from some of it.
    private mutating func partition() -> ChaosPlan.Fault {
        let member = any(members)
        var links = Link.all(of: members).filter { $0.touches(member) }
        if generator.chance(1, in: 2) {
            let kept = links.filter { _ in generator.chance(1, in: 2) }
            if !kept.isEmpty { links = kept }
        }
        let directions = ChaosPlan.Direction.allCases
        return .partition(member, directions[generator.below(directions.count)], links)
    }
}
