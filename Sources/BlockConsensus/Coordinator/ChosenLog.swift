import BlockModel
import BlockRuntime

/// What a coordinator knows to be chosen of the log of one life: a stretch of it without a gap, up
/// to the newest entry that it read or decided. What peers are told to make a version of, it
/// compares with this (protocol: facts-from-the-coordinators-own-tail).
final class ChosenLog {
    private struct Known {
        let payload: PayloadID
        let bodyHash: Digest
        /// What the entry made of each of its blocks; nil while its body was not seen.
        var results: Set<WrittenBlock>?
    }

    let incarnation: Incarnation
    /// Of the stretch, oldest first; the first is at ``first``.
    private var entries: [Known] = []
    private var first: Revision
    /// Of all entries together.
    private var resultCount = 0
    /// Entries before this place have lost their results: there were too many.
    private var firstWithResults = 0

    init(_ tail: Tail) {
        incarnation = tail.incarnation
        first = tail.firstOpenRevision
        learn(tail)
    }

    private var through: Revision { Revision(first.rawValue + UInt64(entries.count)).previous }

    /// Roughly.
    var byteCount: Int { 256 + entries.count * 160 + resultCount * 128 }

    /// Takes over a chosen value of this life.
    func learn(_ tail: Tail) {
        invariant(tail.incarnation == incarnation, "the log of another life")
        guard tail.revision > through else { return }
        if tail.firstOpenRevision > through.next {
            entries = []
            (resultCount, firstWithResults) = (0, 0)
            first = tail.firstOpenRevision
        }
        for entry in tail.entries where entry.revision > through { append(entry) }
        if entries.count > Limits.chosenLogCountMax {
            let surplus = entries.count - Limits.chosenLogCountMax / 2
            for entry in entries[..<surplus] { resultCount -= entry.results?.count ?? 0 }
            firstWithResults = max(0, firstWithResults - surplus)
            entries.removeFirst(surplus)
            first = Revision(first.rawValue + UInt64(surplus))
        }
        invariant(entries.count <= Limits.chosenLogCountMax, "\(entries.count) entries are known")
        invariant(through >= tail.revision, "a log with a gap at its end")
    }

    private func append(_ entry: Entry) {
        invariant(entry.revision == through.next, "a log with a gap at \(entry.revision)")
        var known = Known(payload: entry.payload, bodyHash: entry.bodyHash)
        if case .inline(let bytes) = entry.body, let body = try? EntryBody(canonicalBytes: bytes) {
            known.results = Set(body.results)
        }
        entries.append(known)
        resultCount += known.results?.count ?? 0
        forgetResults()
    }

    /// Keeps the number of results within bounds: what is forgotten is read from the log again.
    private func forgetResults() {
        while resultCount > Limits.chosenLogResultCountMax, firstWithResults < entries.count - 1 {
            resultCount -= entries[firstWithResults].results?.count ?? 0
            entries[firstWithResults].results = nil
            firstWithResults += 1
        }
        invariant(resultCount >= 0, "\(resultCount) results are known")
    }

    /// The body of an entry was seen, and this is what it lists.
    func learn(_ results: [WrittenBlock], of body: Digest, at revision: Revision) {
        guard revision >= first, revision <= through else { return }
        let place = Int(revision.rawValue - first.rawValue)
        guard entries[place].bodyHash == body, place >= firstWithResults else { return }
        let known = Set(results)
        resultCount += known.count - (entries[place].results?.count ?? 0)
        entries[place].results = known
        forgetResults()
    }

    /// Whether the log lists a write; nil when that is not known here.
    func lists(_ write: CommittedWrite, of block: BlockID) -> Bool? {
        guard write.revision >= first, write.revision <= through else { return nil }
        let known = entries[Int(write.revision.rawValue - first.rawValue)]
        guard known.payload == write.payload else { return false }
        return known.results.map {
            $0.contains(WrittenBlock(block: block, resultHash: write.resultHash))
        }
    }
}

extension EntryBody {
    /// What the entry made of each block that it lists.
    var results: [WrittenBlock] {
        blocks.map { WrittenBlock(block: $0.block, resultHash: $0.resultHash) }
    }
}
