import BlockModel
import BlockRuntime
import BlockStructures

/// Goes on with the steps after one that misses blocks, so that one fetch brings what many of them
/// need: work on cold blocks takes a round for each level of a tree, not one for each key.
///
/// Every step is all or nothing; those after a missing one run on a state without it, and count for
/// nothing but the blocks they miss.
struct MissingCollector {
    private var ids: Set<BlockID> = []

    /// - Returns: nil when the step misses blocks.
    /// - Throws: What `step` throws while nothing is missing; ``MissingBlocks`` when enough are, or
    ///   when a step fails that may have failed for their lack.
    mutating func run<Value>(_ step: () throws -> Value) throws -> Value? {
        invariant(ids.count < Limits.missingBlockCountMax, "a step after enough is missing")
        do {
            return try step()
        } catch let missing as MissingBlocks {
            invariant(!missing.ids.isEmpty, "a step misses no block, and would for ever")
            ids.formUnion(missing.ids)
            if ids.count >= Limits.missingBlockCountMax { try finish() }
            return nil
        } catch {
            try finish()
            throw error
        }
    }

    /// - Throws: ``MissingBlocks`` when some step missed any.
    func finish() throws {
        if !ids.isEmpty { throw MissingBlocks(ids.sorted()) }
    }
}
