import BlockModel
import BlockRuntime
import Testing

@Suite struct TransformTests {
    private static let id = BlockSamples.id(1)

    @Test("Insert, then updates, then delete")
    func order() throws {
        let update = BlockOperation.assign(BlockTests.second, [4])
        let inserted = BlockTests.block([[9]])
        let both = BlockTransform(insert: inserted, updates: [update])
        let result = try both.applied(to: BlockTests.block())
        #expect(result?.list(BlockTests.first) == [[9]])
        #expect(result?.bytes(BlockTests.second) == [4])
        let all = BlockTransform(insert: inserted, updates: [update], delete: true)
        #expect(try all.applied(to: nil) == nil)
    }

    @Test("Updates of no block are an error and no silent success")
    func baseAbsent() throws {
        let transform = BlockTransform(updates: [.assign(BlockTests.second, [4])])
        #expect(throws: TransformError.baseAbsent) { try transform.applied(to: nil) }
        #expect(throws: TransformError.baseAbsent) {
            try BlockTransform(delete: true).merged(with: transform)
        }
        #expect(try BlockTransform.none.applied(to: nil) == nil)
    }

    @Test("Merging and then applying is applying one after the other")
    func mergeLaw() throws {
        var samples = BlockSamples(generator: SeededGenerator(seed: 3))
        for _ in 0..<2000 {
            let base = samples.generator.chance(1, in: 4) ? nil : samples.block(Self.id)
            let first = try samples.transform(of: Self.id, on: base)
            let between = try first.applied(to: base)
            let second = try samples.transform(of: Self.id, on: between)
            let after = try second.applied(to: between)
            #expect(try first.merged(with: second).applied(to: base) == after)
            #expect(try first.merged(with: .none) == first)
            #expect(try BlockTransform.none.merged(with: second).applied(to: between) == after)
        }
    }

    @Test("Merging is associative in effect")
    func associative() throws {
        var samples = BlockSamples(generator: SeededGenerator(seed: 4))
        for _ in 0..<500 {
            let base = samples.block(Self.id)
            let first = try samples.transform(of: Self.id, on: base)
            let one = try first.applied(to: base)
            let second = try samples.transform(of: Self.id, on: one)
            let two = try second.applied(to: one)
            let third = try samples.transform(of: Self.id, on: two)
            let left = try first.merged(with: second).merged(with: third)
            let right = try first.merged(with: try second.merged(with: third))
            #expect(try left.applied(to: base) == right.applied(to: base))
        }
    }

    @Test("D-7: updates of both sides survive a merge, in order")
    func updatesConcatenate() throws {
        let first = BlockOperation.assign(BlockTests.second, [1])
        let second = BlockOperation.assign(BlockTests.first, [2])
        let merged = try BlockTransform(updates: [first])
            .merged(with: BlockTransform(updates: [second]))
        #expect(merged.updates == [first, second])
        let deleted = BlockTransform(delete: true)
        #expect(try deleted.merged(with: deleted) == deleted)
    }

    @Test("D-4, D-64: a block inserted again after deletes exists; applying changes no operand")
    func values() throws {
        let base = BlockTests.block()
        let deleted = BlockTransform(delete: true)
        let again = BlockTransform(insert: BlockTests.block([[5]]))
        let merged = try deleted.merged(with: deleted).merged(with: again)
        var result = try #require(try merged.applied(to: base))
        try result.apply(.assignAbsent(BlockTests.first))
        #expect(merged.insert == BlockTests.block([[5]]))
        #expect(base == BlockTests.block())
    }

    @Test("A set touches a block once, under its own id")
    func lawful() throws {
        let block = BlockTests.block()
        let other = BlockSamples.id(2)
        let delete = BlockTransform(delete: true)
        #expect(throws: TransformError.duplicate(other)) {
            try Transforms([(other, delete), (other, delete)])
        }
        #expect(throws: TransformError.otherBlock(expected: other, actual: block.id)) {
            try Transforms([(other, BlockTransform(insert: block))])
        }
        #expect(try Transforms([(other, .none)]).isEmpty)
    }

    private static func transforms(
        _ samples: inout BlockSamples, count: Int
    ) throws -> Transforms {
        var list: [(BlockID, BlockTransform)] = []
        for number in 0..<count {
            let id = BlockSamples.id(number)
            list.append((id, try samples.transform(of: id, on: samples.block(id))))
        }
        return try Transforms(list)
    }

    @Test("Transforms survive their canonical form; cut short they are refused")
    func canonical() throws {
        var samples = BlockSamples(generator: SeededGenerator(seed: 7))
        for _ in 0..<100 {
            let whole = try Self.transforms(&samples, count: 6)
            let bytes = whole.canonicalBytes
            #expect(try Transforms(canonicalBytes: bytes) == whole)
            let count = samples.generator.below(bytes.count)
            #expect(throws: DatabaseError.self) {
                try Transforms(canonicalBytes: Bytes(bytes[..<count]))
            }
            for item in whole.items {
                #expect(item.transform.byteCount == item.transform.canonicalBytes.count)
            }
        }
    }

    @Test("A transform beyond a bound names it")
    func bounds() {
        let update = BlockOperation.assignAbsent(BlockTests.first)
        let many = BlockTransform(
            updates: [BlockOperation](repeating: update, count: Limits.transformUpdateCountMax + 1))
        #expect(
            many.violation
                == .overLimit(
                    name: "transformUpdateCountMax", limit: Limits.transformUpdateCountMax,
                    actual: Limits.transformUpdateCountMax + 1))
        #expect(throws: DatabaseError.self) {
            try BlockTransform(canonicalBytes: many.canonicalBytes)
        }
    }
}
