import BlockRuntime
import BlockWorkloads
import Optimystic
import Synchronization

/// What a run works on.
enum LoadTarget: Sendable {
    case tree(Tree<Bytes, Bytes>)
    case diary(Diary<Bytes>)
    case bank(LoadBank)
}

/// One client: does what its workload draws, keeps what it was told, and looks at what it reads.
struct LoadClient: Sendable {
    /// Between a failure and the next operation, so that a cluster that refuses everything is not
    /// asked as fast as it can refuse.
    private static let pauseAfterFailure = Duration.milliseconds(10)

    /// From 1.
    let number: Int
    let setting: LoadSetting
    let database: Database
    let target: LoadTarget
    let state: LoadState
    /// What it draws its steps from.
    let choice: LoadChoice

    /// - Parameters:
    ///   - measured: What begins from here on is measured.
    ///   - end: When no operation begins any more.
    func work(from measured: Instant, until end: Instant) async throws {
        let environment = setting.environment
        var choice = choice
        var sequence = 0
        while environment.now() < end {
            let step = choice.next(recordCount: state.numbers.withLock { $0.doneCount })
            sequence += 1
            let began = environment.now()
            do {
                try await perform(step, sequence)
                let took = environment.now().since(began)
                state.succeeded(step.kind, took, isMeasured: began >= measured)
            } catch let error as DatabaseError {
                state.failed(step.kind, error)
                try await Task.sleep(for: error.retryAfter ?? LoadClient.pauseAfterFailure)
            }
        }
    }

    private func perform(_ step: LoadChoice.Step, _ sequence: Int) async throws {
        switch (step, target) {
        case (.read(let number), .tree(let tree)): try await read(tree, number)
        case (.update(let number), .tree(let tree)):
            try await write(number, sequence) {
                try await set(tree, number, sequence, existed: true)
            }
        case (.insert, .tree(let tree)): try await insert(tree, sequence)
        case (.scan(let number, let count), .tree(let tree)):
            try await scan(tree, number, count)
        case (.readModifyWrite(let number), .tree(let tree)):
            try await write(number, sequence) { try await count(tree, number, sequence) }
        case (.append, .diary(let diary)): try await append(diary, sequence)
        case (.transfer(let from, let to), .bank(let bank)):
            try await bank.transfer(
                from: from, to: to, named: "\(number):\(sequence)", state.bank,
                setting.environment)
        default: invariant(false, "\(step) does not belong to what is worked on")
        }
    }

    // MARK: Reading

    private func read(_ tree: Tree<Bytes, Bytes>, _ number: Int) async throws {
        let invoked = setting.environment.now()
        let value = try await tree.value(for: LoadRecord.key(number))
        guard let value else {
            if !isDoubtful(number) { state.violation("record \(number) was read as absent") }
            return
        }
        guard let record = look(at: value, of: number) else { return }
        state.reads.withLock { $0.append(LoadRead(record: record, invoked: invoked)) }
    }

    /// A transaction that writes nothing: the one way to read a short range without a whole page
    /// being fetched.
    private func scan(_ tree: Tree<Bytes, Bytes>, _ number: Int, _ count: Int) async throws {
        let first = LoadRecord.key(number)
        let entries = try await database.withTransaction { transaction in
            try await transaction.entries(
                tree, in: Keys<Bytes>(KeyRange(lower: KeyBound(first))), countMax: count)
        }
        if entries.count > count { state.violation("\(entries.count) records of \(count)") }
        if entries.first?.key != first, !isDoubtful(number) {
            state.violation("a range from record \(number) does not begin with it")
        }
        for (left, right) in zip(entries, entries.dropFirst())
        where !left.key.lexicographicallyPrecedes(right.key) {
            state.violation("a range from record \(number) is out of order")
        }
        for entry in entries {
            if LoadRecord(value: entry.value).map({ LoadRecord.key($0.number) }) != entry.key {
                state.violation("a range from record \(number) has a value of another key")
            }
        }
    }

