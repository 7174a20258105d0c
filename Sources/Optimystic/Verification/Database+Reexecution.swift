import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient

/// Whose handlers execute a history again.
enum ReplayChoice: Sendable {
    case nobody
    /// Those that the database knows; of a custom collection there are none. The statements of
    /// transactions are executed by these engines.
    case known([any TransactionEngine])
    case given(ReplayHandler)

    var engines: [any TransactionEngine] {
        if case .known(let engines) = self { engines } else { [] }
    }

    /// What executes the actions of a kind; nil when nothing does.
    func handler(of kind: CollectionKind) -> ReplayHandler? {
        switch self {
        case .nobody: nil
        case .known: ReplayHandler(kind)
        case .given(let handler): handler
        }
    }
}

extension Database {
    /// Executes the history that `checker` has seen again, from its first entry, and compares what
    /// comes of it with the log, and in the end with what the replicas give.
    ///
    /// - Parameter isComplete: Whether every segment could be followed.
    /// - Throws: `.collectionNotFound` when it was dropped meanwhile; whatever keeps the cluster
    ///   from answering.
    func execute(
        _ tail: Tail, by choice: ReplayChoice, isComplete: Bool, _ checker: inout LogChecker,
        _ timeout: Duration?, _ onProgress: (@Sendable (VerificationReport.Part) -> Void)?
    ) async throws {
        func stop(_ obstacle: VerificationReport.Reexecution.Obstacle) {
            checker.executed(0, .notExecuted(obstacle))
        }
        guard tail.truncatedThrough == .zero else {
            return stop(.historyTruncated(before: tail.truncatedThrough.next))
        }
        guard let handler = choice.handler(of: tail.header.kind) else {
            return stop(.handlersUnknown)
        }
        guard isComplete, !checker.result.findings.contains(where: { $0.kind == .lost }) else {
            return stop(.logUnreadable)
        }
        var log = ReplayedLog(tail, by: handler)
        do {
            while !log.isOver, log.replay.revision < tail.revision {
                let page = try await ask(.readLog(log.nextPage), timeout: timeout) { reply in
                    if case .logPage(let page) = reply { page } else { nil }
                }
                let before = log.replay.revision
                try log.take(page, &checker)
                let taken = page.entries.filter {
                    $0.revision > before && $0.revision <= log.replay.revision
                }
                try await checkRecords(
                    of: taken, in: tail.collection, by: choice.engines, &checker, timeout)
                onProgress?(checker.result)
            }
            if !log.isOver { try await compareBlocks(log, &checker, timeout) }
        } catch let error as DatabaseError where error.code == .historyTruncated {
            // Somebody has truncated it meanwhile.
            let state = try await history(of: tail.name, timeout: timeout)
            return stop(.historyTruncated(before: state.truncatedThrough.next))
        } catch let error as DatabaseError where error.code == .corrupted {
            checker.found(.wrongContent, "entry \(log.replay.revision.next)", error.message)
            return stop(.logUnreadable)
        }
        checker.executed(
            Int(clamping: log.replay.revision.rawValue),
            log.isOver
                ? .ended(at: log.replay.revision) : .done(blockCount: log.replay.blockCount))
    }

    /// Compares every block that the execution has left with what the replicas give.
    private func compareBlocks(
        _ log: ReplayedLog, _ checker: inout LogChecker, _ timeout: Duration?
    ) async throws {
        var rest = log.replay.blocks[...]
        while !rest.isEmpty {
            let blocks = log.nextBlocks(of: rest)
            rest = rest.dropFirst(blocks.count)
            do {
                let copies = try await ask(
                    .readBlocks(log.requests(for: blocks)), timeout: timeout
                ) { reply in
                    if case .blocks(let copies) = reply, copies.count == blocks.count {
                        copies
                    } else {
                        nil
                    }
                }
                for (block, copy) in zip(blocks, copies) {
                    if let difference = log.replay.difference(of: block, from: copy) {
                        checker.found(difference)
                    }
                }
            } catch let error as DatabaseError where error.code == .corrupted {
                checker.found(.lost, "a block of \(blocks)", error.message)
            }
        }
    }
}

extension LogChecker {
    fileprivate mutating func found(_ difference: ReplayDifference) {
        found(.differentExecution, difference.object, difference.problem)
    }
}

/// A log that is read from its first entry and executed.
private struct ReplayedLog {
    private(set) var replay: HistoryReplay
    /// An entry was found after which nothing can be compared.
    private(set) var isOver = false
    private let last: Revision
    /// What has to be listed to read its blocks; of a diary nothing.
    private var history: BlockHistory?
    private let hasBlocks: Bool

    init(_ tail: Tail, by handler: ReplayHandler) {
        replay = HistoryReplay(
            tail.collection, tail.incarnation, header: tail.header, handler: handler)
        last = tail.revision
        hasBlocks = tail.header.kind.hasBlocks
    }

    var nextPage: LogReadRequest {
        LogReadRequest(
            collection: replay.collection, incarnation: replay.incarnation,
            after: replay.revision, bytesMax: UInt32(Limits.readerPageBytes))
    }

    /// Executes the entries of the next page.
    /// - Throws: `.malformedMessage` when there are none.
    mutating func take(_ page: LogPage, _ checker: inout LogChecker) throws(DatabaseError) {
        let before = replay.revision
        if hasBlocks, history == nil {
            history = BlockHistory(incarnation: replay.incarnation, floor: page.checkpoint)
        }
        for entry in page.entries where entry.revision <= last && !isOver {
            // The chain of hashes was followed from the tail: what is executed is what it names.
            guard checker.agrees(with: entry) == true else {
                checker.found(
                    .wrongContent, "entry \(entry.revision)",
                    "what is read of it is not what the chain of hashes names")
                isOver = true
                return
            }
            for difference in replay.execute(entry) { checker.found(difference) }
            isOver = replay.isOver
            note(entry)
        }
        history?.raiseFloor(to: page.checkpoint)
        checker.executed(Int(clamping: replay.revision.rawValue))
        guard replay.revision > before || isOver else {
            throw DatabaseError(
                .malformedMessage, "an empty page after \(before) of a log at \(page.revision)")
        }
    }

    private mutating func note(_ entry: LogEntry) {
        // Below the checkpoint those that need not be listed are passed over.
        guard let through = history?.through, entry.revision > through else { return }
        history?.append(entry.revision, payload: entry.payload, blocks: entry.body.blocks)
    }

    /// The first of `blocks`, at least one, that are asked for at a time.
    func nextBlocks(of blocks: ArraySlice<BlockID>) -> [BlockID] {
        var bytes = 0
        var next: [BlockID] = []
        for block in blocks.prefix(Limits.verificationFetchCountMax) {
            bytes += replay.byteCount(of: block)
            if !next.isEmpty, bytes > Limits.pageBytesMax { break }
            next.append(block)
        }
        return next
    }

    func requests(for blocks: [BlockID]) -> [BlockReadRequest] {
        blocks.map {
            BlockReadRequest(
                key: BlockKey(block: $0, incarnation: replay.incarnation),
                revision: replay.revision,
                committed: history?.committed($0, through: replay.revision) ?? [],
                collection: replay.collection)
        }
    }
}
