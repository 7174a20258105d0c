import BlockModel
import BlockOperations
import BlockRuntime
import Optimystic

/// What an import did.
package struct ImportReport: Hashable, Sendable {
    /// Records that are in the tree, durable on a majority of the replicas.
    package var landedCount = 0
    /// How many of their keys had a value before.
    package var replacedCount = 0
    /// Actions they landed in.
    package var actionCount = 0
    /// Bad records that were left out.
    package var skippedCount = 0
    /// The revision of the tree with all of them in it.
    package var revision = Revision.zero
    /// Where the import stopped: everything in front of this line has landed. nil when all has.
    package var stoppedAtLine: Int?

    package init() {}
}

/// Puts the records of a file into a tree: many in each atomic action, several actions under way.
///
/// Two records of one key land in the order of the file. Running an import again does what it did
/// before, so one that was broken off is simply run again.
package struct Importer: Sendable {
    /// How records become entries.
    package struct Mapping: Sendable {
        var keyField: ExactText
        var keyForm = KeyForm.text
        /// The field that is the value; nil for the whole record.
        var valueField: ExactText?
        /// Whether that field is hexadecimal digits.
        var isHex = false
        var encoding = ValueEncoding.json

        package init(
            keyField: ExactText, keyForm: KeyForm = .text, valueField: ExactText? = nil,
            isHex: Bool = false, encoding: ValueEncoding = .json
        ) {
            self.keyField = keyField
            self.keyForm = keyForm
            self.valueField = valueField
            self.isHex = isHex
            self.encoding = encoding
        }
    }

    let tree: Tree<Bytes, Bytes>
    let database: Database
    let mapping: Mapping
    let timeout: Duration?
    let batchCount: Int
    /// Records that begin in front of it are left out.
    let firstLine: Int
    let skipsBad: Bool
    let onProgress: @Sendable (ImportReport) -> Void

    /// Changes that land together.
    private struct Batch: Sendable {
        var changes: [Tree<Bytes, Bytes>.Change] = []
        var keys: Set<Bytes> = []
        var byteCount = 0
        /// Where its first record begins.
        var line = 0
    }

    /// An action that was under way.
    private struct Ended: Sendable {
        let batch: Batch
        let result: Result<TreeCommit, any Error>
    }

    private typealias Actions = TaskGroup<Ended>

    /// Where an import stands.
    private struct Work {
        var report = ImportReport()
        var batch = Batch()
        /// Keys of the actions under way.
        var busy: Set<Bytes> = []
        var underWayCount = 0
        /// Of the last record that was read.
        var line = 1
        var failure: (any Error)?
        /// Whether an action failed for good: nothing more is sent.
        var hasLost = false

        mutating func stop(at line: Int) {
            report.stoppedAtLine = min(report.stoppedAtLine ?? line, line)
        }
    }

    /// - Parameter onBad: Told each record that is none, with its line.
    /// - Returns: What was done, and when an action failed for good, or the file could not be read
    ///   on, why.
    func run(
        _ source: any RecordReader, onBad: (Int, String) -> Void
    ) async -> (report: ImportReport, failure: (any Error)?) {
        await withTaskGroup(of: Ended.self) { actions in
            var work = Work()
            var reader = source
            while work.report.stoppedAtLine == nil {
                do throws(DatabaseError) {
                    guard let item = try reader.next() else { break }
                    await take(item, &work, &actions, onBad)
                } catch {
                    work.failure = error
                    work.stop(at: work.line)
                }
            }
            await finish(&work, &actions)
            return (work.report, work.failure)
        }
    }

    private func take(
        _ item: ReadRecord, _ work: inout Work, _ actions: inout Actions,
        _ onBad: (Int, String) -> Void
    ) async {
        switch item {
        case .record(let line, let record):
            work.line = line
            guard line >= firstLine else { return }
            do throws(DatabaseError) {
                let (key, value) = try mapping.entry(of: record)
                await add(key, value, line, &work, &actions)
            } catch {
                bad(line, error.message, &work, onBad)
            }
        case .bad(let line, let problem):
            if line >= firstLine { bad(line, problem, &work, onBad) }
        case .broken(let line, let problem):
            onBad(line, problem)
            work.stop(at: line)
        }
    }

    private func bad(
        _ line: Int, _ problem: String, _ work: inout Work, _ onBad: (Int, String) -> Void
    ) {
        onBad(line, problem)
        if skipsBad {
            work.report.skippedCount += 1
        } else {
            work.stop(at: line)
        }
    }

    private func add(
        _ key: Bytes, _ value: Bytes, _ line: Int, _ work: inout Work, _ actions: inout Actions
    ) async {
        let byteCount = key.count + value.count
        if work.batch.changes.count == batchCount
            || work.batch.byteCount + byteCount > Limits.importBatchBytesMax
        {
            await send(&work, &actions)
        }
        if work.batch.changes.isEmpty { work.batch.line = line }
        work.batch.changes.append(.set(key, value))
        work.batch.keys.insert(key)
        work.batch.byteCount += byteCount
    }

    /// Sends what was collected. Waits first while too many actions are under way, or one that has
    /// a key in common: the importer cannot choose which of two lands first.
    private func send(_ work: inout Work, _ actions: inout Actions) async {
        let batch = work.batch
        work.batch = Batch()
        guard !batch.changes.isEmpty else { return }
        while work.underWayCount == Limits.importBatchesUnderWayMax
            || !work.busy.isDisjoint(with: batch.keys)
        {
            await awaitOne(&work, &actions)
        }
        guard !work.hasLost else { return work.stop(at: batch.line) }
        work.busy.formUnion(batch.keys)
        work.underWayCount += 1
        actions.addTask {
            do {
                return Ended(batch: batch, result: .success(try await land(batch)))
            } catch {
                return Ended(batch: batch, result: .failure(error))
            }
        }
    }

    private func awaitOne(_ work: inout Work, _ actions: inout Actions) async {
        guard let ended = await actions.next() else { return }
        work.underWayCount -= 1
        work.busy.subtract(ended.batch.keys)
        switch ended.result {
        case .success(let commit):
            work.report.actionCount += 1
            work.report.landedCount += commit.existed.count
            work.report.replacedCount += commit.existed.count { $0 }
            work.report.revision = max(work.report.revision, commit.revision)
            onProgress(work.report)
        case .failure(let error):
            work.failure = work.failure ?? error
            work.hasLost = true
            work.stop(at: ended.batch.line)
        }
    }

    private func finish(_ work: inout Work, _ actions: inout Actions) async {
        await send(&work, &actions)
        while work.underWayCount > 0 { await awaitOne(&work, &actions) }
    }

    /// The same action id and first revision at every try: however many of them arrive, the action
    /// lands once.
    private func land(_ batch: Batch) async throws -> TreeCommit {
        let id = database.makeActionID()
        let firstRevision = tree.revision
        let environment = BlockRuntime.Environment.live()
        let end = environment.now().advanced(by: Limits.importPatience)
        while true {
            do {
                return try await tree.replace(
                    batch.changes, id: id, firstRevision: firstRevision, timeout: timeout)
            } catch let error as DatabaseError {
                let exit = BlockOperations.ExitCode(error.code)
                guard exit == .tryAgain || exit == .unavailable, environment.now() < end else {
                    throw error
                }
                try await Task.sleep(for: Limits.importPause)
            }
        }
    }
}

