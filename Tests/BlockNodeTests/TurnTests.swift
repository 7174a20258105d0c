import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import Testing

/// Proxies that write one collection at once (protocol: fair-turns), in simulated time.
@Suite("Proxies that share a collection take turns")
struct TurnTests {
    private static let warmUp = Duration.milliseconds(500)
    private static let writerCount = 8

    /// A second, in halves: the fairness of each is looked at.
    private struct Result {
        var scene: ServiceScene
        let start: Instant
        let end: Instant
        static let slices = 2
        static let slice = Duration.milliseconds(500)

        var rate: Double {
            let counts = scene.counts(from: start, slices: Self.slices, length: Self.slice)
            return Double(counts.reduce(0, +)) / (Double(Self.slices) / 2)
        }
    }

    private static func run(
        _ kind: CollectionKind, proxyCount: Int, writers: Int = writerCount,
        warmUp: Duration = warmUp, prepare: (inout ServiceScene) -> Void = { _ in }
    ) throws -> Result {
        var scene = try ServiceScene(proxyCount: proxyCount)
        try scene.open(kind)
        prepare(&scene)
        for proxy in 0..<proxyCount { scene.addWriters(writers, at: proxy) }
        try scene.run(for: warmUp)
        let start = scene.now
        try scene.run(for: Result.slice * Result.slices)
        return Result(scene: scene, start: start, end: scene.now)
    }

    private static func expectFair(_ result: Result, proxyCount: Int) {
        #expect(result.scene.failures.isEmpty, "\(result.scene.failures.prefix(3))")
        let all = result.scene.counts(
            from: result.start, slices: Result.slices, length: Result.slice)
        for proxy in 0..<proxyCount {
            let own = result.scene.counts(
                of: proxy, from: result.start, slices: Result.slices, length: Result.slice)
            for (one, whole) in zip(own, all) {
                #expect(
                    Double(one) >= 0.6 * Double(whole) / Double(proxyCount),
                    "proxy \(proxy): \(own) of \(all)")
            }
            let gap = result.scene.longestGap(of: proxy, from: result.start, to: result.end)
            #expect(gap < .milliseconds(500), "proxy \(proxy) waits for \(gap)")
        }
        // Everybody else goes first a few times, nobody goes first for ever.
        let overtaken =
            result.scene.acknowledgements.filter { $0.asked >= result.start }
            .map(\.overtakenBy).max() ?? 0
        #expect(overtaken <= 5 * writerCount * proxyCount, "overtaken by \(overtaken)")
    }

    // protocol: fair-turns
    @Test(
        "Each of two proxies gets its part in every half second, and they lose little by it",
        arguments: [CollectionKind.tree, .diary, .queue])
    func two(kind: CollectionKind) throws {
        // As many writers in all: one proxy has half of them in each entry while the others come
        // back. Two reach that only if each waits in its turn for those that it has answered.
        let alone = try Self.run(kind, proxyCount: 1, writers: 2 * Self.writerCount)
        let both = try Self.run(kind, proxyCount: 2)
        Self.expectFair(both, proxyCount: 2)
        // One alone keeps its ballots from one entry to the next; two take each other's away.
        #expect(both.rate >= 0.6 * alone.rate, "\(both.rate) of \(alone.rate) a second")
    }

    @Test("So does each of four") func four() throws {
        let alone = try Self.run(.tree, proxyCount: 1)
        let all = try Self.run(.tree, proxyCount: 4)
        Self.expectFair(all, proxyCount: 4)
        #expect(all.rate >= 0.7 * alone.rate, "\(all.rate) of \(alone.rate) a second")
    }

    @Test(
        "Also two that turn to different coordinators starve neither",
        arguments: [CollectionKind.tree, .diary])
    func apart(kind: CollectionKind) throws {
        // One of them has to find out first that nobody answers where both would go.
        let warmUp = Limits.coordinatorTryTime * 2
        let both = try Self.run(kind, proxyCount: 2, warmUp: warmUp) { scene in
            scene.cutCoordinators[1] = [scene.natural]
        }
        Self.expectFair(both, proxyCount: 2)
    }

    @Test("A proxy that goes away while its place is kept costs the others next to nothing")
    func gone() throws {
        var scene = try ServiceScene(proxyCount: 2)
        try scene.open(.tree)
        scene.addWriters(Self.writerCount, at: 0)
        scene.addWriters(Self.writerCount, at: 1)
        try scene.run(for: Self.warmUp)
        // It is heard no more, and hears nothing.
        scene.cutCoordinators[1] = [0, 1]
        let start = scene.now
        try scene.run(for: .seconds(1))
        let gap = scene.longestGap(of: 0, from: start, to: scene.now)
        #expect(gap <= Limits.keptPlaceTimeMax + .milliseconds(50), "a gap of \(gap)")
    }
}
