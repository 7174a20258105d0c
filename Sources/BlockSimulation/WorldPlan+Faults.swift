import BlockRuntime

/// The fault families beyond a bad network and crashes, each off in half of the worlds.
extension WorldPlan {
    /// What happens to processes and between them.
    mutating func drawProcessFaults(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0x0FA_17E5)
        func flip() -> Bool { generator.chance(1, in: 2) }
        partitionShapes = NetworkPartition.Shape.allCases.filter { _ in flip() }
        if partitionShapes.isEmpty { partitionShapes = [.node, .oneWay] }
        hasClockFaults = flip()
        if flip() { clockMoveEvery = .milliseconds(300 + generator.below(4000)) }
        crashesInsideTurns = flip()
        hasWalks = flip()
        staysBroken = flip()
        guard flip() else { return }
        pauseEvery = .milliseconds(300 + generator.below(5000))
        pauseMax = flip() ? .seconds(2) : .seconds(180)
        guard pauseMax > .seconds(60), flip() else { return }
        // The others must still be at it when a paused process wakes up after minutes.
        faultTime = .seconds(150 + generator.below(100))
        pace = 20 + generator.below(60)
        peerCrashEvery = peerCrashEvery.map { $0 * 8 }
        coordinatorCrashEvery = coordinatorCrashEvery.map { $0 * 8 }
        proxyCrashEvery = proxyCrashEvery.map { $0 * 8 }
        clientCrashEvery = clientCrashEvery.map { $0 * 8 }
        partitionEvery = partitionEvery.map { $0 * 8 }
        pauseEvery = .seconds(8)
    }

    /// What happens to disks.
    mutating func drawDiskFaults(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0xD15C)
        func flip() -> Bool { generator.chance(1, in: 2) }
        if flip() { slowDiskEvery = .milliseconds(500 + generator.below(6000)) }
        hasFullDisks = flip()
        hasSyncErrors = flip()
        hasReadErrors = flip()
    }

    /// Which disks may be bad, and what is asked at the end.
    mutating func drawAtlas(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0xA71A5)
        hasInspections = generator.chance(1, in: 2)
        // Each in half of the worlds: they meet in a quarter.
        losesDisks = generator.chance(1, in: 2)
        damagesDisks = generator.chance(1, in: 2)
        if !damagesDisks, generator.chance(1, in: 2) { memoBytesMax = 1 << 20 }
        var peers = Array(0..<peerCount)
        peers.shuffle(using: &generator)
        frailPeers = Array(peers.prefix((replicaCount - 1) / 2))
    }
}
