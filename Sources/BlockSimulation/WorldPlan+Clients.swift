import BlockRuntime
import BlockWorkloads

/// What clients do besides, in some worlds.
extension WorldPlan {
    /// Lets clients break their connections, in a third of the worlds.
    mutating func drawBrokenConnections(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0xB4EA_5EED)
        if generator.chance(1, in: 3) { connectionBreakRate = 20 + generator.below(200) }
    }

    /// Has coordinators execute attempts again before they take them, in some of the worlds in
    /// which they can execute all of them.
    mutating func drawValidation(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0x7A11_5EED)
        validates = generator.chance(1, in: 6) && customs.isEmpty && spread?.hasCustom != true
    }

    /// Makes the last collection a custom one, in one of so many worlds: local collections and raw
    /// attempts take the place of what would have been done there.
    mutating func drawCustoms(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0xC057_5EED)
        let number = collectionCount - 1
        // A duel is of one diary.
        guard !isDuel, transactions[number] == nil, generator.chance(1, in: 3) else { return }
        customs[number] = CustomPlan(
            name: "custom-\(number)", capacity: UInt32(4 + generator.below(3)),
            sheetCount: generator.chance(1, in: 2)
                ? 2 + generator.below(4) : 8 + generator.below(12),
            operationCount: operationCount * 2 / 3,
            dropEvery: generator.chance(1, in: 3) ? 40 : nil,
            isRaw: generator.chance(1, in: 2))
        if number < structures.count { structures[number] = nil }
    }

    /// Makes the first collection a tree of lists or counters, in one of so many worlds. What goes
    /// wrong there stays as it was drawn.
    mutating func drawTransactions(_ seed: UInt64, oneIn count: Int) {
        var generator = SeededGenerator(seed: seed ^ 0xE11E_5EED)
        guard generator.chance(1, in: count) else { return }
        if collectionCount > 1, generator.chance(1, in: 2) {
            // All clients meet there.
            collectionCount = 1
            structures = Array(structures.prefix(1))
        }
        let isOfLists = generator.chance(3, in: 4)
        transactions[0] = TransactionPlan(
            name: isOfLists ? "lists-0" : "counters-0", workload: isOfLists ? .lists : .counters,
            capacity: UInt32(4 + generator.below(3)),
            keyCount: generator.chance(3, in: 4)
                ? 2 + generator.below(6) : 10 + generator.below(20),
            operationCount: operationCount)
    }

    /// Makes the first collection the ledger of a bank with branches in several trees, in one of so
    /// many worlds. What goes wrong there stays as it was drawn.
    mutating func drawBank(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0xBA2C_5EED)
        guard !isDuel, transactions[0] == nil, customs[0] == nil, generator.chance(1, in: 5)
        else { return }
        bank = BankPlan(
            branchNames: (0..<(1 + generator.below(3))).map { "branch-\($0)" },
            ledgerName: "ledger", accountCount: 2 + generator.below(6),
            capacity: UInt32(4 + generator.below(3)), operationCount: max(8, operationCount / 2),
            wallBegin: WallClock.first)
        if !structures.isEmpty { structures[0] = nil }
    }

    /// Makes the first collection one of several trees of lists, in one of so many worlds.
    mutating func drawSpread(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0x59EA_5EED)
        guard !isDuel, bank == nil, transactions[0] == nil, customs[0] == nil,
            generator.chance(1, in: 5)
        else { return }
        spread = SpreadPlan(
            name: "spread", treeNames: (0..<(2 + generator.below(2))).map { "spread-\($0)" },
            hasCustom: generator.chance(1, in: 2), capacity: UInt32(4 + generator.below(3)),
            keyCount: 2 + generator.below(4),
            operationCount: operationCount)
        if !structures.isEmpty { structures[0] = nil }
    }

    /// Has the clients of the first collection hunt for one anomaly over several collections, in
    /// one of so many worlds. What goes wrong there stays as it was drawn, but that services die at
    /// the steps of transactions of which no part may be seen.
    mutating func drawAnomalies(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0xA203_5EED)
        guard !isDuel, bank == nil, spread == nil, transactions[0] == nil, customs[0] == nil,
            generator.chance(1, in: 3)
        else { return }
        if collectionCount > 1, generator.chance(1, in: 2) {
            // All clients meet there.
            collectionCount = 1
            structures = Array(structures.prefix(1))
            customs = [:]
        }
        if !structures.isEmpty { structures[0] = nil }
        let anomaly = Anomaly.allCases[generator.below(Anomaly.allCases.count)]
        let isTorn = anomaly == .tornWrite
        let count = isTorn ? 3 : 2 + generator.below(2)
        anomalies = AnomalyPlan(
            anomaly, collectionNames: (0..<count).map { "\(anomaly)-\($0)" },
            capacity: UInt32(4 + generator.below(3)), keyCount: 1 + generator.below(4),
            operationCount: isTorn ? min(operationCount, 1 + 600 / clientCount) : operationCount)
        guard isTorn else { return }
        crashAtStep = generator.below(60)
        // With everything else that goes wrong, few transactions get as far as to their last steps.
        if generator.chance(2, in: 3) { leaveOnlyDeathsAtSteps() }
    }

    /// Nothing else goes wrong with processes and links.
    private mutating func leaveOnlyDeathsAtSteps() {
        lossRate = 0
        duplicationRate = 0
        stragglerRate = 0
        clogRate = 0
        delayMean = .milliseconds(1)
        peerCrashEvery = nil
        crashesInsideCycles = false
        hasPowerCuts = false
        partitionEvery = nil
        coordinatorCrashEvery = nil
        proxyCrashEvery = nil
        clientCrashEvery = nil
    }
}
