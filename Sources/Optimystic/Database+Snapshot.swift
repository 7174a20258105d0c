import BlockModel
import BlockRuntime
import OptimysticClient

extension Database {
    /// A moment of several collections: revisions at which all of them were together, after this
    /// was called. What is read as of them is consistent, now or later; see
    /// ``Tree/asOf(_:)-(RevisionVector)``.
    ///
    /// - Parameter collections: Up to ``Limits/participantCountMax``, each once.
    /// - Throws: `.invalidArgument`; `.collectionNotFound` when one was dropped;
    ///   `.deadlineExceeded` when the collections were written all the time, so that no moment
    ///   could be proven.
    /// - Complexity: One look at each collection and one more at all but one, and more while they
    ///   are written.
    public func snapshot(
        of collections: [any DatabaseCollection], timeout: Duration? = nil
    ) async throws -> RevisionVector {
        try await snapshot(infos: collections.map(\.info), timeout: timeout)
    }

    package func snapshot(
        infos: [CollectionInfo], timeout: Duration? = nil
    ) async throws -> RevisionVector {
        guard Set(infos.map(\.collection)).count == infos.count else {
            throw DatabaseError(.invalidArgument, "a snapshot names a collection twice")
        }
        return RevisionVector(try await cut(through: infos, timeout: timeout))
    }

    /// The revisions of a moment, in the order of the collections' ids.
    func cut(
        through infos: [CollectionInfo], timeout: Duration?
    ) async throws -> [(info: CollectionInfo, revision: Revision)] {
        let ordered = infos.sorted { $0.collection < $1.collection }
        let request = ClientRequest.snapshot(ordered.map(\.life))
        if let problem = request.problem { throw problem }
        let revisions = try await ask(request, timeout: timeout) { reply in
            if case .snapshot(let revisions) = reply, revisions.count == ordered.count {
                revisions
            } else {
                nil
            }
        }
        return zip(ordered, revisions).map { ($0, $1) }
    }
}

extension Tree {
    /// The tree as of a moment of several collections.
    /// - Throws: As ``RevisionVector/revision(of:)``.
    public func asOf(_ moment: RevisionVector) throws(DatabaseError) -> Snapshot {
        asOf(revision: try moment.revision(of: self))
    }
}
