import BlockRuntime

/// What an attempt does to one of its collections.
package enum ParticipantRole: UInt8, Sendable, CaseIterable {
    /// It gets an entry.
    case writes = 1
    /// What was read of it must still be so when the attempt is decided; it gets no entry.
    case reads = 2
}

/// One collection's part in an attempt: the life and the revision it aims at.
package struct Participant: Hashable, Sendable, Comparable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// The revision the entry would get there; of what is only read, the one after the revision
    /// that was read.
    package let target: Revision
    package let role: ParticipantRole

    package init(
        collection: CollectionID, incarnation: Incarnation, target: Revision,
        role: ParticipantRole = .writes
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.target = target
        self.role = role
    }

    package static func < (left: Self, right: Self) -> Bool { left.collection < right.collection }
}

/// One try to land a payload: exactly these revisions of exactly these collections, or nothing.
///
/// Only the proposer that holds the clients makes another attempt; a coordinator lands or fails the
/// one it was given.
package struct Attempt: Hashable, Sendable, Comparable {
    package let payload: PayloadID
    /// The collection whose tail decides.
    package let home: CollectionID
    /// Ascending by collection; the home is one of them.
    package let participants: [Participant]

    package init(payload: PayloadID, home: CollectionID, participants: [Participant]) {
        invariant(
            participants.contains { $0.collection == home },
            "an attempt has its home as participant")
        self.payload = payload
        self.home = home
        self.participants = participants.sorted()
    }

    /// An attempt on one collection.
    package init(payload: PayloadID, on participant: Participant) {
        self.init(payload: payload, home: participant.collection, participants: [participant])
    }

    /// What it aims at in a collection; nil when that is no participant.
    package func part(of collection: CollectionID) -> Participant? {
        participants.first { $0.collection == collection }
    }

    /// What it aims at where it is decided.
    package var homePart: Participant {
        guard let part = participants.first(where: { $0.collection == home }) else {
            fatalError("invariant: an attempt has its home as participant")
        }
        return part
    }

    /// Names the attempt where it is fenced.
    package var digest: Digest { Digest(domain: "optimystic/attempt/1", canonicalBytes) }

    package static func < (left: Self, right: Self) -> Bool {
        if left.payload != right.payload { return left.payload < right.payload }
        if left.home != right.home { return left.home < right.home }
        return left.participants.lexicographicallyPrecedes(right.participants) {
            if $0.collection != $1.collection { return $0.collection < $1.collection }
            return (
                $0.target, $0.incarnation.generation, $0.incarnation.nonce, $0.role.rawValue
            ) < ($1.target, $1.incarnation.generation, $1.incarnation.nonce, $1.role.rawValue)
        }
    }
}

extension Participant: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(collection)
        encoder.append(incarnation)
        encoder.append(target)
        encoder.append(role.rawValue)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let collection = try CollectionID(from: &decoder)
        let incarnation = try Incarnation(from: &decoder)
        let target = try Revision(from: &decoder)
        guard let role = ParticipantRole(rawValue: try decoder.uint8()) else {
            throw decoder.malformed("an unknown role of a participant")
        }
        self.init(
            collection: collection, incarnation: incarnation, target: target, role: role)
    }
}

extension Attempt: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(payload)
        encoder.append(home)
        encoder.append(participants)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let payload = try PayloadID(from: &decoder)
        let home = try CollectionID(from: &decoder)
        let participants = try decoder.ascendingList(
            of: Participant.self, countMax: Limits.participantCountMax)
        guard participants.contains(where: { $0.collection == home }) else {
            throw decoder.malformed("an attempt without its home")
        }
        self.init(payload: payload, home: home, participants: participants)
    }
}
