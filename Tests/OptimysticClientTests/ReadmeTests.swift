import BlockModel
import Foundation
import Testing

@Suite("README") struct ReadmeTests {
    private var here: URL { URL(fileURLWithPath: #filePath).deletingLastPathComponent() }

    private func readme() throws -> String {
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    }

    @Test("The sample in the README is the one that is compiled here")
    func sampleIsTheSame() throws {
        let blocks = try readme().components(separatedBy: "```swift\n").dropFirst()
        #expect(blocks.count == 2)
        let block = try #require(blocks.last?.components(separatedBy: "```").first)
        let file = here.appendingPathComponent("ReadmeSample.swift")
        #expect(try String(contentsOf: file, encoding: .utf8) == block)
    }

    @Test("What the README says to depend on is what the package offers")
    func products() throws {
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
        let manifest = try String(
            contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let block = try #require(
            try readme().components(separatedBy: "```swift\n").dropFirst().first)
        for text in [
            "// swift-tools-version: 6.2", "\"Optimystic\", package: \"optimystic\"",
        ] { #expect(block.contains(text)) }
        for product in ["Optimystic", "OptimysticEmbedded"] {
            #expect(manifest.contains(".library(name: \"\(product)\""))
        }
        #expect(manifest.hasPrefix("// swift-tools-version: 6.2"))
    }

    @Test("The sample runs against the services over real sockets, as often as one likes")
    func run() async throws {
        try await LoopbackCluster.run(usesSockets: true) { cluster in
            let hosts = cluster.map.proxies.map { $0.address.dropFirst("tcp://".count) }
            let url = "optimystic://\(hosts.joined(separator: ","))/demo"
            let first = try await sample(url: url)
            let names = ["withdrawal", "deposit", "withdrawal", "Finland", "Portugal", "2"]
            #expect(first.map { $0.split(separator: " ")[1] } == names.map { $0[...] })
            #expect(try await sample(url: url).count == 9)
        }
    }

    @Test("The README is at most 250 lines long")
    func length() throws {
        #expect(try readme().split(separator: "\n", omittingEmptySubsequences: false).count <= 251)
    }
}
