import BlockModel
import BlockRuntime

/// Generated blocks and changes of them, small enough that everything meets everything.
struct BlockSamples {
    var generator: SeededGenerator

    static let collection = CollectionID(name: "sample")
    static let incarnation = Incarnation(generation: 1, nonce: Identifier128(7))
    static let type = BlockType("TL")

    static func id(_ number: Int) -> BlockID {
        BlockID(
            incarnation: incarnation, action: ActionID(rawValue: Identifier128(1)),
            counter: UInt32(number))
    }

    mutating func item() -> Bytes {
        // Short ones, and ones beyond the bound of inline items.
        let count = generator.chance(1, in: 4) ? 60 + generator.below(10) : generator.below(4)
        return (0..<count).map { _ in UInt8(generator.below(256)) }
    }

    mutating func block(_ id: BlockID) -> Block {
        var block = Block(
            header: Block.Header(id: id, type: Self.type, collection: Self.collection))
        for number in 0..<4 where generator.chance(1, in: 2) {
            let value: BlockValue =
                generator.chance(1, in: 3)
                ? .bytes(item()) : .list((0..<generator.below(6)).map { _ in item() })
            block.assign(BlockAttribute(UInt8(number)), value)
        }
        return block
    }

    /// A change that fits `block`.
    mutating func operation(on block: Block) -> BlockOperation {
        let attribute = BlockAttribute(UInt8(generator.below(4)))
        switch generator.below(4) {
        case 0: return .assign(attribute, item())
        case 1: return .assignAbsent(attribute)
        default:
            if block.bytes(attribute) != nil { return .assign(attribute, item()) }
            let count = block.list(attribute).count
            let index = generator.below(count + 1)
            return .splice(
                attribute, index: index, deleteCount: generator.below(count - index + 1),
                inserted: (0..<generator.below(3)).map { _ in item() })
        }
    }

    /// A transform that applies to `base`.
    mutating func transform(of id: BlockID, on base: Block?) throws -> BlockTransform {
        var transform = BlockTransform()
        if base == nil || generator.chance(1, in: 4), generator.chance(3, in: 4) {
            transform.insert = block(id)
        }
        if var current = transform.insert ?? base {
            for _ in 0..<generator.below(4) {
                let operation = operation(on: current)
                try current.apply(operation)
                transform.updates.append(operation)
            }
        }
        transform.delete = generator.chance(1, in: 5)
        return transform
    }
}
