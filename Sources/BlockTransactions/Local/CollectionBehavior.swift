import BlockModel
import BlockRuntime

/// What makes a collection of an application's own: its actions, what they do, and what becomes of
/// one that was overtaken.
public struct CollectionBehavior<Action: Sendable>: Sendable {
    /// How actions become bytes in the log.
    public struct Coding: Sendable {
        let encode: @Sendable (Action) throws -> Bytes
        let decode: @Sendable (Bytes) throws -> Action

        /// A coding by two functions, each the inverse of the other.
        public init(
            encode: @escaping @Sendable (Action) throws -> Bytes,
            decode: @escaping @Sendable (Bytes) throws -> Action
        ) {
            self.encode = encode
            self.decode = decode
        }
    }

    let coding: Coding
    let apply: @Sendable (Action, ActionScope) throws -> Void
    let resolve: @Sendable (_ pending: Action, _ landed: [Action]) -> Resolution

    /// - Parameters:
    ///   - coding: Every program that opens the collection must use the same.
    ///   - apply: Does an action; see ``ActionScope`` for what it may do.
    ///   - resolve: Asked, for each action that is not durable yet, when others' actions landed
    ///     first: keep it as it is, which runs it again on the new state; put another in its
    ///     place; or drop it. It must not look at anything but its arguments.
    public init(
        coding: Coding, apply: @escaping @Sendable (Action, ActionScope) throws -> Void,
        resolve:
            @escaping @Sendable (_ pending: Action, _ landed: [Action])
            -> Resolution = { _, _ in .keep }
    ) {
        self.coding = coding
        self.apply = apply
        self.resolve = resolve
    }
}

extension CollectionBehavior {
    /// What becomes of an action that is not durable yet when others' landed first.
    public enum Resolution: Sendable {
        /// It runs again on the new state.
        case keep
        /// This one runs in its place.
        case replace(Action)
        /// It is given up.
        case drop
    }
}

extension CollectionBehavior {
    /// What an update has brought.
    public struct Update: Sendable {
        /// The collection is now at this revision.
        public package(set) var revision: Revision
        /// Pending actions that turned out to have landed by an earlier try, or that were landed by
        /// a sync that failed later on.
        public internal(set) var landed: [Action] = []
        /// Pending actions that were replaced, and by what.
        public internal(set) var replaced: [(Action, by: Action)] = []
        /// Pending actions that were given up.
        public internal(set) var dropped: [Action] = []
        /// Pending actions that cannot be done on the new state, and why. They were taken out.
        public package(set) var failed: [(Action, any Error)] = []

        init(revision: Revision) { self.revision = revision }

        /// Adds what a later update has brought.
        package mutating func add(_ later: Update) {
            invariant(later.revision >= revision, "\(later.revision) is reported after \(revision)")
            revision = later.revision
            landed += later.landed
            replaced += later.replaced
            dropped += later.dropped
            failed += later.failed
        }

        /// Whether every pending action stayed what it was.
        public var isEmpty: Bool {
            landed.isEmpty && replaced.isEmpty && dropped.isEmpty && failed.isEmpty
        }
    }
}

extension CollectionBehavior {
    /// Reads an action of the log.
    /// - Throws: `.valueUndecodable` naming the place.
    package func action(
        of logged: BlockModel.Action, at revision: Revision
    ) throws(DatabaseError) -> Action {
        try coding.action(of: logged, at: revision)
    }
}

extension CollectionBehavior.Coding {
    /// - Throws: `.invalidArgument`, `.valueTooLarge`.
    func bytes(of action: Action) throws(DatabaseError) -> Bytes {
        let bytes: Bytes
        do {
            bytes = try encode(action)
        } catch {
            throw DatabaseError(.invalidArgument, "the action cannot be encoded", cause: error)
        }
        guard bytes.count <= Limits.actionBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "an action of \(bytes.count) bytes, actionBytesMax = \(Limits.actionBytesMax)")
        }
        return bytes
    }

    /// - Throws: `.valueUndecodable` naming the place.
    func action(
        of logged: BlockModel.Action, at revision: Revision
    ) throws(DatabaseError) -> Action {
        do {
            return try decode(logged.bytes)
        } catch {
            throw DatabaseError(
                .valueUndecodable,
                "the action \(logged.id) at revision \(revision) does not decode as "
                    + "\(Action.self)", cause: error)
        }
    }
}
