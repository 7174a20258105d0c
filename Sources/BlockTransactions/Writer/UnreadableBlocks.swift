import BlockModel
import BlockRuntime

/// Blocks that could not be read lately: the actions that need one are set aside until it can be,
/// or told that it is damaged; the others go on.
package struct UnreadableBlocks: Sendable {
    /// Why a block could not be read, and when it is to be asked for again.
    private struct Failure {
        let error: DatabaseError
        let until: Instant
    }

    private var failures: [BlockID: Failure] = [:]
    /// Blocks that were asked for again, beside everything else; empty when none are.
    private var askedAgain: Set<BlockID> = []

    package init() {}

    /// Those of `blocks` that cannot be read now.
    func among(_ blocks: [BlockID]) -> Set<BlockID> {
        Set(blocks.filter { failures[$0] != nil })
    }

    /// Why an action is set aside; nil when it is not.
    func reason(for pending: PendingAction) -> DatabaseError? {
        pending.awaited.min().flatMap { failures[$0]?.error }
    }

    // MARK: Events

    /// The collection lives no more: its blocks are of no interest.
    package mutating func lifeEnded() { failures = [:] }

    /// A fetch could not bring everything.
    /// - Returns: Why nothing can go on: something that is no block is missing.
    package mutating func note(
        _ failed: [FetchItem: DatabaseError], _ effects: inout WriterEffects
    ) -> DatabaseError? {
        var ofAll: DatabaseError?
        for (item, error) in failed {
            guard case .block(let request) = item else {
                ofAll = error
                continue
            }
            mark("writer.unreadableBlock")
            let until = effects.now.advanced(by: Limits.unreadableBlockTime)
            failures[request.key.block] = Failure(error: error, until: until)
            effects.wake(at: until)
        }
        invariant(failed.isEmpty || ofAll != nil || !failures.isEmpty, "a failure is not noted")
        return ofAll
    }

    /// What was asked for again has come, or some of it: the actions that waited for it go on.
    package mutating func retryEnded(_ things: Fetched, _ queue: inout ActionQueue) {
        retryFailed()
        for block in things.blocks.values.map(\.request.key.block) {
            failures[block] = nil
            queue.update { $0.goOn(block) }
        }
    }

    /// Nothing of what was asked for again could be had.
    package mutating func retryFailed() { askedAgain = [] }

    /// Blocks that actions are set aside for and that it is time to ask for again, if none are
    /// asked for yet; of what no action waits for, it is enough to forget that it failed.
    mutating func due(
        _ queue: inout ActionQueue, _ effects: inout WriterEffects
    ) -> [BlockID] {
        var awaited: Set<BlockID> = []
        let known = failures
        queue.update { pending in
            pending.waitOnly { known[$0] != nil }
            awaited.formUnion(pending.awaited)
        }
        guard !failures.isEmpty, askedAgain.isEmpty else { return [] }
        let now = effects.now
        failures = failures.filter { $0.value.until > now || awaited.contains($0.key) }
        if let next = failures.values.map(\.until).filter({ $0 > now }).min() {
            effects.wake(at: next)
        }
        invariant(awaited.allSatisfy { failures[$0] != nil }, "a block is waited for in vain")
        return failures.filter { $0.value.until <= now }.keys.sorted()
    }

    /// Blocks that were due are asked for again.
    mutating func retryBegan(_ blocks: [BlockID]) {
        invariant(askedAgain.isEmpty, "two retries at a time")
        invariant(!blocks.isEmpty, "a retry of nothing")
        askedAgain = Set(blocks)
    }

    /// A run has shown that actions need blocks which cannot be read: tells those of which one is
    /// damaged, and sets the others aside.
    func setAside(
        _ needs: [ActionID: Set<BlockID>], _ queue: inout ActionQueue,
        _ effects: inout WriterEffects
    ) {
        guard !needs.isEmpty else { return }
        queue.sift { pending in
            guard let blocks = needs[pending.action] else { return true }
            let errors = blocks.sorted().compactMap { failures[$0]?.error }
            invariant(!errors.isEmpty, "\(pending.action) is set aside for readable blocks")
            if let damage = errors.first(where: { $0.code == .corrupted }) {
                pending.fail(damage, &effects)
                return false
            }
            mark("writer.setAside")
            pending.setAside(for: blocks)
            return true
        }
    }

    package func checkInvariants() {
        invariant(
            failures.values.allSatisfy { $0.until > .origin }, "a failure that was never noted")
    }
}
