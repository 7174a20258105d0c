import BlockModel
import BlockRuntime
import OptimysticClient

/// Lives of collections by name: each of these looks first, and then names what it saw, so that
/// what arrives late begins or ends no other life.
extension Database {
    /// Drops a collection and all it holds. The name can be used again at once, for a new one.
    ///
    /// It ends the life of the name that is there when this begins, and no other.
    /// - Throws: `.collectionNotFound` when there is none, or another client drops it first;
    ///   `.commitResultUnknown`.
    public func drop(_ name: String, timeout: Duration? = nil) async throws {
        let deadline = connection.now.advanced(by: timeout ?? self.timeout)
        let info = try await open(
            name, nil, encoding: nil, creates: false, timeout: timeLeft(deadline))
        try await drop(info, timeout: timeLeft(deadline))
    }

    /// Drops exactly this life of a collection.
    ///
    /// - Throws: As ``drop(_:timeout:)``.
    public func drop(_ life: CollectionInfo, timeout: Duration? = nil) async throws {
        let drop = DropCollection(
            collection: life.collection, incarnation: life.incarnation, action: makeActionID())
        let isDropped = try await ask(.dropCollection(drop), timeout: timeout) { reply in
            switch reply {
            case .dropped: true
            case .absent: false
            default: nil
            }
        }
        guard isDropped else {
            throw DatabaseError(
                .collectionNotFound, "\"\(life.name)\" was dropped by somebody else")
        }
    }

    /// Opens a collection, and creates it when it may.
    /// - Parameter kind: nil: whatever it is.
    func open(
        _ name: String, _ kind: CollectionKind?, encoding: ValueEncoding?,
        keyType: KeyType? = nil, creates: Bool, capacity: UInt32? = nil, timeout: Duration?
    ) async throws -> CollectionInfo {
        if let count = keyType?.text.utf8.count, count > Limits.keyTypeBytesMax {
            throw DatabaseError(
                .invalidArgument,
                "the type of the keys takes \(count) bytes to write, keyTypeBytesMax = "
                    + "\(Limits.keyTypeBytesMax)")
        }
        let deadline = connection.now.advanced(by: timeout ?? self.timeout)
        while true {
            let look = OpenCollection(
                name: name, kind: kind, encoding: encoding, keyType: keyType)
            let generation: UInt64
            switch try await find(look, deadline) {
            case .found(let info): return info
            case .absent(let last): generation = last
            }
            guard creates else {
                throw DatabaseError(
                    .collectionNotFound, "there is no collection \"\(name)\"")
            }
            let creation = Creation(action: makeActionID(), generation: generation)
            let create = OpenCollection(
                name: name, kind: kind, encoding: encoding, keyType: keyType,
                creation: creation, capacity: capacity)
            if case .found(let info) = try await find(create, deadline) { return info }
            // Another client created it, and dropped it since: this creation is over.
        }
    }

    private enum Finding {
        case found(CollectionInfo)
        case absent(UInt64)
    }

    private func find(
        _ open: OpenCollection, _ deadline: Instant
    ) async throws -> Finding {
        try await ask(.openCollection(open), timeout: timeLeft(deadline)) { reply in
            switch reply {
            case .collection(let info): .found(info)
            case .absent(let generation): .absent(generation)
            default: nil
            }
        }
    }

    private func timeLeft(_ deadline: Instant) -> Duration {
        max(.zero, deadline.since(connection.now))
    }
}
