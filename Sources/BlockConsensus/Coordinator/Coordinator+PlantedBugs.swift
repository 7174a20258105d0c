import BlockModel
import BlockRuntime

/// What the planted bug `ballotReused` remembers of a coordinator's changes: the ballot that the
/// last one of each register spent. Nothing in what ships.
struct SpentBallots {
    #if SIMULATION_HOOKS
    private var spent: [CollectionID: (ballot: Ballot, value: TailValue)] = [:]
    #endif

    mutating func note(_ proposer: Proposer) {
        #if SIMULATION_HOOKS
        if planted(.ballotReused) { spent[proposer.collection] = proposer.spent }
        #endif
    }

    /// The ballot that the next change of the register is to use once more.
    mutating func take(_ collection: CollectionID) -> (ballot: Ballot, value: TailValue)? {
        #if SIMULATION_HOOKS
        return planted(.ballotReused) ? spent.removeValue(forKey: collection) : nil
        #else
        return nil
        #endif
    }
}
