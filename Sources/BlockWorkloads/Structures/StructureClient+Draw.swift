import BlockModel
import BlockRuntime

/// What a client does next, by chance.
extension StructureClient {
    private mutating func drawKey() -> Bytes {
        StructureClient.key(generator.below(plan.keyCount))
    }

    /// Keys of several lengths, of which some begin with others.
    package static func key(_ number: Int) -> Bytes { Array(String(number, radix: 3).utf8) }

    /// A value that is nowhere else in the run.
    private mutating func drawValue() -> Bytes {
        sequence += 1
        var count = generator.below(max(1, plan.valueBytesMax))
        if let every = plan.largeValueEvery, generator.chance(1, in: every) {
            count = 20_000 + generator.below(40_000)
        }
        return Array("\(number):\(sequence)|".utf8) + Bytes(repeating: 0x2E, count: count)
    }

    /// Sets, removes, or compares and sets one key.
    private mutating func drawRegisterAction() -> ActionContent {
        let key = drawKey()
        let kind = generator.below(6)
        var action = TreeAction(operations: [])
        if kind < 2 {
            action.checks = [.value(key: key, (known[key] ?? nil).map { TreeValueHash($0) })]
        }
        action.operations = [
            kind == 5 ? .delete(key: key) : .put(key: key, value: drawValue())
        ]
        return .tree(action)
    }

    mutating func drawTreeAction() -> ActionContent {
        if plan.isRegisters { return drawRegisterAction() }
        var action = TreeAction(operations: [])
        switch generator.below(10) {
        case 0..<4: action.operations = [.put(key: drawKey(), value: drawValue())]
        case 4: action.operations = [.delete(key: drawKey())]
        case 5, 6:
            // A run of neighbours comes or goes at once: leaves split and merge.
            let first = generator.below(plan.keyCount)
            let count = 1 + generator.below(12)
            let isDeletion = generator.chance(1, in: 2)
            for number in first..<min(first + count, plan.keyCount) {
                let key = StructureClient.key(number)
                action.operations.append(
                    isDeletion ? .delete(key: key) : .put(key: key, value: drawValue()))
            }
        case 7:
            for _ in 0..<(1 + generator.below(6)) {
                let key = drawKey()
                action.operations.append(
                    generator.chance(1, in: 2)
                        ? .delete(key: key) : .put(key: key, value: drawValue()))
            }
        default:
            let key = drawKey()
            action.checks = [drawCheck(of: key)]
            action.operations = [
                generator.chance(1, in: 3)
                    ? .delete(key: key) : .put(key: key, value: drawValue())
            ]
        }
        return .tree(action)
    }

    private mutating func drawCheck(of key: Bytes) -> TreeCheck {
        switch generator.below(4) {
        case 0: return .present(key: key)
        case 1:
            if let knownRange { return .range(knownRange.range, knownRange.hash) }
            return .range(drawRange(), TreeEntriesHash())
        default:
            let value = known[key] ?? nil
            return .value(key: key, value.map { TreeValueHash($0) })
        }
    }

    mutating func drawQueueAction() -> ActionContent {
        guard generator.chance(3, in: 5) else {
            return .queue(.dequeue(countMax: UInt32(generator.below(8))))
        }
        return .queue(.enqueue((0..<(1 + generator.below(6))).map { _ in drawValue() }))
    }

    private mutating func drawRange() -> KeyRange {
        var range = KeyRange()
        if generator.chance(2, in: 3) {
            range.lower = KeyBound(drawKey(), isInclusive: generator.chance(1, in: 2))
        }
        if generator.chance(2, in: 3) {
            range.upper = KeyBound(drawKey(), isInclusive: generator.chance(1, in: 2))
        }
        return range
    }

    mutating func drawQuery() -> StructureQuery {
        guard plan.kind == .tree else {
            return .queue(
                generator.chance(1, in: 3)
                    ? .count : .peek(countMax: UInt32(1 + generator.below(40))))
        }
        switch generator.below(plan.isRegisters ? 3 : 6) {
        case 0, 1: return .tree(.values([drawKey()]))
        case 2:
            return .tree(.values((0..<(1 + generator.below(8))).map { _ in drawKey() }))
        case 3, 4:
            return .tree(
                .range(
                    drawRange(), generator.chance(1, in: 2) ? .forward : .backward,
                    bytesMax: UInt32(1 << (8 + generator.below(12))),
                    countMax: UInt32(1 + generator.below(40))))
        default: return .tree(.count(generator.chance(1, in: 2) ? .all : drawRange()))
        }
    }
}
