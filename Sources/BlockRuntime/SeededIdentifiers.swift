import Synchronization

/// Ids drawn from a seed, for simulations and tests: what ``Environment/identifier()`` is where
/// nothing has to be replayed.
package final class SeededIdentifiers: Sendable {
    private let generator: Mutex<SeededGenerator>

    package init(seed: UInt64) { generator = Mutex(SeededGenerator(seed: seed)) }

    package func next() -> Identifier128 { generator.withLock { $0.identifier() } }
}
