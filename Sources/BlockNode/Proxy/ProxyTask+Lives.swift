import BlockModel
import BlockRuntime
import BlockStructures
import BlockTransactions

/// Tasks that begin and end lives of collections. What came of one, a chosen value of the register
/// tells, whatever is known of its other tries (protocol: create-on-what-was-seen,
/// drop-names-the-life).
extension ProxyTask {
    mutating func openCollection(
        _ open: OpenCollection, _ input: Input, _ effects: inout TaskEffects
    ) {
        switch (input, open.creation) {
        case (.tail(let value), nil): look(open, value, &effects)
        case (_, nil): effects.readTail(CollectionID(name: open.name))
        case (.reply(.tail(let value)), let creation?):
            conclude(open, creation, value, &effects)
        case (_, let creation?):
            effects.call(
                .create(
                    CreateCollection(
                        name: open.name, header: open.emptyHeader, creation: creation,
                        nonce: effects.makeIdentifier())))
        }
    }

    /// Tells what is there.
    private func look(
        _ open: OpenCollection, _ value: TailValue, _ effects: inout TaskEffects
    ) {
        guard let tail = value.live else {
            return effects.respond(.absent(generation: value.generation))
        }
        if let mismatch = open.mismatch(with: tail.header) {
            return effects.respond(.failed(mismatch))
        }
        effects.respond(.collection(CollectionInfo(tail)))
    }

    /// Tells what a creation has come to.
    private mutating func conclude(
        _ open: OpenCollection, _ creation: Creation, _ value: TailValue,
        _ effects: inout TaskEffects
    ) {
        invariant(open.creation == creation, "another creation than was asked for")
        let fate = creation.fate(in: value)
        switch fate {
        // Whatever is known of other tries of it.
        case .done, .superseded: doubt.decided()
        case .open, .unknown: break
        }
        switch fate {
        case .superseded: look(open, value, &effects)
        case .done(let incarnation) where value.live == nil:
            // It was there, and is over: as if the answer had come before the drop.
            mark("proxy.createdAndDropped")
            effects.respond(
                .collection(
                    CollectionInfo(
                        name: open.name, incarnation: incarnation, header: open.emptyHeader,
                        revision: .zero, createdBy: creation.action)))
        case .done: look(open, value, &effects)
        case .open, .unknown:
            let message =
                "\"\(open.name)\" is in life \(value.generation), the creation was to make life "
                + "\(creation.generation + 1): nobody knows any more whether it did"
            effects.respond(
                .failed(DatabaseError(.commitResultUnknown, message, outcome: .unknown)))
        }
    }

    static let dropRefused = DatabaseError(
        .conflict, "transactions over several collections are under way in the collection")

    func drop(_ request: DropCollection, _ input: Input, _ effects: inout TaskEffects) {
        switch input {
        case .reply(.tail(let value)):
            switch request.fate(in: value) {
            case .done: effects.respond(.dropped)
            case .superseded: effects.respond(.absent(generation: value.generation))
            case .open, .unknown:
                let message =
                    "the collection is in another life than the one to be dropped: nobody knows "
                    + "any more what ended that one"
                effects.respond(
                    .failed(DatabaseError(.commitResultUnknown, message, outcome: .unknown)))
            }
        case .reply(.refused): effects.respond(.failed(ProxyTask.dropRefused))
        default: effects.call(.drop(request))
        }
    }
}

extension OpenCollection {
    /// The header of the collection, should it be created.
    fileprivate var emptyHeader: CollectionHeader {
        let encoding = encoding ?? .bytes
        return switch kind ?? .custom {
        case .tree, .custom:
            // A custom one's handlers may keep a tree in it.
            CollectionHeader(
                kind: kind ?? .custom, encoding: encoding,
                keyType: keyType ?? (kind == .tree ? Bytes.keyType : nil),
                capacity: capacity ?? UInt32(Limits.nodeCapacityDefault))
        case .diary, .queue: CollectionHeader(kind: kind ?? .custom, encoding: encoding)
        }
    }

    /// Why a collection with `header` cannot be opened as asked; nil when it can.
    fileprivate func mismatch(with header: CollectionHeader) -> DatabaseError? {
        if let kind, header.kind != kind {
            return DatabaseError(
                .collectionKindMismatch, "\"\(name)\" is a \(header.kind), not a \(kind)")
        }
        if let encoding, header.encoding != encoding {
            return DatabaseError(
                .collectionKindMismatch,
                "\"\(name)\" holds \(header.encoding) values, not \(encoding)")
        }
        if let keyType, header.keyType != keyType {
            let actual = header.keyType.map { "\($0) keys" } ?? "no keys"
            return DatabaseError(
                .collectionKindMismatch, "\"\(name)\" has \(actual), not \(keyType) keys")
        }
        return nil
    }
}

extension CollectionInfo {
    init(_ tail: Tail) {
        self.init(
            name: tail.name, incarnation: tail.incarnation, header: tail.header,
            revision: tail.revision, createdBy: tail.createdBy)
    }
}
