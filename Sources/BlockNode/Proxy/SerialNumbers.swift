import BlockRuntime

/// The numbers of what is under way in a proxy: tasks, calls, tries, fetches. Each is given once.
struct SerialNumbers: Sendable {
    private var last: UInt64 = 0

    mutating func next() -> UInt64 {
        invariant(last < .max, "all numbers are given")
        last += 1
        return last
    }
}
