import BlockModel
import BlockRuntime

/// A batch with a target: what it asks a coordinator to land, and what is known of whether it did.
///
/// It does not send itself. A writer sends it as an attempt of its own; a transaction over several
/// collections may bind several of these to one decision, and tells each how it ended.
package struct InFlightBatch: Sendable {
    package let incarnation: Incarnation
    package let target: Revision
    /// The checkpoint that its entry carries.
    let checkpoint: Checkpoint?
    let prepared: PreparedBatch
    package private(set) var actions: [PendingAction]
    package let ids: Set<ActionID>
    /// What is known of whether it landed.
    private var doubt: AttemptDoubt

    /// A batch that is handed over now.
    package init(_ built: BatchBuilder.Built, on log: LogState, checkpoint: Checkpoint?) {
        incarnation = log.incarnation
        target = log.revision.next
        self.checkpoint = checkpoint
        prepared = built.prepared
        actions = built.actions
        ids = Set(actions.map(\.action))
        doubt = AttemptDoubt(target: target)
        doubt.handedOver()
        checkInvariants()
    }

    /// What a coordinator is asked for.
    package func commit(of collection: CollectionID, _ effects: WriterEffects) -> CommitAttempt {
        prepared.attempt(
            at: Participant(collection: collection, incarnation: incarnation, target: target),
            history: effects.history, checkpoint: checkpoint,
            wallMilliseconds: effects.wallMilliseconds)
    }

    /// When the last of its clients stops waiting; nil when none waits.
    var deadline: Instant? { actions.flatMap(\.waiters).map(\.deadline).max() }

    /// The action with this id, if it is in this batch.
    func action(_ id: ActionID) -> PendingAction? {
        ids.contains(id) ? actions.first { $0.action == id } : nil
    }

    /// What comes of each action, in order.
    var outcomes: [ActionOutcome] { prepared.outcomes }

    /// Bytes of its transforms and its body.
    var byteCount: Int { prepared.byteCount }

    /// Its actions as its entry holds them.
    var loggedActions: [Action] {
        zip(actions, prepared.outcomes).map {
            Action(id: $0.action, bytes: $0.bytes, outcome: $1.bytes)
        }
    }

    /// What its entry records of each transaction, by its id.
    var recordHashes: [ActionID: Digest] { prepared.recordHashes }

    // MARK: Under way

    /// Another request for an action of it shares the outcome.
    mutating func join(_ id: ActionID, _ waiter: PendingAction.Waiter) {
        guard let position = actions.firstIndex(where: { $0.action == id }) else { return }
        actions[position].join(waiter)
    }

    /// A try of it was sent.
    mutating func wasTried() { doubt.handedOver() }

    /// A try of it failed, and will be repeated.
    mutating func tryFailed(_ error: DatabaseError) { doubt.tryEnded(error) }

    /// Answers the waiters whose time is up.
    mutating func expire(_ trouble: DatabaseError, _ effects: inout WriterEffects) {
        let now = effects.now
        // While one client waits the attempt is tried again, with the actions of all in it.
        let goesOn = actions.contains { $0.waiters.contains { $0.deadline > now } }
        var account = doubt
        if goesOn { account.handedOver() }
        for position in actions.indices {
            actions[position].expire(trouble, in: account, &effects)
        }
    }

    /// Gives readers of a chosen tail the blocks that its newest entry made, when that entry is
    /// this batch and the answer has not come yet: they need not be fetched.
    func share(with tail: Tail, in blocks: SharedBlockCache) {
        guard incarnation == tail.incarnation, target == tail.revision,
            tail.entries.last?.payload == prepared.payload
        else { return }
        for block in prepared.results {
            blocks.keep(block, incarnation: tail.incarnation, revision: tail.revision)
        }
    }

    // MARK: The end

    /// How it ended.
    package enum Ending {
        /// At its target.
        case landed
        /// By an earlier attempt: the log tells where.
        case landedEarlier
        /// Dead, whatever became of earlier tries of it.
        case fenced(TailValue)
        /// Others landed at its target.
        case moved(TailValue)
        case gone(TailValue)
        /// A transaction over several collections is in the way.
        case blocked(TailValue)
        /// It makes no sense, and another try would be refused as well.
        case refused(DatabaseError)
        case failed(DatabaseError)

        /// Whether its actions are to be looked for, and made again where they are not found.
        package var isRetried: Bool {
            switch self {
            case .landed, .refused: false
            default: true
            }
        }
    }

    /// Its sender was answered: what is known of it from now on.
    package mutating func ended(_ reply: RepositoryReply) -> Ending {
        if case .failed(let error) = reply {
            doubt.tryEnded(error)
        } else {
            doubt.tryEnded()
        }
        switch reply {
        case .committed(target, _): return .landed
        case .committed:
            mark("writer.landedEarlier")
            doubt.raise()
            return .landedEarlier
        case .refused(.fenced(let value)):
            mark("writer.fenced")
            doubt.decided()
            return .fenced(value)
        case .refused(.moved(let landing, let value)):
            mark("writer.moved")
            switch landing {
            case .absent: doubt.decided()
            // An earlier accept of the same attempt may have been written back by another
            // coordinator and sealed: until the log at the target is read, no client may be told
            // that it failed.
            case .notLookedFor: doubt.raise()
            }
            return .moved(value)
        case .refused(.gone(let value)):
            mark("writer.gone")
            return .gone(value)
        case .refused(.blocked(let value)): return .blocked(value)
        // It asks to go on over pends; a service of another version may not know that.
        case .refused(.pending):
            return .failed(DatabaseError(.conflict, "another attempt's pend is in the way"))
        case .failed(let error) where error.isRefusal && !doubt.mayHaveCommitted:
            return .refused(error)
        case .failed(let error):
            mark("writer.attemptFailed")
            return .failed(error)
        default: invariant(false, "an attempt cannot end with \(reply)")
        }
        return .landedEarlier
    }

    /// Its actions that are still waited for, with what is in doubt of them.
    package var unfinished: [PendingAction] {
        var unfinished = actions.filter { !$0.waiters.isEmpty }
        for position in unfinished.indices { unfinished[position].inherit(doubt) }
        return unfinished
    }

    /// It makes no sense: answers the clients of its actions.
    package func fail(_ error: DatabaseError, _ effects: inout WriterEffects) {
        invariant(!doubt.mayHaveCommitted, "an attempt in doubt is told to have failed")
        for action in actions { action.fail(error, &effects) }
    }

    /// It has landed at its target, in the life that is known: readers and later batches build
    /// on it.
    package func publish(_ effects: inout WriterEffects) {
        if effects.history?.incarnation == incarnation {
            if effects.history?.through == target.previous {
                effects.history?.append(
                    target, payload: prepared.payload, blocks: prepared.blocks)
            }
            if let checkpoint { effects.history?.raiseFloor(to: checkpoint) }
        }
        for block in prepared.results {
            effects.blocks.keep(block, incarnation: incarnation, revision: target)
        }
    }

    /// It has landed at its target: answers the clients of its actions.
    package func answer(_ effects: inout WriterEffects) {
        invariant(actions.count == prepared.outcomes.count, "an action without an outcome")
        for (number, pending) in actions.enumerated() {
            let position = LogPosition(revision: target, index: UInt32(number))
            pending.landed(at: position, prepared.outcomes[number], &effects)
        }
    }

    package func checkInvariants() {
        invariant(!actions.isEmpty && ids.count == actions.count, "an action twice, or none")
        let isListed = actions.prefix(64).allSatisfy { ids.contains($0.action) }
        invariant(isListed, "an action that is not listed")
        invariant(actions.count == prepared.outcomes.count, "an action without an outcome")
        invariant(prepared.base < target, "run on \(prepared.base), sent to \(target)")
        invariant(doubt.target == target, "doubt of another target")
    }
}

extension DatabaseError {
    /// Whether an attempt was found to make no sense, by the first service that looked at it.
    fileprivate var isRefusal: Bool {
        [
            .invalidArgument, .valueTooLarge, .malformedMessage, .engineUnknown, .executionDiffers,
        ].contains(code)
    }
}
