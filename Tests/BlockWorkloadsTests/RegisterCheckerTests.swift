import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made and random histories of one register, good and bad.
@Suite("The checker of registers")
struct RegisterCheckerTests {
    private typealias Operation = RegisterHistory.Operation

    private static func at(_ time: Int64) -> Instant { Instant(nanoseconds: time) }

    private static func set(_ value: UInt8, _ from: Int64, _ to: Int64?) -> Operation {
        Operation(invoked: at(from), completed: to.map(at), effect: .set([value]))
    }

    private static func remove(_ from: Int64, _ to: Int64?) -> Operation {
        Operation(invoked: at(from), completed: to.map(at), effect: .remove)
    }

    private static func get(_ value: UInt8?, _ from: Int64, _ to: Int64) -> Operation {
        Operation(
            invoked: at(from), completed: at(to), observations: [.value(value.map { [$0] })])
    }

    /// Sets `new` where `old` is.
    private static func swap(
        _ old: UInt8?, _ new: UInt8, _ from: Int64, _ to: Int64?
    ) -> Operation {
        Operation(
            invoked: at(from), completed: to.map(at),
            observations: [.value(old.map { [$0] })], effect: .set([new]))
    }

    // MARK: Hand-made

    private static let good: [[Operation]] = [
        // One after another.
        [get(nil, 1, 2), set(1, 3, 4), get(1, 5, 6), remove(7, 8), get(nil, 9, 10)],
        // A read during a write sees what was before or what is after.
        [set(1, 1, 2), set(2, 3, 9), get(1, 4, 5), get(2, 6, 7), get(2, 10, 11)],
        // Two writes at the same time, in the order that was not sent first.
        [set(1, 1, 9), set(2, 2, 8), get(2, 3, 4), get(1, 10, 11)],
        // A write of unknown outcome that is never seen …
        [set(1, 1, 2), set(2, 3, nil), get(1, 4, 5), get(1, 6, 7)],
        // … one that is seen late, and one that takes effect when nobody expects it any more.
        [set(1, 1, 2), set(2, 3, nil), get(1, 4, 5), get(2, 6, 7), get(2, 8, 9)],
        [set(1, 1, 2), remove(3, nil), set(2, 4, 5), get(2, 6, 7), get(nil, 8, 9)],
        // Only one of two that compare wins, the other is of unknown outcome.
        [set(1, 1, 2), swap(1, 2, 3, 9), swap(1, 3, 4, nil), get(2, 10, 11)],
        // A remove and a set at the same time, twice.
        [set(1, 1, 9), remove(2, 8), get(nil, 10, 11), set(2, 12, 20), remove(13, 21)],
        // Operations that touch at one instant overlap.
        [set(1, 1, 2), set(2, 3, 5), get(1, 5, 6)],
    ]

    private static let bad: [[Operation]] = [
        // A value that was never set.
        [set(1, 1, 2), get(2, 3, 4)],
        // A stale read.
        [set(1, 1, 2), set(2, 3, 4), get(1, 5, 6)],
        // A lost set.
        [set(1, 1, 2), get(nil, 3, 4)],
        // Two reads one after another that see the new value and then the old one.
        [set(1, 1, 2), set(2, 3, 9), get(2, 4, 5), get(1, 6, 7)],
        // A value read before it was sent.
        [get(1, 1, 2), set(1, 3, 4)],
        // Two that compared with the same value and both won.
        [set(1, 1, 2), swap(1, 2, 3, 9), swap(1, 3, 4, 8)],
        // A removed value that is back.
        [set(1, 1, 2), remove(3, 4), get(nil, 5, 6), get(1, 7, 8)],
        // One of unknown outcome that takes effect twice.
        [set(1, 1, nil), get(1, 2, 3), set(2, 4, 5), get(2, 6, 7), get(1, 8, 9)],
        // Readers at the same time who agree on no order of two writes.
        [
            set(1, 1, 20), set(2, 1, 20), get(1, 2, 3), get(2, 4, 5), get(1, 6, 7),
        ],
    ]

    @Test("What some order explains is valid", arguments: good.indices)
    func valid(number: Int) {
        #expect(RegisterChecker.check(RegisterHistory(Self.good[number])) == .linearizable)
    }

    @Test("What no order explains is found", arguments: bad.indices)
    func invalid(number: Int) {
        guard case .violation = RegisterChecker.check(RegisterHistory(Self.bad[number])) else {
            Issue.record("history \(number) passed for linearizable")
            return
        }
    }

