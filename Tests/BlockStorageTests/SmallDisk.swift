import Foundation
import Testing

/// A file system in memory that is soon full. Only root may mount one.
final class SmallDisk {
    static let isAllowed = (try? SmallDisk(kilobytes: 64)) != nil
    static let hint: Comment = "the system does not let this process mount a small disk"

    let path: String
    private let scratch: Scratch

    init(kilobytes: Int) throws {
        scratch = try Scratch()
        path = scratch.path + "/disk"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try SmallDisk.run("/bin/mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path)
    }

    deinit { try? SmallDisk.run("/bin/umount", "-l", path) }

    func makeReadOnly() throws { try SmallDisk.run("/bin/mount", "-o", "remount,ro", path) }

    private var filler: String { path + "/filler" }

    /// Takes all room but `left` pages.
    func fill(leavingPages left: Int = 0) throws {
        try Data().write(to: URL(fileURLWithPath: filler))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: filler))
        defer { try? file.close() }
        var count = 0
        while (try? file.write(contentsOf: Data(count: 4096))) != nil { count += 1 }
        try file.truncate(atOffset: UInt64(4096 * max(0, count - left)))
    }

    func empty() throws { try FileManager.default.removeItem(atPath: filler) }

    private static func run(_ program: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}
