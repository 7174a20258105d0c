import BlockModel
import BlockRuntime
import BlockTransactions
import BlockWorkloads
import Testing

/// Hand-made and random histories of custom collections.
@Suite("The checker of custom collections")
struct CustomCheckerTests {
    private func expect(
        _ sentence: String, _ scene: CustomScene, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let violations = scene.violations
        #expect(
            violations.contains { $0.contains(sentence) }, "\(sentence): \(violations)",
            sourceLocation: sourceLocation)
    }

    // MARK: Good

    @Test("What lands once and is told to have landed is valid")
    func landed() {
        var scene = CustomScene()
        #expect(scene.violations == [])
        scene.sign(1, "1")
        scene.sign(2, "1")
        scene.read(revision: 2)
        #expect(scene.violations == [])
    }

    @Test("Of an action of unknown fate both are valid, that it landed and that it did not")
    func unknown() {
        var scene = CustomScene()
        let id = scene.begin(1, "1")
        #expect(scene.violations == [])
        scene.land(id)
        #expect(scene.violations == [])
    }

    @Test("What was dropped, replaced, failed or refused and never landed is valid")
    func gone() {
        for fate in [CustomHistory.Fate.dropped, .replaced, .failed, .refused] {
            var scene = CustomScene()
            scene.tell(scene.begin(1, "1"), fate)
            #expect(scene.violations == [])
        }
    }

    @Test("An action that keeps its place may be overtaken, one that had seen the other may land")
    func overtaken() {
        var scene = CustomScene()
        let kept = scene.begin(1, "1", .keep)
        let seeing = scene.begin(1, "2", .replace, seen: "2:1")
        scene.sign(2, "1")
        scene.land(kept, seeing)
        #expect(scene.violations == [])
    }

    @Test("An action may have been overtaken by those of its own client, and on other sheets")
    func unrelated() {
        var scene = CustomScene()
        let first = scene.begin(1, "1", .drop)
        let second = scene.begin(1, "2", .drop)
        let other = scene.begin(2, "1", .keep, sheet: 5)
        scene.land(other)
        scene.land(first, second)
        #expect(scene.violations == [])
    }

    @Test("A snapshot may lack what landed after it was asked for")
    func oldSnapshot() {
        var scene = CustomScene()
        let asked = scene.now()
        scene.sign(1, "1")
        scene.read(revision: 0, begun: asked)
        #expect(scene.violations == [])
    }

    // MARK: Bad

    @Test("An action that landed twice is found, and one that nobody did")
    func twice() {
        var scene = CustomScene()
        let id = scene.sign(1, "1")
        scene.land(id)
        expect("\"1:1\" landed 2 times", scene)
        scene = CustomScene()
        scene.entries = [[Signature(client: 4, name: "1", sheet: 0, policy: .keep, seen: "")]]
        expect("nobody did the action \"4:1\"", scene)
    }

    @Test("An acknowledged action that is lost is found")
    func lost() {
        var scene = CustomScene()
        scene.tell(scene.begin(1, "1"), .landed)
        expect("\"1:1\" was acknowledged and is lost", scene)
    }

    @Test(
        "An action that was told never to land, and landed, is found",
        arguments: [CustomHistory.Fate.dropped, .replaced, .failed, .refused])
    func undead(fate: CustomHistory.Fate) {
        var scene = CustomScene()
        let id = scene.begin(1, "1")
        scene.tell(id, fate)
        scene.land(id)
        expect("\"1:1\" was", scene)
    }

    @Test("An action of which nobody was told what became of it is found")
    func vanished() {
        var scene = CustomScene()
        scene.tell(scene.begin(1, "1"), .vanished)
        expect("of \"1:1\" nobody was told", scene)
    }

    @Test(
        "An action overtaken unseen is found, whatever its policy forbids",
        arguments: [Signature.Policy.replace, .drop, .refuse])
    func unseen(policy: Signature.Policy) {
        var scene = CustomScene()
        let id = scene.begin(1, "1", policy)
        scene.sign(2, "1")
        scene.land(id)
        expect("had seen \"\", and \"2:1\" had landed before it", scene)
    }

    @Test("Actions of one local collection that change places are found")
    func disorder() {
        var scene = CustomScene()
        let first = scene.begin(1, "1")
        let second = scene.begin(1, "2")
        scene.land(second, first)
        expect("\"1:2\" was done after \"1:1\" and landed before it", scene)
    }

    @Test("An action that lands before what had landed when it was done is found")
    func realTime() {
        var scene = CustomScene()
        let first = scene.begin(1, "1")
        scene.tell(first, .landed)
        let second = scene.begin(2, "1")
        scene.land(second)
        scene.land(first)
        expect("\"2:1\" at 1.0 was done after \"1:1\" had landed", scene)
    }

    @Test("A snapshot that is stale, of no revision, or wrong is found")
    func snapshots() {
        var scene = CustomScene()
        scene.sign(1, "1")
        scene.read(revision: 0)
        expect("lacks it", scene)
        scene = CustomScene()
        scene.read(revision: 3, [])
        expect("which never was", scene)
        scene = CustomScene()
        scene.sign(1, "1")
        scene.read(revision: 1, [TreeEntry(key: [0], value: [1])])
        expect("is another one", scene)
    }

    @Test("An answer about a life that never was is found")
    func noLife() {
        var scene = CustomScene()
        scene.sign(1, "1")
        let result = CustomChecker.check(scene.history, collection: "x", logs: [])
        #expect(result.violations.contains { $0.contains("a life that x never had") })
        let unknown = CustomChecker.check(
            scene.history, collection: "x", logs: [], knowsEveryLife: false)
        #expect(unknown.violations == [])
    }

    // MARK: Random

    @Test("Random good histories are valid, and with one promise broken they are not")
    func random() {
        var generator = SeededGenerator(seed: 23)
        var brokenCount = 0
        var flaggedCount = 0
        while brokenCount < 1000 {
            var scene = CustomScene(&generator)
            #expect(scene.violations == [])
            guard scene.breakOne(&generator) else { continue }
            brokenCount += 1
            if !scene.violations.isEmpty { flaggedCount += 1 }
        }
        #expect(flaggedCount >= 990, "\(flaggedCount)")
    }

    // MARK: Signatures

    @Test("A signature comes back from its bytes, and other bytes are no signature")
    func bytes() throws {
        for policy in Signature.Policy.allCases {
            let signature = Signature(
                client: 12, name: "7'", sheet: 255, policy: policy, seen: "3:9")
            #expect(try Signature(bytes: signature.bytes) == signature)
        }
        for bytes in [[], [0], [0, 9] + Array("1:1|".utf8), [0, 0] + Array("11|".utf8)] as [Bytes] {
            #expect(throws: DatabaseError.self) { try Signature(bytes: bytes) }
        }
    }

    @Test("A sheet keeps the newest signature and the newest of another client")
    func sheets() throws {
        var sheet = SignedSheet(nil)
        for (client, name) in [(1, "1"), (2, "1"), (2, "2")] {
            try sheet.sign(
                Signature(client: client, name: name, sheet: 0, policy: .keep, seen: ""))
        }
        #expect(sheet.newest(besides: 1) == "2:2")
        #expect(sheet.newest(besides: 2) == "1:1")
        #expect(SignedSheet(sheet.bytes) == sheet)
        #expect(throws: SignedSheet.Overtaken.self) {
            try sheet.sign(
                Signature(client: 1, name: "2", sheet: 0, policy: .refuse, seen: "2:1"))
        }
    }
}
