import BlockMeasurement
import BlockRuntime
import BlockWorkloads
import Optimystic
import Synchronization

/// Fills a new tree with the records that a workload begins with, all of them.
struct RecordLoader: Sendable {
    let tree: Tree<Bytes, Bytes>
    let database: Database
    let setting: LoadSetting
    let progress: ProgressTeller

    /// - Throws: What the cluster answered when an action was not confirmed for
    ///   ``Limits/importPatience``, however often it was sent under its id.
    func load() async throws {
        let batchCount = min(
            Limits.importBatchCountDefault, max(1, Limits.importBatchBytesMax / setting.valueBytes))
        // In the order of the keys an action changes a few leaves, in that of the numbers as many
        // as it has records.
        let numbers = LoadRecord.numbersByKey(setting.records)
        let starts = Array(stride(from: 0, to: setting.records, by: batchCount))
        let progress = LoadProgress()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await tell(progress) }
            try await withThrowingTaskGroup(of: Void.self) { loading in
                for _ in 0..<Limits.importBatchesUnderWayMax {
                    loading.addTask {
                        while true {
                            let turn = progress.takeTurn()
                            guard turn < starts.count else { return }
                            let first = starts[turn]
                            let batch = numbers[first...].prefix(batchCount)
                            try await load(batch)
                            progress.add(batch.count)
                        }
                    }
                }
                try await loading.waitForAll()
            }
            group.cancelAll()
        }
    }

    private func load(_ numbers: ArraySlice<Int>) async throws {
        let changes = numbers.map { number in
            Tree.Change.set(
                LoadRecord.key(number),
                LoadRecord.loaded(number).value(byteCount: setting.valueBytes))
        }
        let id = database.makeActionID()
        let firstRevision = tree.revision
        let start = setting.environment.now()
        while true {
            do {
                try await tree.replace(changes, id: id, firstRevision: firstRevision)
                return
            } catch let error as DatabaseError {
                let waited = setting.environment.now().since(start)
                guard waited < Limits.importPatience else { throw error }
                try await Task.sleep(for: Limits.importPause)
            }
        }
    }

    private func tell(_ state: LoadProgress) async throws {
        while true {
            do {
                try await Task.sleep(for: progress.interval)
            } catch {
                return
            }
            progress.tell("\(state.loadedCount) of \(setting.records) records are loaded")
        }
    }
}

/// How far loading is, for several tasks.
private final class LoadProgress: Sendable {
    private let state = Mutex((turn: 0, loaded: 0))

    var loadedCount: Int { state.withLock { $0.loaded } }

    func takeTurn() -> Int {
        state.withLock { state in
            defer { state.turn += 1 }
            return state.turn
        }
    }

    func add(_ count: Int) { state.withLock { $0.loaded += count } }
}
