import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient

extension Database {
    /// Reads the whole history of collections and checks it, without trusting what answers: every
    /// hash is computed here, and every replica of the register, of each segment, of each body and
    /// of each write of a block is asked what it holds.
    ///
    /// Runs beside writers: it verifies each collection up to the revision it has when its turn
    /// comes.
    ///
    /// Execution is deterministic: with `reexecutes`, every history is executed again as well, from
    /// its first entry. Each action's outcome, each block of each revision, what was read and the
    /// header part are compared with the log; the blocks that there are at the newest revision,
    /// byte by byte, with what the replicas give. No block is taken from the storage for that. A
    /// history that is truncated, and a custom collection, cannot be executed here: that is told in
    /// ``VerificationReport/Part/reexecution``, and it is not sound.
    /// - Parameters:
    ///   - names: The collections; nil for all.
    ///   - reexecutes: Whether histories are executed again.
    ///   - engines: Execute the statements of transactions again, those that were made by an engine
    ///     of this name and schema. A transaction whose engine is not among them is counted in
    ///     ``VerificationReport/Part/unexecutedTransactionCount``, and it is not sound.
    ///   - timeout: For each request.
    ///   - onProgress: Called after each segment, with what was found so far; of several
    ///     collections by turns.
    /// - Throws: `.collectionNotFound`; whatever keeps the cluster from answering. What is wrong
    ///   with the data is not thrown, it is in the report.
    /// - Complexity: One request for each segment (32 entries), for each body above
    ///   ``Limits/inlineBodyBytesMax`` and for each write of a block. Memory: 40 bytes for each
    ///   action of a collection, for ``Limits/verificationCollectionCountMax`` of them at a time.
    ///   To execute histories again: one request more for each page of a log and for each
    ///   ``Limits/verificationFetchCountMax`` blocks, and as many bytes of memory as the collection
    ///   holds, with 40 for each entry; one collection at a time.
    public func verify(
        _ names: [String]? = nil, reexecutes: Bool = false,
        engines: [any TransactionEngine] = [], timeout: Duration? = nil,
        onProgress: (@Sendable (VerificationReport.Part) -> Void)? = nil
    ) async throws -> VerificationReport {
        var report = VerificationReport()
        let all: [String]
        if let names {
            all = names
        } else {
            all = try await collections(timeout: timeout).map(\.name).sorted()
        }
        let results = try await verifyEach(
            all, reexecutes ? .known(engines) : .nobody, timeout, onProgress)
        for (name, result) in zip(all, results) {
            // Of all collections, one that was dropped meanwhile is no trouble.
            guard let result else {
                if names == nil { continue }
                throw DatabaseError(.collectionNotFound, "there is no collection \"\(name)\"")
            }
            report.collections.append(result)
        }
        return report
    }

    /// Verifies a custom collection, as ``verify(_:reexecutes:engines:timeout:onProgress:)`` does,
    /// and executes its history again by the application's own handlers.
    ///
    /// What the application read of the collection before it acted is in the entries as well: such
    /// a read must be true, and need not be one of the handlers'.
    /// - Parameter behavior: As every program that opened the collection had it.
    /// - Throws: `.collectionNotFound`; `.collectionKindMismatch` when it is no custom collection;
    ///   whatever keeps the cluster from answering.
    public func verify<Action>(
        _ name: String, executing behavior: CollectionBehavior<Action>, timeout: Duration? = nil,
        onProgress: (@Sendable (VerificationReport.Part) -> Void)? = nil
    ) async throws -> VerificationReport.Part {
        let kind = try await info(named: name, timeout: timeout).kind
        guard kind == .custom else {
            throw DatabaseError(
                .collectionKindMismatch,
                "\"\(name)\" is a \(kind): it is executed without handlers of an application")
        }
        let choice = ReplayChoice.given(ReplayHandler(behavior))
        guard let part = try await verify(name, choice, timeout, onProgress) else {
            throw DatabaseError(.collectionNotFound, "there is no collection \"\(name)\"")
        }
        return part
    }

    /// A few collections at a time: most of the time goes by while replicas are waited for. What an
    /// execution holds is held for one.
    private func verifyEach(
        _ names: [String], _ choice: ReplayChoice, _ timeout: Duration?,
        _ onProgress: (@Sendable (VerificationReport.Part) -> Void)?
    ) async throws -> [VerificationReport.Part?] {
        let countMax =
            if case .nobody = choice { Limits.verificationCollectionCountMax } else { 1 }
        return try await withThrowingTaskGroup(of: (Int, VerificationReport.Part?).self) { group in
            var results = [VerificationReport.Part?](repeating: nil, count: names.count)
            for (index, name) in names.enumerated() {
                if index >= countMax,
                    let (done, result) = try await group.next()
                {
                    results[done] = result
                }
                group.addTask {
                    (index, try await self.verify(name, choice, timeout, onProgress))
                }
            }
            for try await (done, result) in group { results[done] = result }
            return results
        }
    }

