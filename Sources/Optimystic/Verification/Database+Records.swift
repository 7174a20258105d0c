import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

/// What the entries at a home record of transactions, compared with what has landed of each in all
/// its collections, and with what its engine makes of its statements today.
extension Database {
    /// - Parameter home: Whose entries they are.
    func checkRecords(
        of entries: [LogEntry], in home: CollectionID, by engines: [any TransactionEngine],
        _ checker: inout LogChecker, _ timeout: Duration?
    ) async throws {
        for entry in entries {
            guard entry.attempt?.home == home else {
                if entry.body.records.isEmpty { continue }
                checker.found(
                    .wrongContent, "entry \(entry.revision)",
                    "it records transactions that it does not decide")
                continue
            }
            let known = Set(entry.body.records.map(\.action))
            for id in Set(entry.transactions ?? []) where !known.contains(id.action) {
                checker.found(
                    .wrongContent, "transaction \(id)", "its home records nothing of it")
            }
            for record in entry.body.records {
                try await check(record, in: entry, by: engines, &checker, timeout)
            }
        }
    }

    private func check(
        _ record: TransactionRecord, in entry: LogEntry, by engines: [any TransactionEngine],
        _ checker: inout LogChecker, _ timeout: Duration?
    ) async throws {
        let name = "transaction \(record.action) at \(entry.revision)"
        guard let landed = try await landed(record, in: entry, timeout) else {
            return checker.checkedTransaction(.historyGone)
        }
        guard record.source.hash(record.action, landed) == record.hash else {
            let problem = "what has landed of it is not what its record was made of"
            return checker.found(.differentExecution, name, problem)
        }
        let stamp = record.source.stamp
        guard stamp.engine != .actions else { return checker.checkedTransaction(nil) }
        guard
            let engine = engines.first(where: {
                $0.name == "\(stamp.engine)" && $0.schemaHash == stamp.schema
            })
        else { return checker.checkedTransaction(.engineUnknown) }
        do {
            let again = try await execute(again: record, in: entry, by: engine, timeout)
            guard record.source.hash(record.action, again) == record.hash else {
                throw DatabaseError(.executionDiffers, "the statements become other actions")
            }
            checker.checkedTransaction(nil)
        } catch let error as DatabaseError where error.saysHistoryIsGone {
            checker.checkedTransaction(.historyGone)
        } catch let error as DatabaseError where error.code == .engineUnknown {
            // It acts on a custom collection, which is known at its newest revision only.
            checker.checkedTransaction(.engineUnknown)
        } catch let error as DatabaseError where !error.tellsOfExecution {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // Also what is the engine's own: when the transaction landed it did not throw it.
            let reason = (error as? DatabaseError)?.message ?? "\(error)"
            checker.found(.differentExecution, name, "\(stamp.engine): \(reason)")
        }
    }

    /// The actions of a transaction in each of its collections, ascending; nil when the history of
    /// one of them is gone.
    private func landed(
        _ record: TransactionRecord, in entry: LogEntry, _ timeout: Duration?
    ) async throws -> [(collection: CollectionID, actions: [Bytes])]? {
        var parts: [(collection: CollectionID, actions: [Bytes])] = []
        for part in entry.attempt?.participants ?? [] where part.role == .writes {
            let other: LogEntry
            do {
                other = try await self.entry(of: part, timeout: timeout)
            } catch let error as DatabaseError where error.saysHistoryIsGone {
                return nil
            }
            let own = zip(other.body.actions, other.transactions ?? [])
                .filter { $0.1.action == record.action }.map(\.0)
            // It shares its decision: the collection is another one's, at least what is written.
            if let recorded = own.recorded { parts.append((part.collection, recorded)) }
        }
        return parts
    }

    /// What an engine makes of the statements as of what they read then.
    private func execute(
        again record: TransactionRecord, in entry: LogEntry, by engine: any TransactionEngine,
        _ timeout: Duration?
    ) async throws -> [(collection: CollectionID, actions: [Bytes])] {
        let transaction = try Transaction(
            again: record, over: entry.attempt?.participants ?? [], database: self,
            time: .eachCall(timeout ?? self.timeout), engine: engine)
        defer { transaction.giveUp() }
        for statement in record.source.statements { try await transaction.execute(statement) }
        return transaction.state.withLock { state in
            state.drafts.compactMap(\.part).filter(\.writes)
                .sorted { $0.collection < $1.collection }
                .map { ($0.collection, $0.actions.map(\.bytes)) }
        }
    }
}

extension DatabaseError {
    /// Whether it is about what was executed, and not about who could be asked.
    fileprivate var tellsOfExecution: Bool {
        code == .conflict || ErrorCode.ofCallers.contains(code.rawValue)
    }
}

extension ErrorCode {
    /// Of requests that make no sense, and of what they ask for: engines throw those as well.
    fileprivate static let ofCallers: Range<UInt32> = 2000..<3000
}
