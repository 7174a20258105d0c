import BlockDeployment
import Foundation
import Testing

extension Integration {
    @Suite("Containers")
    struct ContainerTests {
        @Test(
            "Without a container engine the targets say so and end with 69",
            arguments: ["up", "load-test", "down"])
        func noEngine(word: String) async throws {
            let place = try LocalCluster(executables: Executables.require())
            defer { place.tearDown() }
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("deploy/compose.sh").path
            // Also where there is an engine, this is not one.
            let result = try place.runTool(
                "/bin/bash", [script, word],
                variables: [
                    "PATH=/usr/local/bin:/usr/bin:/bin", "DOCKER_HOST=unix:///nowhere/docker.sock",
                ])
            #expect(result.ending == .exited(69))
            #expect(result.output == "")
            #expect(result.errors.hasPrefix("compose.sh: "), "\(result.errors)")
            #expect(result.errors.hasSuffix("nothing was started\n"), "\(result.errors)")
            let wrong = try place.runTool("/bin/bash", [script, "sideways"])
            #expect(wrong.ending == .exited(64))
        }
    }
}
