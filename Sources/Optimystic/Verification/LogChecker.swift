import BlockModel
import BlockRuntime
import BlockTransactions

/// Checks a collection's log against the hashes in its chosen tail, from the newest entry to the
/// oldest. Pure: its caller fetches the segments and bodies.
///
/// Memory grows with the number of actions: their ids are remembered to find one that occurs twice.
package struct LogChecker {
    package private(set) var result: VerificationReport.Part
    private let tail: Tail
    /// What the entry before the ones seen must be: its revision, and its chain hash.
    private var expectedRevision: Revision
    private var expectedHash: Digest
    private var landings: [ActionID: LogPosition] = [:]
    /// Writes of blocks in the bodies taken, whose replicas were not asked yet.
    private var unasked: [ListedWrite] = []
    /// Every link seen, by index: all that name one segment must agree.
    private var links: [UInt64: SegmentLink] = [:]
    /// What each entry is, for whoever reads them again from the first one; nil when nobody does.
    private var digests: [Revision: Digest]?

    /// - Parameter remembersEntries: For ``agrees(with:)``, with 40 bytes for each entry.
    package init(tail: Tail, remembersEntries: Bool = false) {
        self.tail = tail
        digests = remembersEntries ? [:] : nil
        result = VerificationReport.Part(name: tail.name)
        result.revision = tail.revision
        expectedRevision = tail.revision
        expectedHash = tail.lastHash
        check(tail.segments, of: "the tail")
        take(tail.entries, of: "the tail")
    }

    /// The segment to be fetched next; nil when history begins with what was seen.
    package func next(after segment: Segment?) -> SegmentKey? {
        guard expectedRevision > tail.truncatedThrough,
            let link = segment == nil ? tail.segments.first : segment?.links.first
        else { return nil }
        return SegmentKey(
            collection: tail.collection, incarnation: tail.incarnation, index: link.index,
            hash: link.hash)
    }

    /// Takes the segment that ``next(after:)`` named.
    ///
    /// - Returns: The segment; nil when the bytes are not it.
    package mutating func take(_ key: SegmentKey, bytes: Bytes) -> Segment? {
        let name = "segment \(key.index)"
        do throws(DatabaseError) {
            guard case .segment(let segment) = try LogObject(.segment(key), bytes: bytes) else {
                invariant(false, "the object of a segment key is a segment")
                return nil
            }
            result.segmentCount += 1
            if let link = links[key.index], link.firstRevision != segment.firstRevision {
                result.found(
                    .wrongContent, name,
                    "it begins at \(segment.firstRevision), its link says \(link.firstRevision)")
            }
            check(segment.links, of: name)
            take(segment.entries, of: name)
            return segment
        } catch {
            result.found(.wrongContent, name, error.message)
            return nil
        }
    }

    /// Whether what the entry points to is kept: history begins behind what was truncated.
    package func isKept(_ entry: Entry) -> Bool { entry.revision > tail.truncatedThrough }

    /// Takes the body of an entry that was taken.
    package mutating func take(bodyOf entry: Entry, bytes: Bytes) {
        let name = "body of entry \(entry.revision)"
        if case .stored(let byteCount) = entry.body {
            result.bodyCount += 1
            if Int(byteCount) != bytes.count {
                result.found(
                    .wrongContent, name, "\(bytes.count) bytes, its entry says \(byteCount)")
            }
        }
        do throws(DatabaseError) {
            guard case .body(let body) = try LogObject(.body(entry.bodyID), bytes: bytes) else {
                invariant(false, "the object of a body key is a body")
                return
            }
            take(body.actions, of: entry)
            list(body.blocks, of: entry)
        } catch {
            result.found(.wrongContent, name, error.message)
        }
    }

    /// The object cannot be had from any replica.
    package mutating func lost(_ object: String) {
        result.found(.lost, object, "no replica hands it out")
    }

    /// Counts how many replicas confirmed an object.
    package mutating func take(_ replicas: [ReplicaReport], of object: String, digest: Digest) {
        var holderCount = 0
        for replica in replicas {
            guard case .holds(let held, _) = replica.state else { continue }
            if held == digest {
                holderCount += 1
            } else {
                result.found(
                    .disagreement, object, "peer \(replica.peer) holds other bytes (\(held))")
            }
        }
        count(holderCount, of: replicas.count, object)
    }

    /// Writes of blocks to ask the replicas for: each is returned once.
    package mutating func nextWrites(countMax: Int) -> [ListedWrite] {
        let next = unasked.prefix(countMax)
        unasked.removeFirst(next.count)
        return Array(next)
    }

    /// Counts how many replicas confirmed a write of a block that ``nextWrites(countMax:)`` named.
    ///
    /// Up to the checkpoint it must be a version. Above it a pend of the same payload and result is
    /// as good: it becomes the version when a client reads or finalises it.
    /// - Parameter copy: Of the newest version that any of them holds.
    package mutating func take(_ replicas: [ReplicaReport], of listed: ListedWrite, copy: Bytes?) {
        let object = "block \(listed.key.block) at \(listed.write.revision)"
        result.blockWriteCount += 1
        var holderCount = 0
        var isCopied = false
        for replica in replicas {
            guard case .holdsBlock(let holding) = replica.state else { continue }
            if holding.version == listed.write {
                isCopied = true
                holderCount += 1
            } else if let version = holding.version, version.revision == listed.write.revision {
                result.found(
                    .disagreement, object,
                    "peer \(replica.peer) holds another write (\(version.resultHash))")
            } else if listed.write.revision > tail.checkpoint.revision(of: listed.key.block),
                holding.contains(listed.write)
            {
                holderCount += 1
            }
        }
        if isCopied, !listed.isResult(copy) {
            result.found(.wrongContent, object, "its bytes are not what the log says")
        }
        count(holderCount, of: replicas.count, object)
    }

    /// Counts how many replicas confirmed the register: those that hold what most hold.
    ///
    /// Two ballots may carry two values, the later one on its way; one ballot carries one.
    package mutating func takeRegister(_ replicas: [ReplicaReport]) {
        var values: [Ballot: Digest] = [:]
        for replica in replicas {
            guard case .holds(let digest, let ballot?) = replica.state else { continue }
            if let other = values[ballot], other != digest {
                result.found(
                    .disagreement, "register", "two values were accepted at ballot \(ballot)")
            }
            values[ballot] = digest
        }
        count(LogChecker.agreeingCount(replicas), of: replicas.count, "register")
    }

    /// How many replicas of a register hold the value that most of them hold.
    package static func agreeingCount(_ replicas: [ReplicaReport]) -> Int {
        var counts: [Digest: Int] = [:]
        for replica in replicas {
            if case .holds(let digest, _) = replica.state { counts[digest, default: 0] += 1 }
        }
        return counts.values.max() ?? 0
    }

    /// Ends the walk.
    ///
    /// - Parameter isComplete: Whether every segment could be followed.
    package mutating func finish(isComplete: Bool) {
        guard isComplete else { return }
        if expectedRevision > tail.truncatedThrough {
            result.found(
                .gap, "entry \(expectedRevision)", "history ends above it, and is not truncated")
        } else if expectedRevision == .zero,
            expectedHash != Entry.initialHash(name: tail.name, incarnation: tail.incarnation)
        {
            result.found(.brokenChain, "entry 1", "it does not continue the start of the chain")
        }
    }

    // MARK: Reading again

    /// Whether an entry that was read elsewhere is the one in the chain; nil when that one was not
    /// seen.
    package func agrees(with entry: LogEntry) -> Bool? {
        digests?[entry.revision].map { $0 == LogChecker.digest(entry) }
    }

    private static func digest(_ entry: LogEntry) -> Digest {
        let hash = BlockID(content: entry.body.canonicalBytes).digest
        return digest(entry.payload, bodyHash: hash, entry.headerAfter)
    }

    private static func digest(
        _ payload: PayloadID, bodyHash: Digest, _ headerAfter: CollectionHeader?
    ) -> Digest {
        var encoder = CanonicalEncoder()
        encoder.append(payload)
        encoder.append(bodyHash)
        encoder.append(headerAfter)
        return Digest(domain: "optimystic/replayed-entry/1", encoder.bytes)
    }

    /// Something that was found when the entries were read again, from the first one.
    package mutating func found(
        _ kind: VerificationReport.Finding.Kind, _ object: String, _ problem: String
    ) {
        result.found(kind, object, problem)
    }

    /// Tells how far the execution has come, and in the end what came of it.
    package mutating func executed(
        _ count: Int, _ outcome: VerificationReport.Reexecution? = nil
    ) {
        result.executedEntryCount = count
        result.reexecution = outcome
    }

    /// Why a transaction that the collection decided is not compared.
    enum TransactionObstacle { case historyGone, engineUnknown }

    /// A transaction that the collection decided was looked at.
    mutating func checkedTransaction(_ obstacle: TransactionObstacle?) {
        if obstacle == nil {
            result.executedTransactionCount += 1
        } else {
            result.unexecutedTransactionCount += 1
        }
    }

    // MARK: Parts

    private mutating func count(_ holderCount: Int, of replicaCount: Int, _ object: String) {
        if holderCount == replicaCount, replicaCount > 0 {
            result.fullyReplicatedCount += 1
        } else if holderCount > replicaCount / 2 {
            result.partlyReplicatedCount += 1
        } else {
            result.found(
                .underReplicated, object,
                "\(holderCount) of \(replicaCount) replicas confirm it, a majority must")
        }
    }

    /// - Parameter entries: The entries of one part, oldest first.
    private mutating func take(_ entries: [Entry], of part: String) {
        for entry in entries.reversed() {
            result.entryCount += 1
            if entry.revision != expectedRevision {
                result.found(
                    .gap, "entry \(entry.revision)",
                    "in \(part), where \(expectedRevision) belongs")
            }
            if entry.chainHash != expectedHash {
                result.found(
                    .brokenChain, "entry \(entry.revision)",
                    "in \(part), its hash is not the one its successor names")
            }
            expectedRevision = entry.revision.previous
            expectedHash = entry.previousHash
            digests?[entry.revision] = LogChecker.digest(
                entry.payload, bodyHash: entry.bodyHash, entry.headerAfter)
            if case .inline(let bytes) = entry.body { take(bodyOf: entry, bytes: bytes) }
        }
    }

    /// The header part is a block without replicas of its own: it rides in the tail.
    private mutating func list(_ blocks: [TouchedBlock], of entry: Entry) {
        guard isKept(entry) else { return }
        for block in blocks where block.block != BlockID(tail.collection.digest) {
            let write = CommittedWrite(
                revision: entry.revision, payload: entry.payload, resultHash: block.resultHash)
            unasked.append(
                ListedWrite(
                    key: BlockKey(block: block.block, incarnation: tail.incarnation), write: write))
        }
    }

    private mutating func take(_ actions: [Action], of entry: Entry) {
        for (index, action) in actions.enumerated() {
            result.actionCount += 1
            let place = LogPosition(revision: entry.revision, index: UInt32(index))
            if let other = landings.updateValue(place, forKey: action.id) {
                result.found(
                    .duplicateAction, "action \(action.id)", "it is at \(place) and at \(other)")
            }
        }
    }

    private mutating func check(_ seen: [SegmentLink], of part: String) {
        for link in seen {
            if let other = links[link.index], other != link {
                result.found(
                    .brokenChain, "segment \(link.index)",
                    "\(part) names another one than a later part does")
            } else {
                links[link.index] = link
            }
        }
    }
}

/// A write of a block, as the body of its entry lists it.
package struct ListedWrite: Hashable, Sendable {
    package let key: BlockKey
    package let write: CommittedWrite

    package init(key: BlockKey, write: CommittedWrite) {
        self.key = key
        self.write = write
    }

    /// Whether the bytes are the block after the write; nil stands for a removed one.
    fileprivate func isResult(_ bytes: Bytes?) -> Bool {
        guard let bytes else { return write.resultHash == .zero }
        return (try? Block(canonicalBytes: bytes)).map {
            $0.id == key.block && $0.digest == write.resultHash
        } ?? false
    }
}