    @Test("What was observed of presence and of hashes counts")
    func observations() {
        func check(_ observation: RegisterHistory.Observation) -> RegisterChecker.Verdict {
            let read = Operation(
                invoked: Self.at(3), completed: Self.at(4), observations: [observation])
            return RegisterChecker.check(RegisterHistory([Self.set(1, 1, 2), read]))
        }
        #expect(check(.present) == .linearizable)
        #expect(check(.hash(TreeValueHash([1]))) == .linearizable)
        #expect(check(.not(TreeValueHash([2]))) == .linearizable)
        #expect(check(.hash(TreeValueHash([2]))) == .violation(operation: 1))
        #expect(check(.not(TreeValueHash([1]))) == .violation(operation: 1))
        #expect(check(.value(nil)) == .violation(operation: 1))
    }

    @Test("Fifty writes of unknown outcome are no trouble")
    func manyUnknown() {
        var operations = [Self.set(255, 1, 2)]
        for number in 0..<50 as Range<UInt8> {
            operations.append(Self.set(number, 3 + Int64(number), nil))
        }
        for number in 0..<50 as Range<UInt8> {
            let time = 100 + 2 * Int64(number)
            operations.append(Self.get(number, time, time + 1))
        }
        #expect(RegisterChecker.check(RegisterHistory(operations)) == .linearizable)
        operations.append(Self.get(7, 900, 901))
        #expect(
            RegisterChecker.check(RegisterHistory(operations)) == .violation(operation: 101))
    }

    // MARK: Random

    @Test("Random good histories are valid, and with one operation broken they are not")
    func random() {
        var generator = SeededGenerator(seed: 11)
        var flaggedCount = 0
        var brokenCount = 0
        while brokenCount < 1000 {
            let good = Self.drawHistory(&generator)
            #expect(RegisterChecker.check(RegisterHistory(good)) == .linearizable)
            guard let broken = Self.broken(good, &generator) else { continue }
            brokenCount += 1
            if RegisterChecker.check(RegisterHistory(broken)) != .linearizable {
                flaggedCount += 1
            }
        }
        #expect(flaggedCount >= 990)
    }

    /// Operations of four clients, each with an instant at which it happens.
    private static func drawHistory(_ generator: inout SeededGenerator) -> [Operation] {
        var drafts: [(happens: Int64, begins: Int64, ends: Int64)] = []
        for _ in 0..<4 {
            var time = Int64(0)
            for _ in 0..<(2 + generator.below(8)) {
                let begins = time + 1 + Int64(generator.below(40))
                let happens = begins + Int64(generator.below(30))
                let ends = happens + 1 + Int64(generator.below(30))
                drafts.append((happens, begins, ends))
                time = ends
            }
        }
        var value: UInt8?
        var lastValue: UInt8 = 0
        var operations: [Operation] = []
        for draft in drafts.sorted(by: { ($0.happens, $0.begins) < ($1.happens, $1.begins) }) {
            let isUnknown = generator.chance(1, in: 10)
            let ends = isUnknown ? nil : draft.ends
            let hasEffect = !isUnknown || generator.chance(1, in: 2)
            switch generator.below(8) {
            case 0..<3:
                lastValue += 1
                operations.append(set(lastValue, draft.begins, ends))
                if hasEffect { value = lastValue }
            case 3:
                operations.append(remove(draft.begins, ends))
                if hasEffect { value = nil }
            case 4:
                lastValue += 1
                operations.append(swap(value, lastValue, draft.begins, ends))
                if hasEffect { value = lastValue }
            default: operations.append(get(value, draft.begins, draft.ends))
            }
        }
        return operations
    }

    /// With one operation changed so that nothing explains the history any more; nil when the one
    /// drawn cannot be changed in such a way.
    private static func broken(
        _ good: [Operation], _ generator: inout SeededGenerator
    ) -> [Operation]? {
        var operations = good
        let number = generator.below(good.count)
        let operation = good[number]
        guard let completed = operation.completed else { return nil }
        func read(_ value: Bytes?) -> Operation {
            Operation(
                invoked: operation.invoked, completed: completed, observations: [.value(value)],
                effect: operation.effect)
        }
        switch generator.below(4) {
        case 0: operations[number] = read([255])
        case 1:
            // Reads what was certainly overwritten before.
            let stale = good.first { first in
                guard case .set = first.effect, let firstEnd = first.completed else { return false }
                return good.contains { second in
                    guard second.effect != .none, let secondEnd = second.completed else {
                        return false
                    }
                    return firstEnd < second.invoked && secondEnd < operation.invoked
                }
            }
            guard case .set(let value)? = stale?.effect else { return nil }
            operations[number] = read(value)
        case 2:
            // Lost: what others have read was never set.
            guard case .set(let value) = operation.effect,
                good.contains(where: { $0.observations.contains(.value(value)) })
            else { return nil }
            operations.remove(at: number)
        default:
            // Reads a value before it was sent.
            let later = good.first { $0.invoked > completed && $0.effect != .none }
            guard case .set(let value)? = later?.effect else { return nil }
            operations[number] = read(value)
        }
        return operations
    }
}
