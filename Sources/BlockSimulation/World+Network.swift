import BlockRuntime

/// The network of a world: loses, doubles, delays and reorders while there are faults.
extension World {
    /// - Parameter life: The life of the receiver that the message is for; nil for whichever lives
    ///   when it comes, as with a socket that reconnects.
    func send(_ message: SimulatedMessage, from: NodeID, to: NodeID, life: Int? = nil) {
        let senderLife = process(from).life
        if !broken.isEmpty, broken[from] == .cutOff || broken[to] == .cutOff { return }
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
        if partitions.isEmpty { return false }
        return partitions.contains { now < $0.until && $0.cuts(from: from, to: to) }
    }

    /// The network breaks in one of the shapes of this world, for a while.
    func partition() {
        partitions.removeAll { now >= $0.until }
        let shapes = plan.partitionShapes
        let shape = shapes[generator.below(shapes.count)]
        let partition = NetworkPartition(
            shape, among: services + clients.map(\.node),
            until: now.advanced(by: .milliseconds(50 + generator.below(3000))), using: &generator)
        note { "partition: \(shape) until \(partition.until.nanoseconds / 1000) µs" }
        mark(shape.name)
        partitions.append(partition)
    }

    func shortDelay() -> Duration { .microseconds(50 + generator.below(100)) }

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
struct NetworkLink: Hashable, Sendable {
    let from: NodeID
    let to: NodeID
}

/// How many times slower a link is, and until when.
struct LinkWeather {
    let slowness: Int
    let until: Instant
}
