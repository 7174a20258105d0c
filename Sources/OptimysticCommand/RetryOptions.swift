import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

/// The id of an action, of a retry.
package struct RetryOptions: ParsableArguments {
    package init() {}

    @Option(help: ArgumentHelp("The id of the action, of a retry.", valueName: "uuid"))
    package var action: ActionID?
    @Option(
        name: .customLong("first-revision"),
        help: ArgumentHelp(
            "What the first try named: a revision and the life it is of.", valueName: "position"))
    package var firstRevision: CollectionPosition?

    package func validate() throws {
        if (action == nil) != (firstRevision == nil) {
            throw ValidationError("--action and --first-revision go together")
        }
        try FirstRevision.check(firstRevision)
    }

    /// Whether the action was sent before: by a command that ended without knowing what became of
    /// it.
    var isRetry: Bool { action != nil }

    /// Opens what an action is meant for: made when there is none, but never for a retry, which
    /// has nothing to do in a collection that was made after its first try.
    func open<Handle>(
        _ existing: () async throws -> Handle, orMake make: () async throws -> Handle
    ) async throws -> Handle {
        guard !isRetry else { return try await openAgain(existing) }
        do {
            return try await existing()
        } catch let error as DatabaseError where error.code == .collectionNotFound {
            return try await make()
        }
    }

    /// Opens what an action is meant for, which is never made: what is gone may have had it.
    func openAgain<Handle>(_ existing: () async throws -> Handle) async throws -> Handle {
        do {
            return try await existing()
        } catch let error as DatabaseError where error.code == .collectionNotFound {
            throw doubt().told(error)
        }
    }

    /// Runs an action under the id given, or a new one, and tells how to go on when its outcome is
    /// unknown.
    ///
    /// - Parameters:
    ///   - info: Of the collection, as it was opened.
    ///   - revision: The greatest one that was seen of it.
    ///   - done: What is told of it once it has landed, should a signal end the command then.
    ///   - command: What resolves the outcome of the action with this id.
    /// - Throws: `.positionNotFound` with an unknown outcome for a retry in another life.
    func run<Value>(
        in database: Database, of info: CollectionInfo, seen revision: Revision,
        done: String = "the action has landed", resolve command: (ActionID) -> String,
        _ body: (ActionID, CollectionPosition) async throws -> Value
    ) async throws -> Value {
        let id = action ?? database.makeActionID()
        let first = firstRevision ?? CollectionPosition(revision: revision, in: info)
        try FirstRevision.check(first, in: info)
        let hint = "optimystic \(command(id)) --first-revision \(first)"
        WritesUnderWay.begin(resolving: hint)
        do {
            let value = try await body(id, first)
            WritesUnderWay.end(done: done)
            return value
        } catch {
            WritesUnderWay.end()
            var told = error
            if let error = error as? DatabaseError, !RetryOptions.decides(error) {
                told = doubt().told(error)
            }
            // A command that no longer waits has sent it all the same.
            if told is CancellationError || (told as? DatabaseError)?.outcome == .unknown {
                StandardError.line(
                    "optimystic: the outcome is unknown; to resolve it: \(hint)")
            }
            throw told
        }
    }

    /// What is known of the action before this command sends it.
    private func doubt() -> AttemptDoubt {
        var doubt = AttemptDoubt()
        if isRetry { doubt.raise() }
        return doubt
    }

    /// Whether an error says what became of the action, or that this is not the action of the first
    /// try: all others tell of this try alone.
    private static func decides(_ error: DatabaseError) -> Bool {
        switch error.code {
        case .conflict, .actionIDReuse, .invalidArgument, .valueTooLarge: true
        default: false
        }
    }
}

/// The revision that the first try of an action named, with the life of the collection: in another
/// life no proxy finds the action, and it would be carried out once more.
enum FirstRevision {
    static func check(_ position: CollectionPosition?) throws {
        guard let position, position.life == nil else { return }
        throw ValidationError(
            "--first-revision is what the first try printed, with the life behind @, as in "
                + "\(position)@1-mfrggzdf; \(position) alone could be of another life")
    }

    /// - Throws: `.positionNotFound` for one of another life. What became of the action in that
    ///   one, no proxy can tell any more: the outcome is unknown.
    static func check(
        _ position: CollectionPosition, in info: CollectionInfo
    ) throws(DatabaseError) {
        do throws(DatabaseError) {
            _ = try position.revision(in: info)
        } catch {
            throw DatabaseError(
                .positionNotFound,
                "the action was first sent to another life of \"\(info.name)\" than "
                    + "\(CollectionPosition.LifeTag(info.incarnation)), which it is now: nothing "
                    + "was sent, and whether it landed in that life cannot be found out any more",
                outcome: .unknown, cause: error)
        }
    }
}

/// What the commands take that tell what became of an action.
package struct ActionArguments: ParsableArguments {
    package init() {}

    @Argument(help: "The collection.") package var name: ArgumentBytes
    @Argument(help: "The id of the action.") package var action: ActionID
    @Option(
        name: .customLong("first-revision"),
        help: ArgumentHelp(
            "What the action named: a revision and the life it is of.", valueName: "position"))
    package var firstRevision: CollectionPosition

    package func validate() throws { try FirstRevision.check(firstRevision) }

    /// - Throws: `.commitResultUnknown` when there is no such collection: it may have had the
    ///   action before it was dropped.
    func open<Handle>(_ open: (String) async throws -> Handle) async throws -> Handle {
        let name = try name.collectionName()
        do {
            return try await open(name)
        } catch let error as DatabaseError where error.code == .collectionNotFound {
            throw error.asUnknown
        }
    }

    /// - Throws: `.positionNotFound` with an unknown outcome in another life.
    func revision(in info: CollectionInfo) throws(DatabaseError) -> Revision {
        try FirstRevision.check(firstRevision, in: info)
        return firstRevision.revision
    }

    static func write(_ status: ActionStatus, _ form: OutputForm) {
        var output = StandardOutput()
        switch (status, form) {
        case (.landed(let position), .text): output.line("landed at \(position)")
        case (.notLanded(let asOf), .text): output.line("not landed up to revision \(asOf)")
        case (.landed(let position), .json):
            output.line(JSONText.object(["landed": .string("\(position)")]).text)
        case (.notLanded(let asOf), .json):
            output.line(
                JSONText.object(["landed": .null, "asOf": .number(asOf.rawValue)]).text)
        }
    }
}
