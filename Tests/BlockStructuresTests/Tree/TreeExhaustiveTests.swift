import BlockModel
import BlockRuntime
import BlockStructures
import Testing

@Suite struct TreeExhaustiveTests {
    /// Every order of `0 ..< count`.
    static func orders(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return orders(count - 1).flatMap { order in
            (0...order.count).map { place in
                var longer = order
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }

    static func tree(capacity: UInt32 = 4) throws -> BTree {
        try BTree(tracker: Samples.tracker(capacity: capacity), collection: Samples.collection)
    }

    @Test("Seven keys inserted in every order, then deleted in a few", arguments: 1...7)
    func inserts(count: Int) throws {
        let deletions = [Array(0..<count), Array((0..<count).reversed())]
        for order in Self.orders(count) {
            for deletion in deletions + [order] {
                let tree = try Self.tree()
                for key in order {
                    #expect(try tree.insert([UInt8(key)], [UInt8(key)]))
                    try tree.checkInvariants()
                }
                #expect(try tree.keys() == (0..<count).map { [UInt8($0)] })
                var left = Array(0..<count)
                for key in deletion {
                    #expect(try tree.delete([UInt8(key)]) == [UInt8(key)])
                    try tree.checkInvariants()
                    left.removeAll { $0 == key }
                    #expect(try tree.keys() == left.map { [UInt8($0)] })
                }
                #expect(tree.header.root == nil)
            }
        }
    }

    @Test("Keys inserted in order, deleted in every order", arguments: [6, 7])
    func deletes(count: Int) throws {
        for order in Self.orders(count) {
            // Twelve keys below and above make three levels.
            let tree = try Self.tree()
            for key in 0..<count + 24 { try tree.insert([UInt8(key)], []) }
            for key in order {
                #expect(try tree.delete([UInt8(key + 12)]) != nil)
                #expect(try tree.delete([UInt8(key + 12)]) == nil)
                try tree.checkInvariants()
            }
            let rest = Array(0..<12) + Array(count + 12..<count + 24)
            #expect(try tree.keys() == rest.map { [UInt8($0)] })
        }
    }
}