extension Importer.Mapping {
    /// - Throws: What is wrong with the record.
    package func entry(of record: JSONText) throws(DatabaseError) -> (key: Bytes, value: Bytes) {
        guard case .object(let fields) = record else { throw problem("it is no object") }
        guard let field = fields[keyField] else {
            throw problem("it has no field \"\(keyField)\"")
        }
        guard let key = try keyForm.key(field) else {
            throw problem("its field \"\(keyField)\" is neither a text nor a number")
        }
        let value = try value(of: record, fields)
        guard value.count <= Limits.valueBytesMax else {
            throw problem("\(value.count) bytes, valueBytesMax = \(Limits.valueBytesMax)")
        }
        return (key, value)
    }

    private func value(
        of record: JSONText, _ fields: [ExactText: JSONText]
    ) throws(DatabaseError) -> Bytes {
        guard let valueField else { return Array(record.text.utf8) }
        guard let value = fields[valueField] else {
            throw problem("it has no field \"\(valueField)\"")
        }
        guard encoding == .bytes, case .string(let text) = value else {
            return Array(value.text.utf8)
        }
        guard isHex else { return Array(text.utf8) }
        guard let bytes = ByteText.bytes(hex: text) else {
            throw problem("its field \"\(valueField)\" is not hexadecimal digits")
        }
        return bytes
    }

    private func problem(_ text: String) -> DatabaseError { DatabaseError(.valueUndecodable, text) }
}
