import BlockChaos
import BlockDeployment
import BlockRuntime
import Foundation
import Testing

/// What a power cut leaves of the files of a process that was killed.
@Suite("A power cut") struct PowerCutTests {
    private static let library: String = {
        let test = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        return ((test ?? "") as NSString).deletingLastPathComponent + "/libPowerCut.so"
    }()

    /// A directory that a process works on, and the cut of its power.
    private struct Place {
        let root: String
        let directory: String
        let cut: PowerCut

        init() throws {
            let id = Environment.live().identifier()
            // The log has paths without links in them.
            let temporary = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath()
            root = temporary.path + "/power-cut-\(id)"
            directory = root + "/data"
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            cut = PowerCut(directory: directory)
        }

        func end() { try? FileManager.default.removeItem(atPath: root) }

        func path(_ name: String) -> String { directory + "/" + name }

        func put(_ name: String, _ text: String) throws {
            try text.write(toFile: path(name), atomically: false, encoding: .utf8)
        }

        func text(_ name: String) -> String? {
            try? String(contentsOfFile: path(name), encoding: .utf8)
        }

        func log(_ lines: [String], undo: String = "") throws {
            let text = lines.map { $0.replacing("@", with: directory) + "\n" }.joined()
            try text.write(toFile: cut.logFile, atomically: false, encoding: .utf8)
            try undo.write(toFile: cut.logFile + ".undo", atomically: false, encoding: .utf8)
        }

        /// Runs a program of the system with its files watched.
        func run(_ program: String, _ arguments: [String]) throws {
            let own = cut.variables(library: PowerCutTests.library)
            let child = try ChildProcess.start(
                program, arguments, output: nil, errors: root + "/errors",
                variables: ["PATH=/usr/bin:/bin"] + own)
            let ending = child.wait(timeout: .seconds(20), environment: .live())
            #expect(ending == .exited(0))
        }
    }

    @Test("What was written behind the last sync of a file is gone, what was synced stays")
    func lengths() throws {
        let place = try Place()
        defer { place.end() }
        try place.put("log", "synced, and not synced")
        try place.put("whole", "untouched")
        try place.log(["E 0 @/log", "S 6 @/log", "E 9 @/whole"])
        let loss = try place.cut.strike()
        #expect(place.text("log") == "synced" && place.text("whole") == "untouched")
        #expect(loss.fileCount == 1 && loss.byteCount == 16)
    }

    @Test("What was overwritten since the last sync is as it was, however often it was overwritten")
    func overwritten() throws {
        let place = try Place()
        defer { place.end() }
        try place.put("journal", "aaXXYY")
        try place.log(
            ["E 6 @/journal", "U 2 2 0 @/journal", "U 2 4 2 @/journal"], undo: "bbzzcc")
        #expect(try place.cut.strike().byteCount == 6)
        #expect(place.text("journal") == "aabbcc")
        try place.put("journal", "aaXXcc")
        try place.log(
            ["E 6 @/journal", "U 2 2 0 @/journal", "S 6 @/journal"], undo: "bb")
        #expect(try place.cut.strike().fileCount == 0)
        #expect(place.text("journal") == "aaXXcc")
    }

    @Test("A file whose directory was not synced is gone, although it was synced itself")
    func names() throws {
        let place = try Place()
        defer { place.end() }
        for name in ["new", "kept"] { try place.put(name, "text") }
        try place.log(["C 0 @/kept", "S 4 @/kept", "D @", "C 0 @/new", "S 4 @/new"])
        _ = try place.cut.strike()
        #expect(place.text("kept") == "text" && place.text("new") == nil)
    }

    @Test("A rename whose directory was not synced is undone, and what it replaced is there again")
    func renames() throws {
        let place = try Place()
        defer { place.end() }
        let saved = place.root + "/saved"
        try "old".write(toFile: saved, atomically: false, encoding: .utf8)
        try place.put("current", "new")
        let lines = [
            "E 3 @/current", "C 0 @/draft", "S 3 @/draft", "D @",
            "R \(saved) @/draft\t@/current",
        ]
        try place.log(lines)
        _ = try place.cut.strike()
        #expect(place.text("current") == "old" && place.text("draft") == "new")
        try place.put("current", "new")
        try place.log(lines + ["D @"])
        _ = try place.cut.strike()
        #expect(place.text("current") == "new")
    }

    @Test("A removal stays, and a second cut takes nothing more")
    func removed() throws {
        let place = try Place()
        defer { place.end() }
        try place.put("log", "synced, and not synced")
        try place.log(["C 0 @/gone", "X @/gone", "E 6 @/log"])
        #expect(try place.cut.strike().fileCount == 1)
        #expect(try place.cut.strike() == PowerCut.Loss())
    }

    @Test(
        "A log that cannot be read is an error", arguments: ["Z 1 @/a", "S x @/a", "R - @/a", "E"])
    func damaged(line: String) throws {
        let place = try Place()
        defer { place.end() }
        try place.log([line])
        #expect(throws: DatabaseError.self) { try place.cut.strike() }
    }

    @Test(
        "A process that knows nothing of it loses what it did not sync",
        .enabled(if: FileManager.default.fileExists(atPath: library)))
    func process() throws {
        let place = try Place()
        defer { place.end() }
        let input = place.root + "/input"
        try "0123456789".write(toFile: input, atomically: false, encoding: .utf8)
        func copy(_ name: String, _ more: String...) throws {
            try place.run(
                "/bin/dd", ["if=\(input)", "of=\(place.path(name))", "status=none"] + more)
        }
        try copy("synced", "conv=fdatasync")
        try copy("unsynced")
        try place.run("/bin/sync", [place.directory])
        try copy("late", "conv=fsync")
        // Behind its end, and over what it holds.
        try copy("synced", "conv=notrunc", "seek=1", "bs=4")
        #expect(place.text("synced") == "01230123456789")
        let loss = try place.cut.strike()
        #expect(place.text("synced") == "0123456789")
        #expect(place.text("unsynced")?.isEmpty == true && place.text("late") == nil)
        #expect(loss.fileCount == 3)
    }
}
