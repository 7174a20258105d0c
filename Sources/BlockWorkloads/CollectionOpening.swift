import BlockModel
import BlockRuntime

/// How the client of a workload comes by its collection: it looks, and creates the life after the
/// one it was told of, under the same id however often it has to ask.
struct CollectionOpening: Sendable {
    private var creation: Creation?

    func request(
        _ name: String, _ kind: CollectionKind, capacity: UInt32? = nil
    ) -> ClientRequest {
        .openCollection(
            OpenCollection(
                name: name, kind: kind, encoding: creation == nil ? nil : .bytes,
                creation: creation, capacity: capacity))
    }

    /// - Returns: The collection, once there is one.
    mutating func receive(
        _ reply: ClientReply, using generator: inout SeededGenerator
    ) -> CollectionInfo? {
        switch reply {
        case .collection(let info):
            creation = nil
            return info
        case .absent(let generation):
            creation = Creation(
                action: ActionID(rawValue: generator.identifier()), generation: generation)
        default:
            // An application that gives up looks anew.
            if creation != nil, generator.chance(1, in: 4) { creation = nil }
        }
        return nil
    }

    /// The process died, and with it what it remembers.
    mutating func forget() { creation = nil }
}
