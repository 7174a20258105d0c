import BlockModel
import BlockNode
import BlockRuntime
import Testing

/// A coordinator that a proxy reaches and that does not reach enough peers, beside one that does.
@Suite("A proxy judges coordinators by outcomes")
struct CoordinatorStandingTests {
    private static func scene(_ kind: CollectionKind) throws -> ServiceScene {
        var scene = try ServiceScene(proxyCount: 1)
        try scene.open(kind)
        scene.addWriters(2, at: 0)
        try scene.run(for: .milliseconds(500))
        return scene
    }

    @Test(
        "Writes turn from one that is cut off within a second, and stay with the healthy one",
        arguments: [CollectionKind.tree, .diary, .queue])
    func writes(kind: CollectionKind) throws {
        var scene = try Self.scene(kind)
        let natural = scene.natural
        scene.cutPeers[natural] = [0, 1]
        let cut = scene.now
        try scene.run(for: .seconds(2))
        let turned = scene.acknowledgements.first {
            $0.answered > cut.advanced(by: .milliseconds(100))
        }
        #expect(try #require(turned).answered.since(cut) < .seconds(1))
        let gap = scene.longestGap(
            of: 0, from: cut.advanced(by: .seconds(1)), to: scene.now)
        #expect(gap < .milliseconds(100), "a gap of \(gap) after a second")
        #expect(scene.failures.isEmpty)

        guard kind == .tree else { return }
        // It is asked again now and then, which costs little; once it serves, it is preferred.
        try scene.run(for: .seconds(4))
        let probed = scene.asked.contains {
            $0.coordinator == natural && $0.at > cut.advanced(by: .seconds(2))
        }
        #expect(probed, "it is never tried again")
        scene.cutPeers[natural] = []
        let healed = scene.now
        try scene.run(for: .seconds(11))
        let end = scene.now.advanced(by: .milliseconds(-500))
        let recent = scene.asked.filter { $0.at > end }
        #expect(!recent.isEmpty && recent.allSatisfy { $0.coordinator == natural })
        let worst = scene.longestGap(of: 0, from: healed, to: scene.now)
        #expect(worst < .seconds(1), "a gap of \(worst)")
    }

    @Test("So do reads", arguments: [1, 2]) func reads(cutCount: Int) throws {
        var scene = try Self.scene(.tree)
        scene.cutPeers[scene.natural] = Set([0, 1].prefix(cutCount))
        let cut = scene.now
        let base: UInt64 = 1 << 41
        var latencies: [Duration] = []
        for number in 0..<20 {
            let before = scene.now
            let query = TreeQuery.values([[0, 0]])
            try scene.ask(0, base + UInt64(number), .readTree(try scene.read(query)))
            while scene.answers[base + UInt64(number)] == nil,
                scene.now < before.advanced(by: .seconds(5))
            {
                try scene.run(for: .milliseconds(2))
            }
            guard case .treeValues? = scene.answers[base + UInt64(number)] else {
                Issue.record("read \(number): \(String(describing: scene.answers))")
                return
            }
            latencies.append(scene.now.since(before))
        }
        #expect(latencies.max() ?? .zero < .seconds(1), "\(latencies)")
        // Once for each set of peers at most: those of the tail, of the root and of the leaf.
        #expect(latencies.filter { $0 > .milliseconds(100) }.count <= 3, "\(latencies)")
        #expect(scene.now.since(cut) < .seconds(4))
    }
}
