import BlockRuntime

/// Why a transform cannot be applied or is refused. Nothing was changed.
///
/// Expected of transforms from outside; of one made here it means that its base is another one.
package enum TransformError: Error, Hashable, Sendable {
    /// Updates without a block to update. Dropping them would report a lost write as a success.
    case baseAbsent
    /// A transform was applied to the block of another id, or inserts one under another id.
    case otherBlock(expected: BlockID, actual: BlockID)
    /// A splice of an attribute that is bytes, not a list.
    case notAList(BlockAttribute)
    /// A splice beyond the end of a list of `count` items.
    case outOfRange(BlockAttribute, index: Int, deleteCount: Int, count: Int)
    /// Two transforms of one block where parts should be disjoint.
    case duplicate(BlockID)
    /// More than the named limit of ``Limits`` allows.
    case overLimit(name: String, limit: Int, actual: Int)
}

extension TransformError {
    /// The same as the error of a request that brought the transform.
    package var asDatabaseError: DatabaseError {
        DatabaseError(.invalidArgument, "transform: \(self)", cause: self)
    }
}

extension TransformError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .baseAbsent: "updates of a block that does not exist"
        case .otherBlock(let expected, let actual): "block \(actual) where \(expected) belongs"
        case .notAList(let attribute): "attribute \(attribute) is no list"
        case .outOfRange(let attribute, let index, let deleteCount, let count):
            "splice at \(index) of \(deleteCount) items, attribute \(attribute) has \(count)"
        case .duplicate(let block): "two transforms of block \(block)"
        case .overLimit(let name, let limit, let actual): "\(name) is \(limit), actual \(actual)"
        }
    }
}
