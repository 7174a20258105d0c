import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made histories, good and bad: each bad one breaks one promise.
@Suite("The checker of trees")
struct TreeCheckerTests {
    private typealias Scene = StructureScene

    // MARK: Good

    @Test("Puts, replaced values and deletes that the log tells are valid")
    func good() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.put(2, 20)
        scene.put(1, 11, existed: true)
        scene.act(
            .tree(TreeAction(operations: [.delete(key: [2]), .delete(key: [9])])),
            .tree(.applied(existed: [true, false])))
        scene.get(1, 11, at: 4)
        scene.get(2, nil, at: 4)
        scene.get(2, 20, at: 3, isPinned: true)
        scene.read(.tree(.count(.all)), .count(1, asOf: Revision(4)))
        #expect(scene.result.violations == [])
        #expect(scene.result.checkedCount > 8)
    }

    @Test("A conflict that the model has too is valid, and so is a condition that holds")
    func conditions() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        let put = [TreeOperation.put(key: [1], value: [12])]
        scene.act(
            .tree(
                TreeAction(
                    checks: [.present(key: [1]), .value(key: [1], TreeValueHash([99]))],
                    operations: put)),
            .tree(.conflict(check: 1)))
        scene.act(
            .tree(TreeAction(checks: [.value(key: [1], TreeValueHash([10]))], operations: put)),
            .tree(.applied(existed: [true])))
        let range = TreeEntriesHash([TreeEntry(key: [1], value: [12])])
        scene.act(
            .tree(TreeAction(checks: [.range(.all, range)], operations: put)),
            .tree(.applied(existed: [true])))
        #expect(scene.result.violations == [])
    }

    @Test("Of an action of unknown outcome both are valid, that it is there and that it is not")
    func unknown() {
        var scene = Scene(.tree)
        let lost = scene.request(.tree(TreeAction(operations: [.delete(key: [1])])))
        let found = scene.request(.tree(TreeAction(operations: [.put(key: [1], value: [1])])))
        let ids = [scene.begin(.act(lost)), scene.begin(.act(found))]
        scene.land(found, .tree(.applied(existed: [false])))
        for id in ids { scene.end(id, .unknown) }
        #expect(scene.result.violations == [])
    }

    @Test("Pages of a scan are valid when each is the next part of the range")
    func pages() {
        var scene = Scene(.tree)
        for key in 1...4 as ClosedRange<UInt8> { scene.put(key, key) }
        func page(_ keys: [UInt8], isLast: Bool) -> ClientReply {
            .treePage(
                TreePage(
                    entries: keys.map { TreeEntry(key: [$0], value: [$0]) }, asOf: Revision(4),
                    isLast: isLast))
        }
        scene.read(
            .tree(.range(.all, .forward, bytesMax: 100, countMax: 3)),
            page([1, 2, 3], isLast: false))
        let rest = KeyRange(lower: KeyBound([3], isInclusive: false))
        scene.read(
            .tree(.range(rest, .forward, bytesMax: 100, countMax: 3)), asOf: Revision(4),
            page([4], isLast: true))
        scene.read(
            .tree(.range(.all, .backward, bytesMax: 100, countMax: 2)),
            page([4, 3], isLast: false))
        #expect(scene.result.violations == [])
        scene.read(
            .tree(.range(.all, .forward, bytesMax: 100, countMax: 3)),
            page([1, 3], isLast: false))
        #expect(scene.hasViolation("a page of 2 entries"))
    }

    @Test("Operations at the same time may be seen in either order")
    func concurrent() {
        var scene = Scene(.tree)
        let request = scene.request(.tree(TreeAction(operations: [.put(key: [1], value: [1])])))
        let write = scene.begin(.act(request))
        let read = scene.begin(.read(.tree(.values([[1]])), asOf: nil))
        let position = scene.land(request, .tree(.applied(existed: [false])))
        let outcome = ActionOutcome.tree(.applied(existed: [false]))
        scene.end(write, .landed(ActionLanding(position: position, outcome: outcome)))
        scene.end(read, .answered(.treeValues(TreeValues(values: [nil], asOf: .zero))))
        #expect(scene.result.violations == [])
    }

    // MARK: Bad

    @Test("A value that was never written is found")
    func wrongValue() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.get(1, 12, at: 1)
        #expect(scene.hasViolation("the values of 1 keys are others"))
    }

    @Test("A lost update is found: the outcome in the log is not that of the map")
    func lostUpdate() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.put(1, 11, existed: false)
        #expect(scene.hasViolation("the outcome at 2.0"))
    }

    @Test("A condition that did not hold and let the action through is found")
    func brokenCondition() {
        var scene = Scene(.tree)
        scene.act(
            .tree(
                TreeAction(
                    checks: [.present(key: [1])], operations: [.put(key: [1], value: [1])])),
            .tree(.applied(existed: [false])))
        #expect(scene.hasViolation("the outcome at 1.0"))
    }

    @Test("A stale read is found, of a write acknowledged or of a revision read before")
    func staleRead() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.get(1, nil, at: 0)
        #expect(scene.hasViolation("a read begun after revision 1 saw 0"))
        scene = Scene(.tree)
        let request = scene.request(.tree(TreeAction(operations: [.put(key: [1], value: [1])])))
        _ = scene.begin(.act(request))
        scene.land(request, .tree(.applied(existed: [false])))
        scene.get(1, 1, at: 1)
        scene.get(1, nil, at: 0)
        #expect(scene.hasViolation("a read begun after revision 1 saw 0"))
    }

    @Test("A past that changes is found")
    func changedPast() {
        var scene = Scene(.tree)
        scene.put(1, 10)
        scene.put(1, 11, existed: true)
        scene.get(1, 11, at: 1, isPinned: true)
        #expect(scene.hasViolation("as of revision 1"))
        scene = Scene(.tree)
        scene.put(1, 10)
        scene.put(2, 10)
        scene.read(.tree(.count(.all)), asOf: Revision(1), .count(2, asOf: Revision(2)))
        #expect(scene.hasViolation("another than asked"))
    }

    @Test("An acknowledged action that is lost is found, and one that landed twice")
    func lostAndTwice() {
        var scene = Scene(.tree)
        let request = scene.request(.tree(TreeAction(operations: [.put(key: [1], value: [1])])))
        let outcome = ActionOutcome.tree(.applied(existed: [false]))
        let id = scene.begin(.act(request))
        let position = LogPosition(revision: Revision(1), index: 0)
        scene.end(id, .landed(ActionLanding(position: position, outcome: outcome)))
        #expect(scene.hasViolation("and is nowhere"))
        scene.land(request, outcome)
        #expect(scene.result.violations == [])
        scene.land(request, .tree(.applied(existed: [true])))
        #expect(scene.hasViolation("an action is at 1.0 and at 2.0"))
    }

    @Test("A refused action that is there is found, and one that nobody sent")
    func refusedAndForeign() {
        var scene = Scene(.tree)
        let outcome = ActionOutcome.tree(.applied(existed: [false]))
        let request = scene.request(.tree(TreeAction(operations: [.put(key: [1], value: [1])])))
        let id = scene.begin(.act(request))
        scene.end(id, .notApplied(.deadlineExceeded))
        scene.land(request, outcome)
        #expect(scene.hasViolation("an action was refused"))
        scene = Scene(.tree)
        scene.land(scene.request(request.content), outcome)
        #expect(scene.hasViolation("nobody sent the action at 1.0"))
    }

    @Test("An outcome that was told otherwise than the log has it is found")
    func toldOtherwise() {
        var scene = Scene(.tree)
        let request = scene.request(.tree(TreeAction(operations: [.put(key: [1], value: [1])])))
        let id = scene.begin(.act(request))
        let position = scene.land(request, .tree(.applied(existed: [false])))
        let told = ActionOutcome.tree(.applied(existed: [true]))
        scene.end(id, .landed(ActionLanding(position: position, outcome: told)))
        #expect(scene.hasViolation("the outcome at 1.0 was told"))
    }

    @Test("An action that stands before one that ended before it was sent is found")
    func realTime() {
        var scene = Scene(.tree)
        let outcome = ActionOutcome.tree(.applied(existed: [false]))
        let first = scene.request(.tree(TreeAction(operations: [.put(key: [1], value: [1])])))
        let second = scene.request(.tree(TreeAction(operations: [.put(key: [2], value: [1])])))
        let place = scene.land(second, outcome)
        let firstID = scene.begin(.act(first))
        scene.end(
            firstID,
            .landed(ActionLanding(position: scene.land(first, outcome), outcome: outcome)))
        let secondID = scene.begin(.act(second))
        scene.end(secondID, .landed(ActionLanding(position: place, outcome: outcome)))
        #expect(scene.hasViolation("an action sent after revision 2 was seen is at 1.0"))
    }

    @Test("A wrong answer about the fate of an action is found")
    func status() {
        var scene = Scene(.tree)
        scene.put(1, 1)
        let action = scene.entries[0][0].id
        let question = ActionStatusRequest(
            collection: CollectionID(name: "x"), incarnation: Scene.incarnation, action: action,
            firstRevision: .zero)
        let outcome = ActionOutcome.tree(.applied(existed: [false]))
        let position = LogPosition(revision: Revision(1), index: 0)
        var id = scene.begin(.status(question))
        scene.end(
            id,
            .status(ActionLanding(position: position, outcome: outcome), asOf: Revision(1)))
        #expect(scene.result.violations == [])
        id = scene.begin(.status(question))
        scene.end(id, .status(nil, asOf: Revision(1)))
        #expect(scene.hasViolation("not seen as of 1"))
    }

    @Test("An answer of a life that was dropped is found, and of one that never was")
    func dropped() {
        var scene = Scene(.tree)
        scene.put(1, 1)
        scene.get(1, 1, at: 1)
        let id = scene.begin(.drop)
        scene.end(id, .dropped)
        #expect(scene.result.violations == [])
        // As of a revision it may still be answered: the past stays what it was.
        scene.get(1, 1, at: 1, isPinned: true)
        #expect(scene.result.violations == [])
        scene.get(1, 1, at: 1)
        #expect(scene.hasViolation("answers after it was dropped"))
        scene = Scene(.tree)
        scene.put(1, 1)
        scene.entries = []
        scene.incarnation = Incarnation(generation: 2, nonce: .zero)
        #expect(scene.hasViolation("a life that x never had"))
    }
}
