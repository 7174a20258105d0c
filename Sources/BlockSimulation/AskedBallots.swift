import BlockModel
import BlockRuntime

/// Which start of which coordinator asked for each ballot of each register. No two may: a ballot
/// that comes back could be promised to one of them and be used by the other.
struct AskedBallots {
    private struct Place: Hashable {
        let collection: CollectionID
        let ballot: Ballot
    }

    private struct Start: Equatable {
        let node: NodeID
        let life: Int
    }

    private var starts: [Place: Start] = [:]

    /// - Returns: What must not be; nil when all is well.
    mutating func asked(
        _ ballot: Ballot, of collection: CollectionID, by node: NodeID, life: Int
    ) -> String? {
        let start = Start(node: node, life: life)
        let place = Place(collection: collection, ballot: ballot)
        let other = starts[place]
        if other == nil { starts[place] = start }
        guard let other, other != start else { return nil }
        return "\(node) asks for ballot \(ballot.counter) of \(ballot.proposer), as another start "
            + "of \(other.node) did"
    }
}
