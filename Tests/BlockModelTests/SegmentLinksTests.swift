import BlockModel
import BlockRuntime
import ModelSamples
import Testing

@Suite("Skip links")
struct SegmentLinksTests {
    /// The links that segment `index` of a chain carries are the frontier after its predecessor.
    private struct Chain {
        var links: [SegmentLink] = []
        var carried: [[SegmentLink]] = []
        var frontier: [SegmentLink] = []
        var next = Revision(1)

        init(segmentCount: Int, samples: inout ModelSamples) {
            for index in 0..<UInt64(segmentCount) {
                let link = SegmentLink(index: index, hash: samples.digest(), firstRevision: next)
                links.append(link)
                carried.append(frontier)
                frontier = SegmentLinks.adding(link, to: frontier)
                next = Revision(next.rawValue + 1 + UInt64(samples.random.below(32)))
            }
        }

        /// Segments fetched on the way to `revision`, and where the way ends.
        func seek(_ revision: Revision) -> (found: SegmentLink?, fetchCount: Int) {
            var links = frontier
            for fetchCount in 1...self.links.count + 1 {
                switch SegmentLinks.step(to: revision, from: links) {
                case .found(let link): return (link, fetchCount)
                case .descend(let link): links = carried[Int(link.index)]
                case .absent: return (nil, fetchCount)
                }
            }
            return (nil, .max)
        }
    }

    @Test("in chains of 1 to 300 segments each one is found in at most 2·log₂ n + 2 fetches")
    func everySegmentIsNear() {
        var samples = ModelSamples(seed: 1)
        let chain = Chain(segmentCount: 300, samples: &samples)
        for count in 1...300 {
            var part = chain
            part.links = Array(chain.links.prefix(count))
            part.frontier = count < 300 ? chain.carried[count] : chain.frontier
            let bound = 2 * (Int.bitWidth - 1 - count.leadingZeroBitCount) + 2
            var worst = 0
            for (index, link) in part.links.enumerated() {
                let last =
                    index + 1 < count
                    ? part.links[index + 1].firstRevision.previous : link.firstRevision
                for revision in Set([link.firstRevision, last]) {
                    let (found, fetchCount) = part.seek(revision)
                    worst = max(worst, fetchCount)
                    if found != link { Issue.record("\(count): \(revision) is in \(index)") }
                }
            }
            #expect(worst <= bound, "\(count) segments")
            #expect(part.seek(.zero).found == nil)
        }
    }

    @Test("a frontier is what the index says, and nothing else is well formed")
    func wellFormed() {
        var samples = ModelSamples(seed: 2)
        let chain = Chain(segmentCount: 130, samples: &samples)
        for (index, links) in chain.carried.enumerated() {
            #expect(SegmentLinks.isWellFormed(links, before: UInt64(index)))
            #expect(!SegmentLinks.isWellFormed(links, before: UInt64(index) + 1))
            #expect(links.count <= Limits.segmentLinkCountMax)
            if !links.isEmpty {
                #expect(!SegmentLinks.isWellFormed(links.dropLast(), before: UInt64(index)))
            }
            if links.count > 1 {
                #expect(!SegmentLinks.isWellFormed(links.reversed(), before: UInt64(index)))
            }
        }
    }
}
