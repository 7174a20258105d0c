import BlockModel
import BlockRuntime
import BlockWire
import ModelSamples

/// The messages about trees, queues, logs and blocks, with every case, drawn from a seed.
extension ModelSamples {
    private mutating func queueValues() -> [Bytes] {
        (0..<random.below(5)).map { _ in bytes(countMax: Limits.valueBytesMax) }
    }

    mutating func actionRequests() -> [ClientRequest] {
        let contents: [ActionContent] = [
            .append(bytes(countMax: Limits.valueBytesMax)), .tree(treeAction()),
            .tree(TreeAction(operations: [])), .queue(.enqueue([])), .queue(.enqueue([[]])),
            .queue(.enqueue(queueValues())),
            .queue(.dequeue(countMax: UInt32(random.below(Limits.queueValueCountMax + 1)))),
        ]
        return contents.map {
            .act(
                ActionRequest(
                    collection: collection(), incarnation: incarnation(), action: action(),
                    firstRevision: revision(), content: $0))
        }
    }

    mutating func readRequests() -> [ClientRequest] {
        let treeQueries: [TreeQuery] = [
            .values([]), .values([[], key(), key()]), .count(.all), .count(keyRange()),
            .range(keyRange(), .forward, bytesMax: 0, countMax: countMax()),
            .range(
                keyRange(), .backward, bytesMax: UInt32(Limits.pageBytesMax), countMax: countMax()),
        ]
        let queueQueries: [QueueQuery] = [.peek(countMax: countMax()), .count]
        let trees = treeQueries.map {
            ClientRequest.readTree(
                TreeReadRequest(
                    collection: collection(), incarnation: incarnation(),
                    asOf: random.chance(1, in: 2) ? revision() : nil, query: $0))
        }
        let queues = queueQueries.map {
            ClientRequest.readQueue(
                QueueReadRequest(
                    collection: collection(), incarnation: incarnation(),
                    asOf: random.chance(1, in: 2) ? revision() : nil, query: $0))
        }
        return trees + queues + [
            .readLog(
                LogReadRequest(
                    collection: collection(), incarnation: incarnation(), after: revision(),
                    waitMilliseconds: UInt32(random.below(600_001)))),
            .readBlocks([]),
            .readBlocks(
                (0..<3).map { _ in
                    BlockReadRequest(key: blockKey(), revision: revision(), committed: writes())
                }),
            .commit(
                CommitAttempt(
                    participant: participant(), payload: payload(), body: bytes(countMax: 300),
                    writes: [blockWrite(isNew: true)], headerAfter: header(),
                    wallMilliseconds: uint64())),
            .finalise(
                FinaliseEntry(
                    collection: collection(), incarnation: incarnation(), revision: revision(),
                    payload: payload(),
                    blocks: [WrittenBlock(block: block(), resultHash: digest())])),
        ]
    }

    mutating func landings() -> [ClientReply] {
        let outcomes: [ActionOutcome] =
            [.appended] + treeOutcomes().map { .tree($0) } + queueOutcomes().map { .queue($0) }
        return outcomes.flatMap { outcome -> [ClientReply] in
            let landing = ActionLanding(position: position(), outcome: outcome)
            return [.acted(landing), .actionStatus(landing, asOf: revision())]
        }
    }

    mutating func readReplies() -> [ClientReply] {
        let entries = (0..<random.below(5)).map { _ in
            TreeEntry(key: key(), value: bytes(countMax: Limits.valueBytesMax))
        }
        return [
            .treeValues(TreeValues(values: [], asOf: revision())),
            .treeValues(TreeValues(values: [nil, [], bytes(countMax: 9)], asOf: revision())),
            .treePage(
                TreePage(entries: entries, asOf: revision(), isLast: random.chance(1, in: 2))),
            .count(counter(), asOf: revision()),
            .queueValues(QueueValues(values: queueValues(), asOf: revision())),
            .logPage(logPage(entryCount: 0)), .logPage(logPage(entryCount: 3)), .blocks([]),
            .blocks([nil, copy(isRemoved: true), copy(isRemoved: false)]),
            .committed(revision(), chainHash: digest()),
            .refused(.moved(landing: .notLookedFor, tailValue())),
            .finalised,
        ]
    }

    private mutating func logPage(entryCount: Int) -> LogPage {
        let first = UInt64(1 + random.below(1000))
        let entries = (0..<entryCount).map { offset in
            let payload = payload()
            return LogEntry(
                revision: Revision(first + UInt64(offset)), payload: payload, body: body(),
                headerAfter: random.chance(1, in: 2) ? header() : nil,
                attempt: offset == 1 ? attempt(payload) : nil, wallMilliseconds: uint64())
        }
        return LogPage(
            entries: entries, revision: revision(), header: header(), headerRevision: revision(),
            checkpoint: checkpoint(), shardCount: 16)
    }
}
