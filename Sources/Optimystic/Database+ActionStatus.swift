import BlockModel
import BlockRuntime
import OptimysticClient

extension Database {
    /// Where an action on a collection landed, if it did up to a revision.
    func landing(
        of id: ActionID, in info: CollectionInfo, firstRevision: Revision, seen: SeenRevision,
        timeout: Duration?
    ) async throws -> (landing: ActionLanding?, asOf: Revision) {
        let request = ActionStatusRequest(
            collection: info.collection, incarnation: info.incarnation, action: id,
            firstRevision: firstRevision)
        let found = try await ask(.actionStatus(request), timeout: timeout) {
            if case .actionStatus(let landing, let asOf) = $0 { (landing, asOf) } else { nil }
        }
        seen.raise(to: found.1)
        return found
    }
}

extension ActionStatus {
    init(_ landing: ActionLanding?, asOf: Revision, in info: CollectionInfo) {
        self =
            landing.map { .landed(CollectionPosition($0.position, in: info)) }
            ?? .notLanded(asOf: asOf)
    }
}
