import BlockModel
import BlockRuntime

/// A coordinator's walk over the records of all storage peers, page after page, for ever: what
/// lives that are over and truncated history have left is removed, and collections are truncated
/// whose retention says so.
///
/// Every coordinator walks on its own; what two of them remove is removed once.
package struct SpaceWalk {
    private let peers: [PeerID]
    private var pace: WalkPace
    private var position: Int
    private var cursor: Bytes?
    /// Bytes that peers removed since the start, for the operator.
    package private(set) var removedBytes: UInt64 = 0

    /// - Parameter first: Drawn at random, so that coordinators begin in different places.
    package init(peers: [PeerID], first: Int, interval: Duration, now: Instant) {
        invariant(!peers.isEmpty, "a cluster has peers")
        self.peers = peers
        pace = WalkPace(interval: interval, now: now)
        position = first % peers.count
    }

    /// When the next page is due; nil while one is under way.
    package var dueAt: Instant? { pace.dueAt }

    /// The page that is due; nil when none is.
    package mutating func next(now: Instant) -> RepositoryRequest? {
        guard pace.begins(at: now) else { return nil }
        return .sweep(peers[position], after: cursor)
    }

    /// The page has been walked, or could not be: then the others have their turn first.
    package mutating func ended(with reply: RepositoryReply, now: Instant) {
        cursor = nil
        var wasUseful = false
        if case .swept(let report) = reply {
            cursor = report.next
            removedBytes += report.removedBytes
            wasUseful = report.removedCount > 0
        }
        if cursor == nil { position = (position + 1) % peers.count }
        pace.ended(at: now, goesOn: wasUseful)
    }
}
