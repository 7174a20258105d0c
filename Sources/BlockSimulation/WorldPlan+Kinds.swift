import BlockModel
import BlockRuntime
import BlockWorkloads

/// Worlds with one theme.
extension WorldPlan {
    /// Turns a plan into a duel: coordinators that want one small diary at the same time, over
    /// links that lose and hold back messages, and nothing else. What breaks between ballots breaks
    /// here, in worlds that are soon over.
    mutating func makeDuel(_ generator: inout SeededGenerator) {
        replicaCount = 3
        peerCount = 3
        shardCount = 1
        coordinatorCount = 2 + generator.below(2)
        proxyCount = 3
        clientCount = 3 + generator.below(4)
        collectionCount = 1
        structures = [nil]
        operationCount = 40 + generator.below(60)
        openEntryCountMax = 32
        valueBytesMax = 10
        lossRate = 100 + generator.below(250)
        duplicationRate = 0
        delayMean = .milliseconds(1 + generator.below(40))
        stragglerRate = 100 + generator.below(400)
        clogRate = 0
        peerCrashEvery = nil
        crashesInsideCycles = false
        hasPowerCuts = false
        partitionEvery = nil
        coordinatorCrashEvery = nil
        proxyCrashEvery = nil
        clientCrashEvery = nil
        hasWeather = generator.chance(3, in: 4)
        if hasWeather {
            lossRate = 50 + generator.below(300)
            delayMean = .milliseconds(1 + generator.below(8))
            stragglerRate = generator.below(200)
            sparesClients = true
            operationCount = 50 + generator.below(80)
        }
        isSpread = true
        faultTime = .seconds(20)
    }

    /// Turns a plan into a storm: one log that several coordinators fight over, on links and peers
    /// that fail all the time. Rules that need three ballots in a row to be broken break here.
    mutating func makeStormy(_ generator: inout SeededGenerator) {
        replicaCount = 3
        // With other peers than the tail's, a body or segment may be lost where the tail is not.
        peerCount = generator.chance(1, in: 2) ? 3 : 5
        shardCount = peerCount == 3 ? 1 : 8
        coordinatorCount = 3
        proxyCount = 3
        clientCount = 4 + generator.below(4)
        collectionCount = 1
        operationCount = 50 + generator.below(60)
        openEntryCountMax = 1 + generator.below(2)
        valueBytesMax = generator.chance(1, in: 2) ? 4000 : 40
        lossRate = 30 + generator.below(220)
        delayMean = .milliseconds(1 + generator.below(25))
        stragglerRate = 50 + generator.below(250)
        peerCrashEvery = .milliseconds(150 + generator.below(600))
        crashesInsideCycles = generator.chance(2, in: 3)
        partitionEvery = .milliseconds(200 + generator.below(1500))
        coordinatorCrashEvery = .milliseconds(150 + generator.below(1200))
        faultTime = .seconds(12)
    }

    /// Turns a plan into a fight over one small tree: proxies that rebase on each other all the
    /// time, over links that double and reorder, with coordinators that die in between. What breaks
    /// between pends, binds, discards and rebases breaks here.
    mutating func makeHot(_ generator: inout SeededGenerator) {
        replicaCount = 3
        // In half of them pends go to other peers than the prepares they race with.
        let isWide = generator.chance(1, in: 2)
        peerCount = isWide ? 5 : 3
        shardCount = isWide ? 8 : 1
        coordinatorCount = 2 + generator.below(2)
        proxyCount = 3
        clientCount = 4 + generator.below(3)
        collectionCount = 1
        operationCount = 50 + generator.below(60)
        openEntryCountMax = generator.chance(1, in: 2) ? 1 + generator.below(3) : 32
        lossRate = generator.chance(1, in: 2) ? generator.below(150) : 0
        duplicationRate = 100 + generator.below(400)
        delayMean = .milliseconds(1 + generator.below(12))
        stragglerRate = 50 + generator.below(250)
        clogRate = generator.chance(1, in: 3) ? generator.below(10) : 0
        peerCrashEvery =
            generator.chance(1, in: 2) ? .milliseconds(500 + generator.below(2000)) : nil
        crashesInsideCycles = generator.chance(1, in: 3)
        hasPowerCuts = false
        partitionEvery = nil
        coordinatorCrashEvery =
            generator.chance(1, in: 2) ? .milliseconds(300 + generator.below(1500)) : nil
        proxyCrashEvery = nil
        clientCrashEvery = nil
        hasWeather = generator.chance(1, in: 2)
        if generator.chance(1, in: 2) {
            // Messages of several rounds overtake each other, and come twice.
            hasWeather = true
            sparesClients = true
            slowLinkRate = 300 + generator.below(400)
            slownessMax = 20 + generator.below(100)
            delayMean = .milliseconds(1 + generator.below(4))
            duplicationRate = 300 + generator.below(400)
            lossRate = 50 + generator.below(150)
        }
        isSpread = true
        faultTime = .seconds(15)
        let isRegisters = generator.chance(1, in: 2)
        structures = [
            StructurePlan(
                name: "tree-0", kind: .tree, capacity: UInt32(4 + generator.below(3)),
                keyCount: isRegisters ? 3 + generator.below(6) : 12 + generator.below(50),
                operationCount: operationCount, valueBytesMax: 1 + generator.below(60),
                largeValueEvery: nil, dropEvery: generator.chance(1, in: 4) ? 20 : nil,
                isRegisters: isRegisters)
        ]
    }

    /// Turns one of so many worlds into an application with an embedded database: one process, one
    /// disk, no network. What its clients do stays as it was drawn.
    mutating func drawEmbedding(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0xE3BE_DDED)
        guard generator.chance(1, in: 12) else { return }
        isEmbedded = true
        replicaCount = 1
        peerCount = 1
        shardCount = 1
        coordinatorCount = 1
        proxyCount = 1
        lossRate = 0
        duplicationRate = 0
        stragglerRate = 0
        clogRate = 0
        delayMean = .microseconds(20)
        connectionBreakRate = 0
        hasWeather = false
        sparesClients = false
        partitionEvery = nil
        peerCrashEvery = nil
        coordinatorCrashEvery = nil
        proxyCrashEvery = .milliseconds(150 + generator.below(1200))
        crashesInsideCycles = generator.chance(2, in: 3)
        hasPowerCuts = false
        crashesInsideTurns = false
        crashAtStep = nil
        hasClockFaults = generator.chance(1, in: 2)
        clockMoveEvery = nil
        slowDiskEvery = nil
        pauseEvery = nil
        pace = 1
        faultTime = min(faultTime, .seconds(15))
        damagesDisks = false
        losesDisks = false
        frailPeers = []
        hasWalks = false
        staysBroken = false
        hasSyncErrors = generator.chance(1, in: 2)
        hasFullDisks = generator.chance(1, in: 3)
        hasReadErrors = generator.chance(1, in: 3)
    }
}
