/// Time, chance and identifiers, handed to the code that needs them: the only door to any of the
/// three.
///
/// Services use ``live()``; simulations build one over their virtual clock and their seed.
package struct Environment: Sendable {
    /// The monotonic clock.
    package let now: @Sendable () -> Instant
    /// Milliseconds since 1970-01-01 UTC. Metadata for people; nothing is decided by it.
    package let wallMilliseconds: @Sendable () -> UInt64
    /// Sixty-four random bits, different at every call and in every process.
    package let entropy: @Sendable () -> UInt64

    package init(
        now: @escaping @Sendable () -> Instant,
        wallMilliseconds: @escaping @Sendable () -> UInt64,
        entropy: @escaping @Sendable () -> UInt64
    ) {
        self.now = now
        self.wallMilliseconds = wallMilliseconds
        self.entropy = entropy
    }

    /// A generator seeded from ``entropy``.
    package func generator() -> SeededGenerator { SeededGenerator(seed: entropy()) }

    /// 128 bits of entropy: ids that must be unique for ever are drawn here, not from a generator
    /// with 64 bits of state.
    package func identifier() -> Identifier128 {
        Identifier128(UInt128(entropy()) << 64 | UInt128(entropy()))
    }
}
