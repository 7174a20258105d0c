import BlockRuntime
import OptimysticClient
import Synchronization

/// The values that a tree's handle has read lately, as they are stored: what a comparison with a
/// value that was just read goes by, whichever client wrote it and however it is spelled.
package final class ReadValues: Sendable {
    /// Values of one key, of two lately read revisions, that are told apart.
    private static let valueCountMax = 4

    /// In two halves: when the young one is full it becomes the old one, which is forgotten.
    private struct State {
        var young: [Bytes: [Bytes]] = [:]
        var old: [Bytes: [Bytes]] = [:]
        var youngBytes = 0
    }

    package init() {}

    private let state = Mutex(State())

    /// A value was read.
    package func keep(_ value: Bytes, of key: Bytes) {
        state.withLock { state in
            var values = state.young[key] ?? []
            if values.last == value { return }
            values.removeAll { $0 == value }
            values.append(value)
            state.young[key] = values.suffix(Self.valueCountMax)
            state.youngBytes += key.count + value.count + 64
            if state.youngBytes > Limits.readValuesBytesMax / 2 {
                state.old = state.young
                state.young = [:]
                state.youngBytes = 0
            }
        }
    }

    /// What was read of a key, the newest last.
    package func values(of key: Bytes) -> [Bytes] {
        state.withLock { ($0.old[key] ?? []) + ($0.young[key] ?? []) }
    }
}