    private func verify(
        _ name: String, _ choice: ReplayChoice, _ timeout: Duration?,
        _ onProgress: (@Sendable (VerificationReport.Part) -> Void)?
    ) async throws -> VerificationReport.Part? {
        let first = try await inspectTail(name, timeout: timeout)
        guard let tail = first.value.live else { return nil }
        let reexecutes = if case .nobody = choice { false } else { true }
        var checker = LogChecker(tail: tail, remembersEntries: reexecutes)
        checker.takeRegister(try await settledReplicas(of: name, first.replicas, timeout))
        var entries = tail.entries
        var segment: Segment?
        var isComplete = true
        while let key = checker.next(after: segment) {
            let object = "segment \(key.index)"
            // On its way while the bodies of the part above are checked.
            let pending = connection.start(
                .audit(.segment(key)), timeout: timeout ?? self.timeout)
            try await takeBodies(of: entries, &checker, timeout)
            let (replicas, bytes) = try Database.audited(await pending.value())
            checker.take(replicas, of: object, digest: key.hash)
            if bytes == nil { checker.lost(object) }
            segment = bytes.flatMap { checker.take(key, bytes: $0) }
            entries = segment?.entries ?? []
            onProgress?(checker.result)
            guard segment != nil else {
                isComplete = false
                break
            }
        }
        try await takeBodies(of: entries, &checker, timeout)
        checker.finish(isComplete: isComplete)
        if reexecutes {
            do {
                try await execute(
                    tail, by: choice, isComplete: isComplete, &checker, timeout, onProgress)
            } catch let error as DatabaseError where error.code == .collectionNotFound {
                return nil
            }
        }
        onProgress?(checker.result)
        return checker.result
    }

    /// What the replicas of a register hold. Replicas are asked one after another, so while
    /// a client writes a look may find each at another value: it is repeated a few times.
    private func settledReplicas(
        of name: String, _ first: [ReplicaReport], _ timeout: Duration?
    ) async throws -> [ReplicaReport] {
        var replicas = first
        for _ in 1..<Limits.verificationLookCountMax {
            let heldCount = replicas.count {
                if case .holds = $0.state { true } else { false }
            }
            let isMoving =
                LogChecker.agreeingCount(replicas) <= replicas.count / 2
                && heldCount > replicas.count / 2
            guard isMoving else { break }
            let again = ClientRequest.audit(.register(CollectionID(name: name)))
            (replicas, _) = try Database.audited(
                await connection.request(again, timeout: timeout ?? self.timeout))
        }
        return replicas
    }

    private static func audited(
        _ reply: ClientReply
    ) throws(DatabaseError) -> ([ReplicaReport], Bytes?) {
        guard case .replicas(let replicas, let bytes) = reply else { throw unexpectedReply(reply) }
        return (replicas, bytes)
    }

    private func takeBodies(
        of entries: [Entry], _ checker: inout LogChecker, _ timeout: Duration?
    ) async throws {
        let stored = entries.filter { entry in
            if case .stored = entry.body { checker.isKept(entry) } else { false }
        }
        for start in stride(from: 0, to: stored.count, by: Limits.verificationFetchCountMax) {
            let chunk = stored[start...].prefix(Limits.verificationFetchCountMax)
            let replies = chunk.map { entry in
                connection.start(
                    .audit(.content(entry.bodyID)), timeout: timeout ?? self.timeout)
            }
            for (entry, pending) in zip(chunk, replies) {
                let (replicas, bytes) = try Database.audited(await pending.value())
                let object = "body of entry \(entry.revision)"
                checker.take(replicas, of: object, digest: entry.bodyHash)
                if let bytes {
                    checker.take(bodyOf: entry, bytes: bytes)
                } else {
                    checker.lost(object)
                }
            }
            try await takeWrites(&checker, timeout)
        }
        try await takeWrites(&checker, timeout)
    }

    /// Asks for the writes of blocks in the bodies that were taken.
    private func takeWrites(_ checker: inout LogChecker, _ timeout: Duration?) async throws {
        while true {
            let writes = checker.nextWrites(countMax: Limits.verificationFetchCountMax)
            guard !writes.isEmpty else { return }
            let replies = writes.map {
                connection.start(
                    .audit(.block($0.key, $0.write.revision)), timeout: timeout ?? self.timeout)
            }
            for (write, pending) in zip(writes, replies) {
                let (replicas, copy) = try Database.audited(await pending.value())
                checker.take(replicas, of: write, copy: copy)
            }
        }
    }
}
