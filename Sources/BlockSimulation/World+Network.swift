import BlockRuntime

/// The network of a world: loses, doubles, delays and reorders while there are faults.
extension World {
    /// - Parameter life: The life of the receiver that the message is for; nil for whichever lives
    ///   when it comes, as with a socket that reconnects.
    func send(_ message: SimulatedMessage, from: NodeID, to: NodeID, life: Int? = nil) {
        let senderLife = self.life(of: from)
        if isFaulty, generator.chance(plan.lossRate, in: 1000) {
            mark("world.message.lost")
            note { "\(from) -x \(to)  \(message.summary)" }
            return
        }
        let isDoubled = isFaulty && generator.chance(plan.duplicationRate, in: 1000)
        if isDoubled { mark("world.message.doubled") }
        for _ in 0..<(isDoubled ? 2 : 1) {
            schedule(
                .deliver(message, from: from, to: to, life: life, senderLife: senderLife),
                after: delay())
        }
    }

    /// A base of 50 µs and a random part; sometimes seconds.
    private func delay() -> Duration {
        guard isFaulty else { return .microseconds(50 + generator.below(100)) }
        if generator.chance(plan.clogRate, in: 1000) {
            mark("world.message.clogged")
            return .milliseconds(500 + generator.below(6000))
        }
        // Two uniform draws multiplied: most are short, some several times the mean.
        let scale = generator.below(1000) * generator.below(1000)
        let random = plan.delayMean.nanoseconds * Int64(scale) / 250_000
        return .microseconds(50) + .nanoseconds(random)
    }
}
