/// A pseudo-random generator (SplitMix64): the same seed gives the same numbers everywhere.
///
/// It is not for secrets. Live processes seed it from the system; simulations from the run's seed.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 128 bits out of the 64 of the state: for simulations, workloads and tests. What must be
    /// unique for ever comes from ``Environment/identifier()``.
    package mutating func identifier() -> Identifier128 {
        Identifier128(UInt128(next()) << 64 | UInt128(next()))
    }

    /// A number in `0 ..< bound`. The bias is below 2⁻³² for every bound used here.
    /// - Precondition: `bound` is positive.
    package mutating func below(_ bound: Int) -> Int {
        invariant(bound > 0, "below(\(bound)) asks for an empty range")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// True with probability `numerator / denominator`.
    package mutating func chance(_ numerator: Int, in denominator: Int) -> Bool {
        below(denominator) < numerator
    }

    /// A generator whose numbers are independent of what this one yields next.
    package mutating func fork() -> SeededGenerator { SeededGenerator(seed: next()) }
}
