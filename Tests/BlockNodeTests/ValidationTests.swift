import BlockModel
import BlockNode
import BlockRuntime
import Testing

/// Coordinators that execute attempts again before they take them.
@Suite("Validation of attempts") struct ValidationTests {
    /// What a proxy that is not what it should be may do to an attempt, and what it is told.
    enum Forgery: String, CaseIterable {
        case outcome, action, reads, revision, record, noRecord, strayRecord, engine, expiry

        var code: ErrorCode {
            switch self {
            case .engine: .engineUnknown
            case .expiry: .transactionExpired
            default: .executionDiffers
            }
        }

        /// Whether it can only be done to a transaction over several collections.
        var isOfTransactions: Bool {
            [.record, .noRecord, .engine, .expiry].contains(self)
        }
    }

    private func report(
        treeCount: Int, accountCount: Int = 20, validates: Bool,
        _ tampering: @escaping (RepositoryRequest) -> RepositoryRequest
    ) throws -> TransferReport {
        var scene = try TransferScene(
            treeCount: treeCount, accountCount: accountCount, validates: validates,
            timeout: .seconds(1))
        scene.services.tampering = tampering
        scene.addClients(4)
        try scene.run(for: .seconds(2))
        return scene.report
    }

    // protocol: execution-is-deterministic
    @Test("What does what it says is taken", arguments: [1, 2])
    func sound(treeCount: Int) throws {
        let report = try report(treeCount: treeCount, validates: true) { $0 }
        #expect(report.commitCount > 10, "\(report)")
        #expect(report.unexplained.isEmpty, "\(report)")
    }

    // protocol: execution-is-deterministic
    @Test("What does something else is refused, and says why", arguments: Forgery.allCases)
    func forged(forgery: Forgery) throws {
        for treeCount in forgery.isOfTransactions ? [2] : [1, 2] {
            // Two accounts in two trees: every transfer is over both.
            let report = try report(
                treeCount: treeCount, accountCount: forgery.isOfTransactions ? 2 : 20,
                validates: true
            ) { $0.forged(forgery) }
            #expect(report.commitCount == 0, "\(report)")
            let codes = Set(report.unexplained.map(\.code))
            #expect(codes == [forgery.code], "\(report)")
        }
    }

    @Test("Nobody else looks at it", arguments: [Forgery.outcome, .record, .engine])
    func unvalidated(forgery: Forgery) throws {
        let report = try report(treeCount: 2, validates: false) { $0.forged(forgery) }
        #expect(report.commitCount > 10, "\(report)")
    }
}

extension RepositoryRequest {
    fileprivate func forged(_ forgery: ValidationTests.Forgery) -> RepositoryRequest {
        switch self {
        case .commit(let attempt): return .commit(attempt.forged(forgery, isHome: false))
        case .transact(let attempt):
            return .transact(
                TransactionAttempt(
                    home: attempt.attempt.home,
                    writes: attempt.writes.map { write in
                        let isHome = write.participant.collection == attempt.attempt.home
                        return write.forged(forgery, isHome: isHome)
                    },
                    reads: attempt.attempt.participants.filter { $0.role == .reads },
                    wallMilliseconds: attempt.wallMilliseconds))
        default: return self
        }
    }
}

extension CommitAttempt {
    fileprivate func forged(_ forgery: ValidationTests.Forgery, isHome: Bool) -> CommitAttempt {
        guard let body = try? EntryBody(canonicalBytes: body), !body.actions.isEmpty else {
            return self
        }
        var actions = body.actions
        var reads = body.reads
        var records = isHome ? body.records : []
        var target = participant.target
        switch forgery {
        case .outcome:
            actions[0] = Action(
                id: actions[0].id, bytes: actions[0].bytes,
                outcome: TreeOutcome.applied(existed: [false, false, true]).canonicalBytes)
        case .action:
            let other = TreeAction(operations: [.put(key: [1], value: [2])])
            actions[0] = Action(
                id: actions[0].id, bytes: ActionContent.tree(other).bytes,
                outcome: actions[0].outcome)
        case .reads: reads = Array(reads.dropLast())
        case .revision: target = target.next.next
        case .record:
            records = records.map {
                TransactionRecord(action: $0.action, source: $0.source, hash: .zero)
            }
        case .noRecord: records = []
        case .strayRecord: if !isHome { records = [actions[0].recorded] }
        case .engine, .expiry: records = records.map { $0.forged(forgery) }
        }
        let forged = EntryBody(
            actions: actions, blocks: body.blocks, reads: reads, records: records)
        return CommitAttempt(
            participant: Participant(
                collection: participant.collection, incarnation: participant.incarnation,
                target: target, role: participant.role),
            payload: payload, body: forged.canonicalBytes,
            writes: writes.map {
                BlockWrite(block: $0.block, record: $0.record.alone, committed: $0.committed)
            },
            headerAfter: headerAfter, checkpoint: checkpoint, pendingPolicy: pendingPolicy,
            wallMilliseconds: wallMilliseconds)
    }
}

extension Action {
    /// A record of it, as that of a transaction.
    fileprivate var recorded: TransactionRecord {
        let stamp = TransactionStamp(client: .zero, milliseconds: 0, expiry: .max)
        return TransactionRecord(action: id, source: TransactionSource(stamp: stamp), hash: .zero)
    }
}

extension PendRecord {
    /// Of no attempt yet.
    fileprivate var alone: PendRecord {
        PendRecord(
            transform: transform, baseRevision: baseRevision, basePayload: basePayload,
            baseHash: baseHash, resultHash: resultHash, collection: collection, anchor: nil,
            bound: bound)
    }
}

extension TransactionRecord {
    fileprivate func forged(_ forgery: ValidationTests.Forgery) -> TransactionRecord {
        let stamp = TransactionStamp(
            client: source.stamp.client,
            engine: forgery == .engine
                ? EngineName(Array("other@1".utf8)) ?? .actions : source.stamp.engine,
            milliseconds: source.stamp.milliseconds,
            expiry: forgery == .expiry ? 0 : source.stamp.expiry)
        return TransactionRecord(
            action: action, source: TransactionSource(stamp: stamp, reads: source.reads),
            hash: hash)
    }
}
