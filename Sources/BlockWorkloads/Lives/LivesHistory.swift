import BlockModel
import BlockRuntime

/// Who was asked to begin and to end the lives of collections, and what came of it.
package struct LivesHistory: Sendable {
    package typealias RequestID = Int

    package enum Kind: Hashable, Sendable {
        /// Begin the life after that of a generation.
        case create(after: UInt64)
        /// End this life.
        case drop(Incarnation)
    }

    package struct Request: Sendable {
        package let collection: String
        /// The same over all tries.
        package let action: ActionID
        package let kind: Kind
        package let sent: Instant
        package var told: Instant?
        package var answer = Answer.unknown
    }

    /// What one try was told.
    package enum Answer: Hashable, Sendable {
        /// Nothing, or that it is not known.
        case unknown
        /// This life is there; this request, or another one, began it.
        case life(Incarnation, createdBy: ActionID)
        /// The life is over, and this request ended it.
        case dropped
        /// For certain: this request did nothing and never will.
        case never
        /// This try did nothing; an earlier one may have.
        case notBegun
    }

    package private(set) var requests: [Request] = []
    /// The creator of each life that a client was told of, by collection, whatever it had asked.
    package private(set) var seen: [String: [Incarnation: ActionID]] = [:]

    package init() {}

    package mutating func send(
        _ kind: Kind, _ action: ActionID, of collection: String, at now: Instant
    ) -> RequestID {
        requests.append(
            Request(collection: collection, action: action, kind: kind, sent: now))
        return requests.count - 1
    }

    /// Notes what a client of a workload is about to send, when it creates or drops.
    /// - Parameter collection: That it drops.
    package mutating func send(
        _ request: ClientRequest, of collection: String, at now: Instant
    ) -> RequestID? {
        switch request {
        case .openCollection(let open):
            open.creation.map {
                send(.create(after: $0.generation), $0.action, of: open.name, at: now)
            }
        case .dropCollection(let drop):
            send(.drop(drop.incarnation), drop.action, of: collection, at: now)
        default: nil
        }
    }

    /// A client was told that there is this life.
    /// - Returns: Whether it was told the same as those before.
    @discardableResult
    package mutating func see(
        _ incarnation: Incarnation, createdBy creator: ActionID, of collection: String
    ) -> Bool {
        let known = seen[collection, default: [:]][incarnation]
        if known == nil { seen[collection, default: [:]][incarnation] = creator }
        return known.map { $0 == creator } ?? true
    }

    package mutating func tell(_ id: RequestID, _ answer: Answer, at now: Instant) {
        requests[id].told = now
        requests[id].answer = answer
    }

    /// The names of the collections that were asked for, ascending.
    package var collections: [String] { Set(requests.map(\.collection)).sorted() }
}

extension LivesHistory.Answer {
    /// What the reply to a creation or a drop says.
    package init(_ reply: ClientReply) {
        self =
            switch reply {
            case .collection(let info): .life(info.incarnation, createdBy: info.createdBy)
            case .dropped: .dropped
            case .absent: .never
            case .failed(let error) where error.outcome == .notApplied: .notBegun
            default: .unknown
            }
    }
}

/// A life that a collection had, as the chosen values of its register show it.
package struct ObservedLife: Hashable, Sendable {
    package let incarnation: Incarnation
    package let createdBy: ActionID
    /// nil while it goes on, and where nothing shows it any more.
    package let droppedBy: ActionID?
    package let isOver: Bool

    package init(
        incarnation: Incarnation, createdBy: ActionID, droppedBy: ActionID?, isOver: Bool
    ) {
        self.incarnation = incarnation
        self.createdBy = createdBy
        self.droppedBy = droppedBy
        self.isOver = isOver
    }
}
