import BlockModel
import BlockRuntime

/// What a round asks for while it handles one event, and what it may use.
package struct RoundEffects {
    package let now: Instant
    package let timing: ProtocolTiming
    package let policy: TailPolicy
    package var ballots: BallotSource
    package var generator: SeededGenerator
    /// Peers with requests that they have not answered, and when the first of these was sent.
    private let silentSince: [PeerID: Instant]

    /// Requests to send. The stamp comes back with the reply and tells late ones from current ones.
    package private(set) var sends: [(peer: PeerID, operation: PeerRequest.Operation, stamp: Int)] =
        []
    /// When the round wants to be woken; the earliest counts.
    package private(set) var wakeAt: Instant?
    /// A segment that must become durable before the round goes on.
    package private(set) var segmentToStore: (key: SegmentKey, bytes: Bytes)?
    /// Registers whose tail the round wants read.
    package private(set) var tailsToRead: [CollectionID] = []
    /// The round's end.
    package private(set) var result: RoundResult?

    package init(
        now: Instant, timing: ProtocolTiming, policy: TailPolicy, ballots: BallotSource,
        generator: SeededGenerator, silentSince: [PeerID: Instant] = [:]
    ) {
        self.now = now
        self.silentSince = silentSince
        self.timing = timing
        self.policy = policy
        self.ballots = ballots
        self.generator = generator
    }

    /// Whether a peer owes an answer for longer than reads wait for one.
    package func isSilent(_ peer: PeerID) -> Bool {
        silentSince[peer].map { now.since($0) >= timing.spare } ?? false
    }

    package mutating func send(
        _ operation: PeerRequest.Operation, to peer: PeerID, stamp: Int
    ) {
        invariant(result == nil, "a round that has ended sends nothing")
        sends.append((peer, operation, stamp))
    }

    package mutating func wake(after delay: Duration) {
        let instant = now.advanced(by: delay)
        wakeAt = wakeAt.map { min($0, instant) } ?? instant
    }

    package mutating func store(_ key: SegmentKey, _ bytes: Bytes) {
        invariant(segmentToStore == nil && result == nil, "one segment at a time")
        segmentToStore = (key, bytes)
    }

    package mutating func readTail(_ collection: CollectionID) {
        invariant(result == nil, "a round that has ended reads nothing")
        invariant(!tailsToRead.contains(collection), "a tail is read once")
        tailsToRead.append(collection)
    }

    package mutating func finish(_ result: RoundResult) {
        invariant(self.result == nil, "a round ends once")
        self.result = result
    }
}

/// How a round ended.
package enum RoundResult: Equatable {
    case reply(RepositoryReply)
    /// The bytes are durable on a quorum.
    case stored
    /// An optimistic read found no identical quorum: a change must write back.
    case undecided
    /// Who answered a broadcast, and what.
    case broadcastEnded([PeerID: PeerReply])
    case failed(DatabaseError)
}
