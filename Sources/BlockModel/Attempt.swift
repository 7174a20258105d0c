import BlockRuntime

/// One collection's part in an attempt: the life and the revision it aims at.
package struct Participant: Hashable, Sendable, Comparable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// The revision the entry would get there.
    package let target: Revision

    package init(collection: CollectionID, incarnation: Incarnation, target: Revision) {
        self.collection = collection
        self.incarnation = incarnation
        self.target = target
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
            return ($0.target, $0.incarnation.generation, $0.incarnation.nonce)
                < ($1.target, $1.incarnation.generation, $1.incarnation.nonce)
        }
    }
}

extension Participant: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(collection)
        encoder.append(incarnation)
        encoder.append(target)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            collection: try CollectionID(from: &decoder),
            incarnation: try Incarnation(from: &decoder), target: try Revision(from: &decoder))
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
