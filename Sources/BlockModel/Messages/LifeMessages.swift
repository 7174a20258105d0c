import BlockRuntime

/// Begins the life of a collection after the one that the sender saw, once
/// (protocol: create-on-what-was-seen).
package struct CreateCollection: Hashable, Sendable {
    package let name: String
    package let header: CollectionHeader
    package let creation: Creation
    /// The random part of the incarnation, should this creation win. It may differ from one try to
    /// the next: the creation is known by its id.
    package let nonce: Identifier128

    package init(
        name: String, header: CollectionHeader, creation: Creation, nonce: Identifier128
    ) {
        self.name = name
        self.header = header
        self.creation = creation
        self.nonce = nonce
    }
}

/// What makes a creation one and the same over all its tries, also those that arrive late.
package struct Creation: Hashable, Sendable {
    /// Drawn before the first try.
    package let action: ActionID
    /// The generation that the register told before the first try: the creation makes the life
    /// after this one, or none. Never looked up anew for a retry, which could then make a second
    /// life out of one creation.
    package let generation: UInt64

    package init(action: ActionID, generation: UInt64) {
        self.action = action
        self.generation = generation
    }
}

/// Ends one life of a collection, once (protocol: drop-names-the-life).
package struct DropCollection: Hashable, Sendable {
    package let collection: CollectionID
    /// The life that the sender saw. No other is ended, however late this arrives.
    package let incarnation: Incarnation
    /// Drawn before the first try, the same over all tries.
    package let action: ActionID

    package init(collection: CollectionID, incarnation: Incarnation, action: ActionID) {
        self.collection = collection
        self.incarnation = incarnation
        self.action = action
    }
}

/// What a chosen value of its register says of a creation or a drop. Whatever it says, but for
/// `open`, stays true, and is true whatever is known of other tries of the same request.
package enum LifeFate: Hashable, Sendable {
    /// It was done, to this life.
    case done(Incarnation)
    /// It was not done yet and can be, now.
    case open
    /// It was not done and never will be: another request did it first.
    case superseded
    /// It may have been done to a life of which the register knows nothing any more, or may still
    /// be done: no register tells.
    case unknown
}

extension Creation {
    /// What became of this creation, by a chosen value.
    package func fate(in value: TailValue) -> LifeFate {
        switch value {
        case .live(let tail) where tail.createdBy == action && !planted(.creatorNotCompared):
            return .done(tail.incarnation)
        case .dropped(let life) where life.createdBy == action && !planted(.creatorNotCompared):
            return .done(life.incarnation)
        default: break
        }
        if value.generation == generation || planted(.generationTakenAnew) {
            // A client that names the generation of a life that goes on has not seen it absent.
            return value.live == nil ? .open : .unknown
        }
        if value.generation < generation { return .unknown }
        // It could only have made the very next life.
        let isNext = value.generation == generation + 1
        return isNext || planted(.forgottenToldAsDefinite) ? .superseded : .unknown
    }
}

extension DropCollection {
    /// What became of this drop, by a chosen value.
    package func fate(in value: TailValue) -> LifeFate {
        switch value {
        case .dropped(let life) where life.droppedBy == action: return .done(life.incarnation)
        case .dropped(let life) where life.incarnation == incarnation: return .superseded
        case .live(let tail)
        where tail.incarnation == incarnation || planted(.dropWithoutIncarnation):
            return .open
        default:
            // Also when it was sent once only: the network may have doubled it.
            return planted(.goneToldAsDefinite) ? .superseded : .unknown
        }
    }
}
