import BlockModel
import BlockRuntime

/// The ids of the blocks one action makes, in the order it makes them: the same action makes the
/// same blocks when it is executed again.
package struct StructuralBlockIDs: Sendable {
    package let incarnation: Incarnation
    package let action: ActionID
    /// The counter of the next id.
    package private(set) var counter: UInt32 = 0

    package init(incarnation: Incarnation, action: ActionID) {
        self.incarnation = incarnation
        self.action = action
    }

    package mutating func next() -> BlockID {
        defer { counter += 1 }
        return BlockID(incarnation: incarnation, action: action, counter: counter)
    }
}
