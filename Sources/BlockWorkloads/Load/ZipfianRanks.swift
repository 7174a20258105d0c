import BlockRuntime
import Glibc

/// Draws ranks of which few are popular: rank r comes with a frequency of 1 / (r + 1)^θ.
///
/// The method is that of Gray et al., "Quickly Generating Billion-Record Synthetic Databases"
/// (SIGMOD 1994), which YCSB uses too: ranks 0 and 1 come exactly as often as they should, the
/// others by a continuous approximation.
package struct ZipfianRanks: Sendable {
    /// The skew that YCSB takes for all its core workloads.
    package static let theta = 0.99

    package private(set) var count: Int
    /// The sum of 1 / i^θ for i from 1 to `count`.
    private var zeta: Double
    private var eta = 0.0

    /// - Complexity: O(count).
    package init(count: Int) {
        invariant(count > 0, "there must be a rank to draw, of \(count)")
        self.count = count
        zeta = ZipfianRanks.sum(1...count)
        prepare()
    }

    private init(count: Int, zeta: Double) {
        self.count = count
        self.zeta = zeta
        prepare()
    }

    /// The ranks of 10¹⁰ items, as many as YCSB draws from before it scrambles: the share of the
    /// most popular one (3.8 %) then does not hang on how many records there are. The sum is known
    /// from YCSB, since adding it up would take minutes.
    package static let ofManyItems = ZipfianRanks(
        count: 10_000_000_000, zeta: 26.469_028_201_783_02)

    /// More ranks, of which the added ones are the least popular.
    /// - Complexity: O(ranks added).
    package mutating func grow(to count: Int) {
        guard count > self.count else { return }
        zeta += ZipfianRanks.sum((self.count + 1)...count)
        self.count = count
        prepare()
    }

    /// The share of all draws that a rank should have.
    package func share(of rank: Int) -> Double {
        1 / (pow(Double(rank + 1), ZipfianRanks.theta) * zeta)
    }

    package func rank(using generator: inout SeededGenerator) -> Int {
        let uniform = Double(generator.next() >> 11) * 0x1p-53
        let reached = uniform * zeta
        if reached < 1 || count == 1 { return 0 }
        if reached < ZipfianRanks.zetaOfTwo || count == 2 { return 1 }
        let place = pow(eta * uniform - eta + 1, 1 / (1 - ZipfianRanks.theta))
        return min(count - 1, Int(Double(count) * place))
    }

    private static let zetaOfTwo = sum(1...2)

    private static func sum(_ numbers: ClosedRange<Int>) -> Double {
        numbers.reduce(0) { $0 + 1 / pow(Double($1), theta) }
    }

    private mutating func prepare() {
        guard count > 2 else { return }
        eta =
            (1 - pow(2 / Double(count), 1 - ZipfianRanks.theta))
            / (1 - ZipfianRanks.zetaOfTwo / zeta)
    }
}
