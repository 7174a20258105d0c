import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made histories of a diary, good and bad, for the checker of its order and for that of what
/// is in it.
@Suite("The checkers of diaries")
struct DiaryCheckerTests {
    private typealias Scene = DiaryScene

    /// Three acknowledged appends, one after another, the last two in one entry.
    private static var three: DiaryScene {
        var scene = Scene()
        scene.append("a", at: 1, 0)
        scene.append("b", at: 2, 0)
        scene.append("c", at: 2, 1)
        return scene
    }

    // MARK: Good

    @Test("A diary in which everything acknowledged stands where it was said to be is valid")
    func plain() {
        var scene = Self.three
        scene.read(asOf: 2)
        scene.expectValid()
        #expect(scene.order.checkedCount > 5)
        #expect(scene.set.checkedCount == 3)
    }

    @Test("Nothing at all is valid, and so is a read of nothing")
    func empty() {
        var scene = Scene()
        scene.expectValid()
        scene.read(asOf: 0)
        scene.expectValid()
    }

    @Test("Of an append of unknown outcome both are valid, that it is there and that it is not")
    func unknown() {
        var scene = Self.three
        _ = scene.begin(.append("lost"))
        let found = scene.begin(.append("found"))
        scene.put("found", at: 3, 0)
        scene.end(found, .unknown)
        scene.expectValid()
    }

    @Test("A refused append that is not there is valid")
    func refused() {
        var scene = Self.three
        scene.end(scene.begin(.append("no")), .notApplied(.deadlineExceeded))
        scene.expectValid()
    }

    @Test("Appends at the same time may stand in either order")
    func concurrent() {
        var scene = Scene()
        let first = scene.begin(.append("a"))
        let second = scene.begin(.append("b"))
        scene.put("b", at: 1, 0)
        scene.put("a", at: 2, 0)
        scene.end(first, .appended(Scene.position(2, 0)))
        scene.end(second, .appended(Scene.position(1, 0)))
        scene.expectValid()
    }

    @Test("A read at the same time as an append may see it or not")
    func readDuring() {
        for revision in [1, 2] as [UInt64] {
            var scene = Scene()
            scene.append("a", at: 1, 0)
            let append = scene.begin(.append("b"))
            scene.put("b", at: 2, 0)
            scene.read(asOf: revision)
            scene.end(append, .appended(Scene.position(2, 0)))
            scene.expectValid()
        }
    }

    @Test("An append that is sent again and is told the same place is valid")
    func again() {
        var scene = Self.three
        scene.end(scene.begin(.again("a")), .appended(Scene.position(1, 0)))
        scene.end(scene.begin(.again("b")), .unknown)
        scene.end(scene.begin(.again("c")), .notApplied(.quorumUnavailable))
        scene.expectValid()
    }

    // MARK: Bad

    @Test("An append that is sent again and is told another place, or refused, is found")
    func againElsewhere() {
        var scene = Self.three
        scene.end(scene.begin(.again("a")), .appended(Scene.position(3, 0)))
        scene.expect(order: "\"a\" was sent again, told to be at 3.0, and is 1.0", set: nil)
        scene = Self.three
        scene.end(scene.begin(.again("a")), .notApplied(.actionIDReuse))
        scene.expect(order: nil, set: "\"a\" was sent again and refused as")
    }

    @Test("An acknowledged append that is lost is found, by both checkers")
    func lost() {
        var scene = Self.three
        scene.final.removeLast()
        scene.expect(order: "is nowhere", set: "was acknowledged and is lost")
    }

    @Test("A refused append that is there is found, and one that nobody sent")
    func foreign() {
        var scene = Self.three
        scene.end(scene.begin(.append("d")), .notApplied(.deadlineExceeded))
        scene.put("d", at: 3, 0)
        scene.expect(order: nil, set: "was refused (deadlineExceeded (1201)) and is there")
        scene = Self.three
        scene.put("d", at: 3, 0)
        scene.expect(order: nil, set: "nobody sent it")
    }

