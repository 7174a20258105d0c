import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

@Suite struct ActionIndexTests {
    private static let incarnation = Incarnation(generation: 1, nonce: Identifier128(9))

    /// An index over `count` revisions above `after`, of two actions each.
    private static func index(after: UInt64, count: UInt64) -> ActionIndex {
        var index = ActionIndex(incarnation: incarnation, after: Revision(after))
        for revision in after + 1..<after + 1 + count {
            index.append(Revision(revision), actions: actions(revision))
        }
        return index
    }

    private static func actions(_ revision: UInt64) -> [Action] {
        Sample.body([2 * revision, 2 * revision + 1]).actions
    }

    @Test("An index that was grown covers what was appended, and nothing beside it")
    func covers() {
        let empty = ActionIndex(incarnation: ActionIndexTests.incarnation, after: Revision(10))
        #expect(empty.covers(after: Revision(10), through: Revision(10)))
        #expect(!empty.covers(after: Revision(10), through: Revision(11)))
        #expect(!empty.covers(after: Revision(9), through: Revision(10)))
        let index = ActionIndexTests.index(after: 10, count: 5)
        #expect(index.after == Revision(10))
        #expect(index.through == Revision(15))
        for first in UInt64(8)...17 {
            for last in first...17 {
                let isCovered = first >= 10 && last <= 15
                #expect(
                    index.covers(after: Revision(first), through: Revision(last)) == isCovered,
                    "(\(first), \(last)]")
            }
        }
    }

    @Test("Each action is found where it landed, with the fingerprint of its bytes")
    func landing() {
        let index = ActionIndexTests.index(after: 10, count: 5)
        for revision in UInt64(11)...15 {
            for (number, action) in ActionIndexTests.actions(revision).enumerated() {
                let position = LogPosition(revision: Revision(revision), index: UInt32(number))
                let landing = ActionIndex.Landing(position: position, action: action)
                #expect(index.landing(of: action.id) == landing)
                #expect(landing.fingerprint == ActionIndex.fingerprint(of: action.bytes))
                #expect(landing.fingerprint != ActionIndex.fingerprint(of: action.bytes + [0]))
            }
        }
        for other in [UInt64(10), 16] {
            for action in ActionIndexTests.actions(other) {
                #expect(index.landing(of: action.id) == nil)
            }
        }
    }

    @Test("Beyond the limit the oldest revisions are forgotten, and no longer covered")
    func forgetting() {
        let countMax = UInt64(Limits.actionIndexRevisionCountMax)
        // More than twice the limit: what was forgotten is also cut away.
        for extra in [0, 1, 3, countMax - 1, countMax, countMax + 1, 2 * countMax + 5] {
            let index = ActionIndexTests.index(after: 10, count: countMax + extra)
            let last = 10 + countMax + extra
            #expect(index.after == Revision(10 + extra), "\(extra) beyond")
            #expect(index.through == Revision(last))
            #expect(index.covers(after: Revision(10 + extra), through: Revision(last)))
            let isWider = index.covers(after: Revision(9 + extra), through: Revision(last))
            #expect(!isWider)
            var wrong = 0
            for revision in 11...last {
                for action in ActionIndexTests.actions(revision) {
                    let isKept = index.landing(of: action.id) != nil
                    if isKept != (revision > 10 + extra) { wrong += 1 }
                }
            }
            #expect(wrong == 0, "\(extra) beyond")
        }
    }
}
