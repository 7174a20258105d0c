import BlockModel
import BlockRuntime
import BlockStructures

/// One call on a local collection, step by step: what to ask the cluster next, and what to make of
/// its answers. The collection's owner performs the steps, one after another, in whatever time
/// and over whatever way it has: the SDK and the simulator drive this same machine.
package struct LocalCollectionCall<Action: Sendable> {
    package enum Kind {
        /// Runs the body, again with the blocks it missed, until it has them all.
        case run(() throws -> Void)
        /// Brings the snapshot to the newest revision and runs the pending actions on it.
        case update
        /// Lands all pending actions.
        case sync
    }

    package enum Step {
        /// Then ``receive(_:)`` what came of it.
        case ask(ClientRequest)
        case pause(Duration)
        case done(CollectionBehavior<Action>.Update)
    }

    /// What the owner draws from.
    package struct Source {
        let makeID: () -> ActionID
        let wallMilliseconds: () -> UInt64

        package init(
            makeID: @escaping () -> ActionID, wallMilliseconds: @escaping () -> UInt64
        ) {
            self.makeID = makeID
            self.wallMilliseconds = wallMilliseconds
        }
    }

    private enum Stage {
        case running(() throws -> Void)
        case readingLog
        case replaying
        case attempting
        case overtaken
        case finalising([FinaliseEntry])
        case ended
    }

    private enum Question {
        case logPage
        case blocks([BlockReadRequest])
        case landing
        case finality(FinaliseEntry)
    }

    /// What the call is, once it has begun.
    private enum Role {
        case body, update, sync
    }

    private let local: LocalCollection<Action>
    private let deadline: Instant
    private let source: Source
    private let role: Role
    private var generator: SeededGenerator
    private var stage: Stage
    private var question: Question?
    private var backoff = Backoff(.attempts)

    /// - Parameters:
    ///   - deadline: After which nothing is tried any more; the owner also ends requests by then.
    ///   - generator: For delays that must differ between processes.
    package init(
        _ kind: Kind, on local: LocalCollection<Action>, until deadline: Instant, source: Source,
        generator: SeededGenerator
    ) {
        self.local = local
        self.deadline = deadline
        self.source = source
        self.generator = generator
        switch kind {
        case .run(let body):
            role = .body
            stage = .running(body)
        case .update:
            role = .update
            stage = .readingLog
        case .sync:
            role = .sync
            stage = .readingLog
        }
    }

    /// What to do now.
    /// - Throws: What ends the call, as it may be told while an attempt may have committed.
    package mutating func next(at now: Instant) throws -> Step {
        invariant(question == nil, "a call goes on when its question is answered")
        do {
            return try proceed(now)
        } catch let missing as MissingBlocks {
            let requests = local.requests(for: missing)
            return ask(.readBlocks(requests), .blocks(requests))
        } catch {
            throw ended(by: error)
        }
    }

    private mutating func ask(_ request: ClientRequest, _ question: Question) -> Step {
        invariant(self.question == nil, "two questions at once")
        self.question = question
        return .ask(request)
    }

    private mutating func proceed(_ now: Instant) throws -> Step {
        while true {
            switch stage {
            case .running(let body):
                try body()
                stage = .ended
            case .readingLog: return askForLog()
            case .replaying:
                try local.replay()
                stage = role == .sync ? .attempting : .ended
            case .attempting:
                let payload = PayloadID(action: source.makeID(), execution: 0)
                let attempt = try local.attempt(
                    payload: payload, wallMilliseconds: source.wallMilliseconds())
                if let attempt {
                    local.attemptHandedOver()
                    return ask(.commit(attempt), .landing)
                }
                stage = .finalising(local.entriesToFinalise())
            case .overtaken: return .pause(try delay(from: now))
            case .finalising(var entries):
                guard !entries.isEmpty else {
                    stage = .ended
                    continue
                }
                let entry = entries.removeFirst()
                stage = .finalising(entries)
                return ask(.finalise(entry), .finality(entry))
            case .ended: return .done(report())
            }
        }
    }

    /// What the call did, for its owner. It stays with the collection until then: whoever gives the
    /// call up while only hints are being given finds it there.
    private func report() -> CollectionBehavior<Action>.Update {
        role == .body ? CollectionBehavior.Update(revision: local.revision) : local.takeReport()
    }

    private mutating func askForLog() -> Step {
        let bytesMax = buggify("buggify.local.pageOfOne") ? 1 : UInt32(Limits.pageBytesMax)
        let request = LogReadRequest(
            collection: local.collection, incarnation: local.incarnation,
            after: local.nextPageAfter, bytesMax: bytesMax)
        return ask(.readLog(request), .logPage)
    }

    private mutating func delay(from now: Instant) throws(DatabaseError) -> Duration {
        let delay = backoff.next(using: &generator)
        invariant(delay > .zero, "others are not given any time")
        guard now.advanced(by: delay) < deadline else {
            throw DatabaseError(
                .conflict,
                "others were first until the time ran out; "
                    + "\(local.pending.count) actions are still pending")
        }
        stage = .readingLog
        return delay
    }

    // MARK: Answers

    /// What came of what was asked; an error is a reply like any other.
    /// - Throws: As ``next(at:)``.
    package mutating func receive(_ reply: ClientReply) throws {
        guard let question else { return invariant(false, "an answer that nobody asked for") }
        self.question = nil
        do {
            switch question {
            case .logPage:
                guard case .logPage(let page) = reply else { throw problem(reply) }
                guard try local.read(page) else { return }
                local.takeOver(makeID: source.makeID)
                stage = .replaying
            case .blocks(let requests):
                guard case .blocks(let copies) = reply else { throw problem(reply) }
                try local.add(copies, for: requests)
            case .landing: try landed(reply)
            case .finality(let entry):
                // A hint: what cannot be done now is done later.
                local.finaliseEnded(entry, isFinal: reply == .finalised)
            }
        } catch {
            throw ended(by: error)
        }
    }

    private mutating func landed(_ reply: ClientReply) throws(DatabaseError) {
        switch reply {
        case .committed(let revision, _):
            let isTaken = local.attemptLanded(at: revision)
            if isTaken { backoff.reset() }
            stage = isTaken ? .attempting : .overtaken
        case .refused(let refusal):
            if let error = local.attemptRefused(refusal) { throw error }
            stage = .overtaken
        case .failed(let error):
            local.attemptFailed(error)
            throw error
        default:
            local.attemptWasLetGo()
            throw problem(reply)
        }
    }

    private func problem(_ reply: ClientReply) -> DatabaseError {
        if case .failed(let error) = reply { return error }
        return DatabaseError(
            .malformedMessage, "the proxy answered something else than was asked",
            outcome: .unknown)
    }

    /// The application waits no more for the answer, or for the end of a pause, because of `error`.
    /// - Throws: As ``next(at:)``, unless the work was done and only a hint was being given.
    package mutating func letGo(_ error: any Error) throws {
        switch question {
        case .finality(let entry):
            question = nil
            return local.finaliseEnded(entry, isFinal: false)
        case .landing: local.attemptWasLetGo()
        case .logPage, .blocks, nil: break
        }
        question = nil
        throw ended(by: error)
    }

    /// The call ends with `error`. - Returns: As it may be told.
    private func ended(by error: any Error) -> any Error {
        if role == .sync { local.syncFailed() }
        guard role != .body, let error = error as? DatabaseError else { return error }
        return local.told(error)
    }
}
