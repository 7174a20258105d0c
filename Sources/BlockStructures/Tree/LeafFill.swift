import BlockRuntime

/// How full a leaf may and must be. It is bounded in entries and in bytes, so that 64 values of
/// 64 KiB do not end up in one block.
///
/// A leaf is *within limits* with at most `capacity` entries and ``Limits/leafBytesMax`` bytes, and
/// *filled* with at least half the capacity **or** ``Limits/leafBytesMin`` bytes. Every leaf but
/// the root is both. That can always be kept, because one entry has less than half of
/// `leafBytesMax`: of a leaf that is over a limit, either the middle by count or the middle by
/// bytes is a good place to split; and if an underfull leaf and its filled neighbour do not fit
/// into one, moving entries until the first is filled leaves the second filled as well.
struct LeafFill {
    let capacity: Int

    func isWithinLimits(count: Int, bytes: Int) -> Bool {
        count <= capacity && bytes <= Limits.leafBytesMax
    }

    func isFilled(count: Int, bytes: Int) -> Bool {
        count >= capacity / 2 || bytes >= Limits.leafBytesMin
    }

    /// Where to divide entries between two leaves so that both are within limits and filled: the
    /// place nearest to the middle by count.
    /// - Parameter sizes: Bytes of each entry; together too much for one leaf.
    func splitPoint(_ sizes: [Int]) -> Int {
        let total = sizes.reduce(0, +)
        var best: Int?
        var left = 0
        for point in 1..<sizes.count {
            left += sizes[point - 1]
            let rest = sizes.count - point
            guard isWithinLimits(count: point, bytes: left), isFilled(count: point, bytes: left),
                isWithinLimits(count: rest, bytes: total - left),
                isFilled(count: rest, bytes: total - left)
            else { continue }
            // Twice the distance to the middle; of two equally near places the first one.
            if let best, abs(2 * best - sizes.count) <= abs(2 * point - sizes.count) { continue }
            best = point
        }
        guard let best else {
            fatalError("invariant: \(sizes.count) entries of \(total) bytes cannot be divided")
        }
        return best
    }
}
