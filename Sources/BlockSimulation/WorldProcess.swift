import BlockRuntime

/// What all processes of a world have in common: a life, a clock, and a moment to be woken at.
class WorldProcess {
    let node: NodeID
    unowned let world: World
    /// Counts starts and ends: odd while the process runs. Messages to another life are lost.
    final private(set) var life = 0
    private var clock = NodeClock()
    private var timer = WakeTimer()
    final let wallClock = WallClock()

    init(node: NodeID, world: World) {
        self.node = node
        self.world = world
    }

    final var isRunning: Bool { life % 2 == 1 }

    /// What this process believes the time to be.
    final var now: Instant { clock.reading(at: world.now) }

    /// Begins a life, with a clock of its own.
    final func begin() {
        invariant(!isRunning, "\(node) runs already")
        life += 1
        if world.plan.hasClockFaults {
            mark("world.clock.own")
            clock = NodeClock(startingAt: world.now, using: &world.generator)
        }
        log { "starts" }
    }

    final func end() {
        guard isRunning else { return }
        life += 1
        timer.reset()
    }

    /// Time and chance of this life.
    final func environment(_ entropy: SeededEntropy) -> Environment {
        let started = now
        let clock = wallClock
        return Environment(
            now: { started }, wallMilliseconds: { clock.milliseconds },
            entropy: { entropy.next() })
    }

    /// Has the process woken when its own clock shows `instant`.
    final func wake(at instant: Instant?) {
        guard isRunning, let moment = timer.arm(instant, clock, now: world.now) else { return }
        world.schedule(.wake(node, life: life, due: moment), at: moment)
    }

    /// A wake that was scheduled has come; an earlier one may have taken its place.
    final func woken(_ due: Instant) { if timer.fires(for: due) { tick() } }

    /// One line of what this process would log.
    final func log(_ line: () -> String) { world.log(node, line) }

    // MARK: What each role does

    /// The service would have logged this as an error, or as worse.
    func logged(_ line: String, isCritical: Bool) {
        if isCritical { world.alarms.append("\(node): \(line)") }
    }

    func restart() {}
    func crash() {}
    func tick() {}

    /// Is asked to stop, and has some time for it. - Returns: Whether it takes that time.
    func beginDrain() -> Bool { false }
    func endDrain() {}

    func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {}
    func connectionBroke(with node: NodeID) {}

    /// What is still under way although no client waits for anything any more.
    var leftovers: [String] { [] }
}
