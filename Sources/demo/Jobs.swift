import BlockRuntime
import Optimystic
import Synchronization

/// A producer and two workers over one queue, whatever dies meanwhile.
struct Jobs: Sendable {
    static let name = "jobs"
    static let count = 400
    private static let workerCount = 2
    private static let patience = Duration.seconds(60)
    private static let pause = Duration.milliseconds(50)

    let queue: Queue<Int>
    let database: Database
    let environment: Environment

    /// What came of it: each job as often as a worker got it.
    func run() async throws -> [Int: Int] {
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for job in 0..<Jobs.count {
                    try await surely { id, since in
                        try await queue.enqueue(contentsOf: [job], id: id, firstRevision: since)
                    }
                }
            }
            for _ in 0..<Jobs.workerCount {
                group.addTask {
                    while tally.leftCount > 0 {
                        let jobs = try await surely { id, since in
                            try await queue.dequeue(3, id: id, firstRevision: since)
                        }
                        tally.add(jobs)
                        if jobs.isEmpty { try await Task.sleep(for: Jobs.pause) }
                    }
                }
            }
            try await group.waitForAll()
        }
        return tally.done.withLock { $0 }
    }

    /// What the workers got.
    private final class Tally: Sendable {
        let done = Mutex<[Int: Int]>([:])

        /// Jobs that no worker got yet.
        var leftCount: Int { done.withLock { Jobs.count - $0.count } }

        func add(_ jobs: [Int]) {
            done.withLock { done in
                for job in jobs { done[job, default: 0] += 1 }
            }
        }
    }

    /// Tries again under the same id until it is known what came of it.
    private func surely<Value>(
        _ action: (ActionID, Revision) async throws -> Value
    ) async throws -> Value {
        let id = database.makeActionID()
        let since = queue.revision
        let end = environment.now().advanced(by: Jobs.patience)
        while true {
            do {
                return try await action(id, since)
            } catch let error as DatabaseError {
                guard environment.now() < end else { throw error }
                try await Task.sleep(for: Jobs.pause)
            }
        }
    }

    /// What is wrong; nil when each job was given out once.
    static func problem(with done: [Int: Int]) -> String? {
        let missing = (0..<count).count { done[$0] == nil }
        let doubled = done.values.count { $0 > 1 }
        return missing + doubled == 0
            ? nil : "\(missing) jobs were given to nobody, \(doubled) more than once"
    }
}
