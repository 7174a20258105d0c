import BlockRuntime

/// What one client of a load test does next, drawn from the mix of its workload.
package struct LoadChoice: Sendable {
    package enum Step: Hashable, Sendable {
        case read(Int)
        case update(Int)
        /// Of the record after all that were.
        case insert
        case scan(from: Int, count: Int)
        case readModifyWrite(Int)
        case append
        /// Between two accounts.
        case transfer(from: Int, to: Int)
    }

    private let workload: LoadWorkload
    private var generator: SeededGenerator
    /// The ranks of the newest records; nil where popularity is scattered.
    private var newest: ZipfianRanks?
    /// The records that popularity is scattered over, whether they are there yet or not: a record
    /// that comes must not change which are popular.
    private let scatteredCount: Int

    /// - Parameter recordCount: Records that are loaded before anything is drawn.
    /// - Complexity: O(recordCount) where the latest are popular; see ``drawing(from:)``.
    package init(_ workload: LoadWorkload, recordCount: Int, generator: SeededGenerator) {
        self.workload = workload
        self.generator = generator
        let inserts = workload.shares.contains { $0.kind == .insert }
        scatteredCount = inserts ? 2 * recordCount : recordCount
        if workload.popularity == .latest { newest = ZipfianRanks(count: recordCount) }
    }

    /// The same choice for another client.
    package func drawing(from generator: SeededGenerator) -> LoadChoice {
        var choice = self
        choice.generator = generator
        return choice
    }

    /// - Parameter recordCount: Records there are by now; it never gets less.
    package mutating func next(recordCount: Int) -> Step {
        switch kind() {
        case .read: .read(record(recordCount))
        case .update: .update(record(recordCount))
        case .insert: .insert
        case .scan:
            .scan(
                from: record(recordCount),
                count: 1 + generator.below(LoadWorkload.scanCountMax))
        case .readModifyWrite: .readModifyWrite(record(recordCount))
        case .append: .append
        case .transfer: transfer(recordCount)
        }
    }

    private mutating func transfer(_ count: Int) -> Step {
        let from = record(count)
        while true {
            let to = record(count)
            if to != from { return .transfer(from: from, to: to) }
        }
    }

    private mutating func kind() -> LoadWorkload.Kind {
        var drawn = generator.below(100)
        for (kind, percent) in workload.shares {
            if drawn < percent { return kind }
            drawn -= percent
        }
        fatalError("invariant: the shares of \(workload) are together 100 %")
    }

    private mutating func record(_ count: Int) -> Int {
        if workload.popularity == .uniform { return generator.below(count) }
        guard newest == nil else {
            newest?.grow(to: count)
            return count - 1 - (newest?.rank(using: &generator) ?? 0)
        }
        // At least half of the numbers are there, so this ends soon.
        while true {
            let rank = ZipfianRanks.ofManyItems.rank(using: &generator)
            let number = Int(LoadRecord.scramble(rank) % UInt64(scatteredCount))
            if number < count { return number }
        }
    }
}

/// Numbers of records that are given out in order and done in any order.
package struct RecordNumbers: Sendable {
    /// Every number below it is done.
    package private(set) var doneCount: Int
    private var next: Int
    private var doneAhead: Set<Int> = []
    /// Numbers whose insert failed: their records may or may not be there.
    package private(set) var doubtful: Set<Int> = []

    /// - Parameter loaded: Records that are there from the beginning.
    package init(loaded: Int) {
        doneCount = loaded
        next = loaded
    }

    package mutating func take() -> Int {
        defer { next += 1 }
        return next
    }

    package mutating func finish(_ number: Int, isAcknowledged: Bool) {
        invariant(number >= doneCount && number < next, "\(number) is not under way")
        if !isAcknowledged { doubtful.insert(number) }
        doneAhead.insert(number)
        while doneAhead.remove(doneCount) != nil { doneCount += 1 }
    }
}
