import BlockRuntime
import BlockStorage
import Testing

@Suite("A sorted table")
struct SortedTableTests {
    @Test("A sorted table agrees with a sorted dictionary through splits, removals and copies")
    func agreesWithAModel() {
        var generator = SeededGenerator(seed: 7)
        var table = SortedTable()
        var model: [Bytes: Bytes] = [:]
        var snapshots: [(SortedTable, [Bytes: Bytes])] = []
        for step in 0..<6000 {
            let key = withUnsafeBytes(of: UInt16(generator.below(900)).bigEndian) { Bytes($0) }
            if generator.chance(step < 3000 ? 1 : 6, in: 10) {
                table[key] = nil
                model[key] = nil
            } else {
                let value = Bytes(repeating: UInt8(step & 255), count: generator.below(4))
                table[key] = value
                model[key] = value
            }
            if step.isMultiple(of: 500) {
                table.checkInvariants()
                snapshots.append((table, model))
            }
            #expect(table[key] == model[key])
        }
        snapshots.append((table, model))
        for (table, model) in snapshots {
            table.checkInvariants()
            #expect(table.count == model.count)
            let sorted = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
            let scanned = table.scan(from: [], below: [255, 255, 255], countMax: .max)
            #expect(scanned.map(\.key) == sorted)
            #expect(scanned.map(\.value) == sorted.map { model[$0] })
        }
    }

    @Test("A sorted table scans every window of a small table as filtering does")
    func everyWindow() {
        var table = SortedTable()
        let present: [Bytes] = [[1], [1, 0], [3], [5], [5, 5], [6]]
        for key in present { table[key] = key }
        let bounds: [Bytes] = [[]] + present + [[0], [2], [4], [5, 4], [7]]
        for low in bounds {
            for high in bounds {
                let expected = present.filter { !keyPrecedes($0, low) && keyPrecedes($0, high) }
                for count in 0...7 {
                    let found = table.scan(from: low, below: high, countMax: count).map(\.key)
                    #expect(found == Array(expected.prefix(count)))
                }
            }
        }
    }

    @Test("A sorted table orders keys as the standard library orders sequences of bytes")
    func keyOrder() {
        let samples: [Bytes] = [[], [0], [0, 0], [1], [1, 255], [127], [128], [255]]
        for left in samples {
            for right in samples {
                #expect(keyPrecedes(left, right) == left.lexicographicallyPrecedes(right))
            }
        }
    }
}
