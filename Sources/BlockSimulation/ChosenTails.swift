import BlockModel
import BlockRuntime
import BlockWorkloads

/// What acceptors have accepted, seen from outside: the newest chosen tail of every life of a
/// collection. The log of a life that was dropped is nowhere else.
struct ChosenTails {
    private struct Votes {
        var peers: Set<Int> = []
        let value: Bytes
    }

    private var votes: [CollectionID: [Ballot: Votes]] = [:]
    private var tails: [CollectionID: [Incarnation: Tail]] = [:]
    private var ended: [CollectionID: [Incarnation: EndedLife]] = [:]
    /// Bodies and segments that a peer has acknowledged; a walk removes those of lives that ended.
    private(set) var objects: [LogObjectKey: Bytes] = [:]

    mutating func stored(_ key: LogObjectKey, _ bytes: Bytes) { objects[key] = bytes }

    /// A peer has said, and made durable, that it accepted a value.
    mutating func accepted(
        _ value: Bytes, at ballot: Ballot, of collection: CollectionID, by peer: Int, quorum: Int
    ) {
        var current = votes[collection, default: [:]]
        current[ballot, default: Votes(value: value)].peers.insert(peer)
        if let vote = current[ballot], vote.peers.count >= quorum {
            // Whatever is chosen later has a higher ballot.
            current = current.filter { $0.key >= ballot }
            if let value = try? TailValue(registerBytes: vote.value) { chosen(value, collection) }
        }
        votes[collection] = current
    }

    private mutating func chosen(_ value: TailValue, _ collection: CollectionID) {
        switch value {
        case .live(let tail):
            let known = tails[collection]?[tail.incarnation]
            if known.map({ $0.revision <= tail.revision }) ?? true {
                tails[collection, default: [:]][tail.incarnation] = tail
            }
        case .dropped(let life): ended[collection, default: [:]][life.incarnation] = life
        case .absent: break
        }
    }

    /// What was seen of the lives of a collection, the oldest first.
    /// - Parameter newest: What its register holds at the end.
    func allLives(of collection: CollectionID, newest: TailValue?) -> [ObservedLife] {
        var creators = (tails[collection] ?? [:]).mapValues(\.createdBy)
        var drops: [Incarnation: ActionID] = [:]
        func add(_ life: EndedLife) {
            creators[life.incarnation] = life.createdBy
            drops[life.incarnation] = life.droppedBy
        }
        for life in (ended[collection] ?? [:]).values { add(life) }
        if case .dropped(let life)? = newest { add(life) }
        if let tail = newest?.live { creators[tail.incarnation] = tail.createdBy }
        return creators.map { incarnation, creator in
            ObservedLife(
                incarnation: incarnation, createdBy: creator, droppedBy: drops[incarnation],
                isOver: incarnation != newest?.live?.incarnation)
        }.sorted { $0.incarnation.generation < $1.incarnation.generation }
    }

    /// Of every collection's lives.
    var incarnations: Set<Incarnation> { Set(tails.values.flatMap(\.keys)) }

    /// Of each life, oldest first.
    func lives(of collection: CollectionID) -> [Tail] {
        (tails[collection] ?? [:]).values.sorted {
            $0.incarnation.generation < $1.incarnation.generation
        }
    }
}
