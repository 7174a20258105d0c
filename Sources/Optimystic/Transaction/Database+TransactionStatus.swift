import BlockModel
import BlockRuntime
import OptimysticClient

extension Database {
    /// What became of a transaction, asked of the collection that decides it: in any process, at
    /// any time, as long as that collection lives and keeps its history.
    ///
    /// - Throws: With an unknown outcome, where the log that would tell is gone:
    ///   `.collectionNotFound`, `.dedupeWindowLost`.
    /// - Complexity: O(entries of the home since the transaction was first sent), read by the
    ///   proxy, and a look at each participant.
    public func status(
        of id: TransactionID, timeout: Duration? = nil
    ) async throws -> TransactionStatus {
        let question = ActionStatusRequest(
            collection: id.home.collection, incarnation: id.home.incarnation, action: id.action,
            firstRevision: id.firstRevision)
        let (landing, asOf) = try await ask(.actionStatus(question), timeout: timeout) {
            if case .actionStatus(let landing, let asOf) = $0 { (landing, asOf) } else { nil }
        }
        guard let landing else { return .notCommitted(asOf: asOf) }
        return .committed(
            try await commit(of: id, decidedAt: landing.position.revision, timeout: timeout))
    }

    /// What the entry that decided a transaction says of it.
    func commit(
        of id: TransactionID, decidedAt revision: Revision, timeout: Duration?
    ) async throws -> TransactionCommit {
        let homePart = Participant(
            collection: id.home.collection, incarnation: id.home.incarnation, target: revision)
        let entry = try await entry(of: homePart, timeout: timeout)
        let isShared = Set(entry.transactions ?? []).count > 1
        var elements: [RevisionVector.Element] = []
        for part in entry.attempt?.participants ?? [homePart] {
            guard let info = try await info(of: part, timeout: timeout) else { continue }
            if isShared, !(try await isPart(part, of: id, timeout: timeout)) { continue }
            let at = part.role == .writes ? part.target : part.target.previous
            elements.append(
                RevisionVector.Element(
                    name: info.name, position: CollectionPosition(revision: at, in: info)))
        }
        return TransactionCommit(id: id, revisions: RevisionVector(elements))
    }

    /// The entry of a participant at its target.
    func entry(of part: Participant, timeout: Duration?) async throws -> LogEntry {
        let request = LogReadRequest(
            collection: part.collection, incarnation: part.incarnation,
            after: part.target.previous, bytesMax: 1)
        return try await ask(.readLog(request), timeout: timeout) { reply in
            if case .logPage(let page) = reply { page.entries.first } else { nil }
        }
    }

    /// Whether a participant of a decision that several transactions shared is this one's. Of one
    /// that was only read, or whose history is gone, that cannot be told: then it is named, for it
    /// is of the same moment.
    private func isPart(
        _ part: Participant, of id: TransactionID, timeout: Duration?
    ) async throws -> Bool {
        guard part.role == .writes else { return true }
        do {
            let entry = try await entry(of: part, timeout: timeout)
            return entry.transactions?.contains(id) ?? true
        } catch let error as DatabaseError where error.saysHistoryIsGone {
            return true
        }
    }

    /// A collection by its id; nil when that life of it is over. Collections are listed in the
    /// order of their ids, so that it is the first one behind the id before its own.
    private func info(of part: Participant, timeout: Duration?) async throws -> CollectionInfo? {
        let request = ClientRequest.listCollections(
            after: part.collection.predecessor, countMax: 1)
        // A page of one life that is over has no collection in it.
        let found = try await ask(request, timeout: timeout) { reply -> [CollectionInfo]? in
            if case .collections(let infos, _) = reply { infos } else { nil }
        }
        return found.first {
            $0.collection == part.collection && $0.incarnation == part.incarnation
        }
    }
}

extension CollectionID {
    /// The id right before this one; nil for the least of all.
    fileprivate var predecessor: CollectionID? {
        var bytes = digest.bytes
        var place = bytes.count - 1
        while place >= 0, bytes[place] == 0 {
            bytes[place] = 0xFF
            place -= 1
        }
        guard place >= 0 else { return nil }
        bytes[place] -= 1
        return Digest(bytes).map { CollectionID($0) }
    }
}

extension DatabaseError {
    /// Whether an entry that was there cannot be read any more: truncated, or dropped with its
    /// collection.
    var saysHistoryIsGone: Bool {
        [.historyTruncated, .positionNotFound, .collectionNotFound].contains(code)
    }
}
