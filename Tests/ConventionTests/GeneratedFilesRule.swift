import Foundation
import Testing

/// Generated files are what their sources say: regenerating them changes nothing.
enum GeneratedFilesRule {
    static var canCheck: Bool {
        let hasProtos = FileManager.default.fileExists(
            atPath: Repository.root.appendingPathComponent("Protos/protos.mk").path)
        return hasProtos && programExists("protoc-c") && programExists("make")
    }

    /// Runs `make` in the repository.
    static func make(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["make", "--no-print-directory"] + arguments
        process.currentDirectoryURL = Repository.root
        // These tests may themselves run under make, whose flags are not for this one.
        process.environment = ProcessInfo.processInfo.environment.filter {
            !["MAKEFLAGS", "MFLAGS", "MAKELEVEL"].contains($0.key)
        }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    private static func programExists(_ name: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }
}

@Suite struct GeneratedFilesTests {
    @Test(
        "The generated C is what Protos says",
        .enabled(if: GeneratedFilesRule.canCheck, "needs Protos/protos.mk, make and protoc-c"))
    func protos() throws {
        let result = try GeneratedFilesRule.make(["protos-verify"])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test("`make help` names every target once, and a failing target is seen as failing")
    func help() throws {
        let help = try GeneratedFilesRule.make(["help"])
        #expect(help.status == 0)
        for target in ["setup", "build", "check", "test", "demo", "clean"] {
            let lines = help.output.split(separator: "\n").filter {
                $0.split(separator: " ").first.map(String.init) == target
            }
            #expect(lines.count == 1, "\(target) in\n\(help.output)")
        }
        #expect(try GeneratedFilesRule.make(["no-such-target"]).status != 0)
    }
}
