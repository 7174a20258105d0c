import BlockModel
import BlockRuntime
import OptimysticClient
import Synchronization

/// What a handle of a collection consists of, whatever its kind: which life of it, over which
/// connection, how its values are coded, and what of it was seen.
struct CollectionHandle<Value: Sendable>: Sendable {
    let database: Database
    /// As it was when it was opened.
    let info: CollectionInfo
    let coding: ValueCoding<Value>
    let seen: SeenRevision

    init(database: Database, info: CollectionInfo, coding: ValueCoding<Value>) {
        self.database = database
        self.info = info
        self.coding = coding
        seen = SeenRevision(info.revision)
    }

    /// Sends an action and says where it landed.
    func act(
        _ content: ActionContent, id: ActionID, firstRevision: Revision, timeout: Duration?
    ) async throws -> ActionLanding {
        if let problem = content.problem { throw problem }
        let request = ActionRequest(
            collection: info.collection, incarnation: info.incarnation, action: id,
            firstRevision: firstRevision, content: content)
        let landing = try await database.ask(.act(request), timeout: timeout) { reply in
            if case .acted(let landing) = reply { landing } else { nil }
        }
        seen.raise(to: landing.position.revision)
        return landing
    }

    /// Where an action landed, if it did up to a revision.
    func landing(
        of id: ActionID, firstRevision: Revision, timeout: Duration?
    ) async throws -> (landing: ActionLanding?, asOf: Revision) {
        let request = ActionStatusRequest(
            collection: info.collection, incarnation: info.incarnation, action: id,
            firstRevision: firstRevision)
        let found = try await database.ask(.actionStatus(request), timeout: timeout) {
            if case .actionStatus(let landing, let asOf) = $0 { (landing, asOf) } else { nil }
        }
        seen.raise(to: found.1)
        return found
    }

    /// What became of an action.
    func status(
        of id: ActionID, firstRevision: Revision, timeout: Duration?
    ) async throws -> ActionStatus {
        let (landing, asOf) = try await landing(
            of: id, firstRevision: firstRevision, timeout: timeout)
        return landing.map { .landed(CollectionPosition($0.position, in: info)) }
            ?? .notLanded(asOf: asOf)
    }
}

/// A revision that only grows.
final class SeenRevision: Sendable {
    private let revision: Mutex<Revision>

    init(_ revision: Revision) { self.revision = Mutex(revision) }

    var value: Revision { revision.withLock { $0 } }

    func raise(to other: Revision) { revision.withLock { $0 = max($0, other) } }
}
