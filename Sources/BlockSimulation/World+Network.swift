import BlockRuntime

/// The network of a world: loses, doubles, delays and reorders while there are faults.
extension World {
    /// - Parameter life: The life of the receiver that the message is for; nil for whichever lives
    ///   when it comes, as with a socket that reconnects.
    func send(_ message: SimulatedMessage, from: NodeID, to: NodeID, life: Int? = nil) {
        let senderLife = self.life(of: from)
        let isFaulty = isFaulty && !(plan.sparesClients && !from.isPeer && !to.isPeer)
        if isFaulty, generator.chance(plan.lossRate, in: 1000) {
            mark("world.message.lost")
            note { "\(from) -x \(to)  \(message.summary)" }
            return
        }
        if isFaulty, isCut(from: from, to: to) {
            mark("world.message.cut")
            note { "\(from) -/ \(to)  \(message.summary)" }
            return
        }
        // A connection delivers a request at most once; what a coordinator and a peer say to each
        // other must bear more.
        let isDoubled =
            isFaulty && message.mayBeDoubled && generator.chance(plan.duplicationRate, in: 1000)
        if isDoubled { mark("world.message.doubled") }
        for _ in 0..<(isDoubled ? 2 : 1) {
            schedule(
                .deliver(message, from: from, to: to, life: life, senderLife: senderLife),
                after: isFaulty ? delay(from: from, to: to) : shortDelay())
        }
    }

    private func isCut(from: NodeID, to: NodeID) -> Bool {
        cuts.contains { $0.cuts(from: from, to: to) && now < $0.until }
    }

    /// Cuts one process off from some others, in one direction or in both, for a while.
    func partition() {
        guard isFaulty else { return }
        cuts.removeAll { now >= $0.until }
        let nodes =
            peers.indices.map { NodeID.peer($0) }
            + coordinators.indices.map { NodeID.coordinator($0) }
            + proxies.indices.map { NodeID.proxy($0) }
        let victim = nodes[generator.below(nodes.count)]
        let isTotal = generator.chance(1, in: 2)
        var others: Set<NodeID> = []
        for node in nodes where isTotal || generator.chance(1, in: 2) { others.insert(node) }
        let direction = generator.below(3)
        let cut = NetworkCut(
            victim: victim, others: others, cutsIncoming: direction != 0,
            cutsOutgoing: direction != 1,
            until: now.advanced(by: .milliseconds(50 + generator.below(3000))))
        note { "\(victim) is cut off: \(cut)" }
        mark("world.partition")
        cuts.append(cut)
    }

    private func shortDelay() -> Duration { .microseconds(50 + generator.below(100)) }

    /// A base of 50 µs and a random part; sometimes seconds.
    private func delay(from: NodeID, to: NodeID) -> Duration {
        if generator.chance(plan.clogRate, in: 1000) {
            mark("world.message.clogged")
            return .milliseconds(500 + generator.below(6000))
        }
        // Two uniform draws multiplied: most are short, some several times the mean.
        var scale = generator.below(1000) * generator.below(1000)
        if generator.chance(plan.stragglerRate, in: 1000) {
            mark("world.message.straggler")
            scale *= 2 + generator.below(14)
        }
        if plan.hasWeather { scale *= slowness(from: from, to: to) }
        let random = plan.delayMean.nanoseconds * Int64(scale) / 250_000
        return .microseconds(50) + .nanoseconds(random)
    }

    /// Most links are fast at any time, the others as slow as several rounds of the fast ones.
    private func slowness(from: NodeID, to: NodeID) -> Int {
        let link = NetworkLink(from: from, to: to)
        if let known = weather[link], now < known.until { return known.slowness }
        let isSlow = generator.chance(plan.slowLinkRate, in: 1000)
        if isSlow { mark("world.link.slow") }
        let drawn = LinkWeather(
            slowness: isSlow ? 4 + generator.below(plan.slownessMax) : 1,
            until: now.advanced(by: .milliseconds(20 + generator.below(600))))
        weather[link] = drawn
        return drawn.slowness
    }
}

/// One direction between two processes.
struct NetworkLink: Hashable {
    let from: NodeID
    let to: NodeID
}

/// How many times slower a link is, and until when.
struct LinkWeather {
    let slowness: Int
    let until: Instant
}

/// One process that some others cannot reach, or that cannot reach them.
struct NetworkCut {
    let victim: NodeID
    let others: Set<NodeID>
    let cutsIncoming: Bool
    let cutsOutgoing: Bool
    let until: Instant

    func cuts(from: NodeID, to: NodeID) -> Bool {
        (cutsOutgoing && from == victim && others.contains(to))
            || (cutsIncoming && to == victim && others.contains(from))
    }
}
