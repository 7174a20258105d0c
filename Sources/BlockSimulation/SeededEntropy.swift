import BlockRuntime

/// Random bits of one process of a world.
final class SeededEntropy: @unchecked Sendable {
    // SAFETY: one belongs to one simulated world, which runs on one thread.
    private var generator: SeededGenerator

    init(_ generator: SeededGenerator) { self.generator = generator }

    func next() -> UInt64 { generator.next() }
}
