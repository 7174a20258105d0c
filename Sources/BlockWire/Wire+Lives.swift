import BlockModel
import BlockRuntime
import CProtocol

// What begins and ends the lives of collections.

// MARK: - Building

extension WireArena {
    func message(_ creation: Creation) -> UnsafeMutablePointer<CreationMessage> {
        make(optimystic__v1__creation__init) {
            $0.action = identifier(creation.action.rawValue)
            $0.generation = creation.generation
        }
    }

    func message(_ drop: DropCollection) -> UnsafeMutablePointer<DropCollectionMessage> {
        make(optimystic__v1__drop_collection__init) {
            $0.collection = digest(drop.collection.digest)
            $0.incarnation = message(drop.incarnation)
            $0.action = identifier(drop.action.rawValue)
        }
    }
}

// MARK: - Reading

extension Creation {
    init(
        wire message: UnsafeMutablePointer<CreationMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        let generation = try counted(message.generation, field)
        guard generation < Limits.counterMax else {
            throw over(field, "\(generation), no life follows", .counterMax)
        }
        self.init(
            action: ActionID(rawValue: try message.action.identifier(field)),
            generation: generation)
    }
}

extension DropCollection {
    init(
        wire message: UnsafeMutablePointer<DropCollectionMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            collection: try message.collection.collection(field),
            incarnation: try Incarnation(wire: message.incarnation, field),
            action: ActionID(rawValue: try message.action.identifier(field)))
    }
}
