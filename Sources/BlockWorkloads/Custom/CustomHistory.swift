import BlockModel
import BlockRuntime

/// What clients did with custom collections and were told, with when.
package struct CustomHistory: Sendable {
    package typealias RecordID = Int

    /// One action, from the moment it was done on a local snapshot.
    package struct Record: Sendable {
        package let client: Int
        package let collection: String
        package let incarnation: Incarnation
        /// Which of the local collections of this client it was done on.
        package let session: Int
        /// Its place among the actions of the session: that of the one it replaces, if it does.
        package let place: Int
        package let signature: Signature
        package let begun: Instant
        package var fate = Fate.unknown
        /// When the fate was told.
        package var told: Instant?

        package init(
            client: Int, collection: String, incarnation: Incarnation, session: Int, place: Int,
            signature: Signature, begun: Instant
        ) {
            self.client = client
            self.collection = collection
            self.incarnation = incarnation
            self.session = session
            self.place = place
            self.signature = signature
            self.begun = begun
        }
    }

    /// What a client was told of an action.
    package enum Fate: String, Sendable {
        /// Nothing yet, or that it may have landed.
        case unknown
        case landed
        /// The behaviour gave it up.
        case dropped
        /// The behaviour put another in its place.
        case replaced
        /// Its handler failed on what others had done.
        case failed
        /// The call that was to land it certainly did not and never will, and it was given up then.
        case refused
        /// It is not pending any more, and no call said why.
        case vanished
    }

    /// A read of a local snapshot without pending actions.
    package struct Reading: Sendable {
        package let client: Int
        package let collection: String
        package let incarnation: Incarnation
        /// When the snapshot was asked for, and when it was there.
        package let begun: Instant
        package let ended: Instant
        package let revision: Revision
        package let entries: [TreeEntry]

        package init(
            client: Int, collection: String, incarnation: Incarnation, begun: Instant,
            ended: Instant, revision: Revision, entries: [TreeEntry]
        ) {
            self.client = client
            self.collection = collection
            self.incarnation = incarnation
            self.begun = begun
            self.ended = ended
            self.revision = revision
            self.entries = entries
        }
    }

    package private(set) var records: [Record] = []
    package private(set) var readings: [Reading] = []

    package init() {}

    package mutating func add(_ record: Record) -> RecordID {
        records.append(record)
        return records.count - 1
    }

    package mutating func tell(_ id: RecordID, _ fate: Fate, at now: Instant) {
        records[id].fate = fate
        records[id].told = now
    }

    package mutating func add(_ reading: Reading) { readings.append(reading) }

    /// The names of the collections that were worked on, ascending.
    package var collections: [String] { Set(records.map(\.collection)).sorted() }
}

/// The chosen log of one life of a custom collection.
package struct CustomLog: Sendable {
    package struct Entry: Sendable {
        package let payload: PayloadID
        package let actions: [Action]

        package init(payload: PayloadID, actions: [Action]) {
            self.payload = payload
            self.actions = actions
        }
    }

    package let incarnation: Incarnation
    /// From revision 1 on.
    package let entries: [Entry]

    package init(incarnation: Incarnation, entries: [Entry]) {
        self.incarnation = incarnation
        self.entries = entries
    }

    package var revision: Revision { Revision(UInt64(entries.count)) }
}
