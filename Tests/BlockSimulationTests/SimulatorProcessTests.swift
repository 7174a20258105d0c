import BlockModel
import BlockRuntime
import BlockSimulation
import Foundation
import Testing

#if SIMULATION_HOOKS
/// The simulator as people and scripts run it.
@Suite struct SimulatorProcessTests {
    private struct Run {
        let status: Int32
        let lines: [Substring]
        var text: String { lines.joined(separator: "\n") }
    }

    /// Runs the executable that was built with these tests.
    private func simulator(_ arguments: String...) throws -> Run {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = (runner as NSString).deletingLastPathComponent + "/simulator"
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path)")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: bytes, as: UTF8.self)
        return Run(status: process.terminationStatus, lines: text.split(separator: "\n"))
    }

    @Test("A world that keeps its promises ends with 0 and says what it was")
    func valid() throws {
        let run = try simulator("4")
        #expect(run.status == 0)
        #expect(run.lines.count == 2 && run.text.contains("seed 4: valid, trace "))
    }

    @Test("A broken promise ends with 1, the last 200 events, every log and the way to replay it")
    func invalid() throws {
        let planted = try #require(PlantedSeed.all.first { $0.bug == .noDedupeScan })
        let run = try simulator("--bug", planted.bug.rawValue, "\(planted.seed)")
        #expect(run.status == 1, "\(run.text)")
        #expect(run.text.contains("seed \(planted.seed): invalid(["))
        let command = "make simulate SEED=\(planted.seed) BUG=noDedupeScan TRACE=1"
        #expect(run.lines.contains { $0 == "replay it: \(command)" })
        for node in ["peer-0", "coordinator-0", "proxy-0", "client-0"] {
            #expect(run.lines.contains { $0 == "log of \(node):" })
        }
        let first = try #require(run.lines.firstIndex { $0 == "the last 200 events:" })
        let last = try #require(run.lines.firstIndex { $0.hasPrefix("seed \(planted.seed):") })
        #expect(last - first == 201)
    }

    @Test("A world in which nothing was done ends with 2: it says nothing")
    func unknown() throws {
        let run = try simulator("--operations", "0", "17")
        #expect(run.status == 2, "\(run.text)")
        #expect(run.text.contains("nothing was there to be checked"))
    }

    @Test("A world that does not come to its end ends with 3")
    func stuck() throws {
        let run = try simulator(
            "--bug", PlantedSeed.stuck.bug.rawValue, "\(PlantedSeed.stuck.seed)")
        #expect(run.status == 3, "\(run.text)")
        #expect(run.text.contains("seed \(PlantedSeed.stuck.seed): stuck(["))
    }

    @Test(
        "What makes no sense is usage, 64",
        arguments: [["x"], ["9", "3"], ["--bug", "none", "1"], ["--jobs", "0", "1"]])
    func usage(_ words: [String]) throws {
        let runner = words.count == 1 ? try simulator(words[0]) : nil
        let run =
            try runner
            ?? (words.count == 2
                ? simulator(words[0], words[1]) : simulator(words[0], words[1], words[2]))
        #expect(run.status == 64)
        #expect(run.text.contains("usage: simulator"))
    }

    @Test("Of worlds side by side, one that broke a promise ends them all")
    func jobs() throws {
        let planted = try #require(PlantedSeed.all.first { $0.bug == .noDedupeScan })
        let run = try simulator(
            "--jobs", "2", "--bug", planted.bug.rawValue, "\(planted.seed)", "2000000")
        #expect(run.status == 1 && run.text.contains("broke a promise"), "\(run.text)")
        let last = try #require(run.lines.last)
        #expect(["noDedupeScan: 1 seeds", "noDedupeScan: 2 seeds"].contains { last.hasPrefix($0) })
    }

    @Test("A broken rule is broken alike in every process, whatever order dictionaries have")
    func brokenAlike() throws {
        let runs = try (1...3).map { _ in
            try simulator("--bug", PlantedBug.quorumOffByOne.rawValue, "--hashes", "2").lines
        }
        #expect(Set(runs).count == 1)
    }

    @Test("Two processes and this one agree on every trace hash")
    func processes() throws {
        let here = try (1...3).map { seed in
            "\(seed) " + String(try World.run(seed: UInt64(seed)).trace.value, radix: 16)
        }
        let alone = try simulator("--hashes", "1", "3")
        #expect(alone.status == 0 && alone.lines.map(String.init) == here)
        let together = try simulator("--jobs", "3", "--hashes", "1", "3")
        #expect(together.lines.map(String.init).sorted() == here)
    }
}
#endif