    private func isDoubtful(_ number: Int) -> Bool {
        state.numbers.withLock { $0.doubtful.contains(number) }
    }

    private func look(at value: Bytes, of number: Int) -> LoadRecord? {
        let record = LoadRecord(value: value)
        guard let record, record.number == number else {
            state.violation("record \(number) was read as something that nobody wrote to it")
            return nil
        }
        return record
    }

    // MARK: Writing

    /// Keeps what became of a write.
    /// - Parameter body: Returns the revision at which it landed, where that is known.
    private func write(
        _ number: Int, _ sequence: Int, _ body: () async throws -> Revision?
    ) async throws {
        let invoked = setting.environment.now()
        func keep(_ outcome: LoadWrite.Outcome) {
            let write = LoadWrite(
                number: number, client: self.number, sequence: sequence, invoked: invoked,
                completed: setting.environment.now(), outcome: outcome)
            state.writes.withLock { $0.append(write) }
        }
        do {
            keep(.acknowledged(try await body()))
        } catch {
            let isRefused = (error as? DatabaseError)?.outcome == .notApplied
            keep(isRefused ? .notApplied : .unknown)
            throw error
        }
    }

    private func set(
        _ tree: Tree<Bytes, Bytes>, _ number: Int, _ sequence: Int, existed: Bool
    ) async throws -> Revision {
        let record = LoadRecord(number: number, client: self.number, sequence: sequence)
        let commit = try await tree.replace([
            .set(LoadRecord.key(number), record.value(byteCount: setting.valueBytes))
        ])
        if commit.existed != [existed] {
            state.violation(
                "record \(number) was \(existed ? "not " : "")there before it was written")
        }
        return commit.revision
    }

    private func insert(_ tree: Tree<Bytes, Bytes>, _ sequence: Int) async throws {
        let number = state.numbers.withLock { $0.take() }
        do {
            try await write(number, sequence) {
                try await set(tree, number, sequence, existed: false)
            }
            state.numbers.withLock { $0.finish(number, isAcknowledged: true) }
        } catch {
            state.numbers.withLock { $0.finish(number, isAcknowledged: false) }
            throw error
        }
    }

    private func count(
        _ tree: Tree<Bytes, Bytes>, _ number: Int, _ sequence: Int
    ) async throws -> Revision? {
        let key = LoadRecord.key(number)
        try await database.withTransaction { transaction in
            let value = try await transaction.require(tree, key)
            let count = look(at: value, of: number)?.count ?? 0
            let record = LoadRecord(
                number: number, client: self.number, sequence: sequence, count: count + 1)
            try transaction.set(tree, key, to: record.value(byteCount: setting.valueBytes))
        }
        return nil
    }

    private func append(_ diary: Diary<Bytes>, _ sequence: Int) async throws {
        let value = LoadAppend.value(
            client: number, sequence: sequence, byteCount: setting.valueBytes)
        let now = setting.environment.now
        let id = state.history.withLock { history in
            history.invoke(
                .append(LoadAppend.name(of: value)), on: diary.name, by: number, at: now())
        }
        func keep(_ completion: History.Completion) {
            state.history.withLock { $0.complete(id, completion, at: now()) }
        }
        do {
            keep(.appended(try await diary.append(value).place))
        } catch {
            let refusal = (error as? DatabaseError).flatMap {
                $0.outcome == .notApplied ? $0.code : nil
            }
            keep(refusal.map { .notApplied($0) } ?? .unknown)
            throw error
        }
    }
}

extension LoadChoice.Step {
    var kind: LoadWorkload.Kind {
        switch self {
        case .read: .read
        case .update: .update
        case .insert: .insert
        case .scan: .scan
        case .readModifyWrite: .readModifyWrite
        case .append: .append
        case .transfer: .transfer
        }
    }
}