    @Test("A sound append that is refused as a mistake of the client is found")
    func undeserved() {
        for code in [ErrorCode.invalidArgument, .actionIDReuse, .corrupted, .internalError] {
            var scene = Self.three
            scene.end(scene.begin(.append("d")), .notApplied(code))
            scene.expect(order: nil, set: "was refused as")
        }
    }

    @Test("An append that is there twice is found")
    func twice() {
        var scene = Self.three
        scene.put("a", at: 3, 0)
        scene.expect(order: "\"a\" is at 1.0 and at 3.0", set: nil)
    }

    @Test("A gap in the revisions is found, and entries out of order")
    func gap() {
        var scene = Self.three
        scene.append("d", at: 4, 0)
        scene.expect(order: "a gap between revisions 2 and 4", set: nil)
        scene = Self.three
        scene.final.swapAt(0, 1)
        scene.expect(order: "are out of order", set: nil)
    }

    @Test("An append that stands elsewhere than was said is found")
    func elsewhere() {
        var scene = Self.three
        scene.end(scene.begin(.append("d")), .appended(Scene.position(4, 0)))
        scene.put("d", at: 3, 0)
        scene.expect(order: "was acknowledged at 4.0, and is 3.0", set: nil)
    }

    @Test("A read that misses an entry, or has another, is found")
    func wrongRead() {
        var scene = Self.three
        var seen = scene.final
        seen.remove(at: 1)
        scene.read(asOf: 2, seen)
        scene.expect(order: "a read as of 2 saw 2 entries", set: nil)
        scene = Self.three
        scene.read(
            asOf: 2,
            [History.Observation(position: Scene.position(1, 0), value: "x")]
                + scene.final.dropFirst())
        scene.expect(order: "a read as of 2 saw 3 entries", set: "\"x\" was read and is lost")
    }

    @Test("What was read and is lost is found, also when nobody acknowledged it")
    func readAndLost() {
        var scene = Self.three
        _ = scene.begin(.append("d"))
        scene.put("d", at: 3, 0)
        scene.read(asOf: 3)
        scene.final.removeLast()
        scene.expect(
            order: "a read as of 3 saw 4 entries", set: "\"d\" was read and is lost")
    }

    @Test("A stale read is found, of an append acknowledged or of a revision read before")
    func stale() {
        var scene = Self.three
        scene.read(asOf: 1)
        scene.expect(order: "began after the entry at 2.0 was acknowledged", set: nil)
        scene = Scene()
        _ = scene.begin(.append("a"))
        scene.put("a", at: 1, 0)
        scene.read(asOf: 1)
        scene.read(asOf: 0)
        scene.expect(order: "began after a read as of 1 ended", set: nil)
    }

    @Test("An append that stands before one that ended before it was sent is found")
    func realTime() {
        var scene = Scene()
        scene.append("late", at: 2, 0)
        scene.append("early", at: 1, 0)
        scene.final.sort { $0.position < $1.position }
        scene.expect(order: "was acknowledged before an earlier entry was sent", set: nil)
    }

    // MARK: Random

    @Test("Random good histories are valid, and with one operation broken they are not")
    func random() {
        var generator = SeededGenerator(seed: 12)
        var flaggedCount = 0
        var setFlaggedCount = 0
        var setBrokenCount = 0
        for _ in 0..<1000 {
            let good = Scene.drawn(from: &generator)
            good.expectValid()
            var broken = good
            let isOfSet = broken.breakOne(&generator)
            if !broken.order.violations.isEmpty || !broken.set.violations.isEmpty {
                flaggedCount += 1
            }
            if isOfSet {
                setBrokenCount += 1
                if !broken.set.violations.isEmpty { setFlaggedCount += 1 }
            }
        }
        #expect(flaggedCount >= 990)
        #expect(setBrokenCount > 300)
        #expect(setFlaggedCount * 100 >= setBrokenCount * 99)
    }
}
