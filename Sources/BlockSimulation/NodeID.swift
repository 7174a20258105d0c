/// A process of a simulated world.
package enum NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    case peer(Int)
    case coordinator(Int)
    case proxy(Int)
    case client(Int)

    package var description: String {
        switch self {
        case .peer(let index): "peer-\(index)"
        case .coordinator(let index): "coordinator-\(index)"
        case .proxy(let index): "proxy-\(index)"
        case .client(let index): "client-\(index)"
        }
    }

    var isPeer: Bool { if case .peer = self { true } else { false } }

    /// For the trace.
    var code: Int {
        switch self {
        case .peer(let index): 1000 + index
        case .coordinator(let index): 2000 + index
        case .proxy(let index): 3000 + index
        case .client(let index): 4000 + index
        }
    }
}
