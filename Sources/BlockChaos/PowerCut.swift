import BlockRuntime
import Foundation

/// A power cut of one process: SIGKILL leaves the page cache, so what the process had written and
/// not synced is taken back from its files afterwards.
///
/// `libPowerCut.so` is loaded in front of the process's C library and notes in a log what its files
/// would be without power (`PowerCut.c`); ``strike()`` makes them so. What was written behind the
/// last sync of a file is cut off; what was overwritten since is put back, the ack journal's slots
/// among it; a file whose directory was not synced since it was made is gone; a rename is undone
/// unless its directory was synced.
///
/// This is the harshest cut but for three things that file systems may do and this does not: keep
/// a part of what was not synced, keep a later one of two such writes and lose the earlier, undo a
/// removal or a truncation. The simulator's disks do the first two.
package struct PowerCut: Sendable {
    /// What was taken back.
    package struct Loss: Hashable, Sendable {
        /// Files that are gone, shorter, or partly as they were.
        package var fileCount = 0
        /// Bytes that are gone, or as they were.
        package var byteCount = 0

        package init() {}

        package mutating func add(_ other: Loss) {
            fileCount += other.fileCount
            byteCount += other.byteCount
        }
    }

    /// All of whose files are watched.
    package let directory: String
    /// Beside the directory, on the same file system.
    package let logFile: String

    package init(directory: String) {
        self.directory = directory
        logFile = directory + ".power-cut"
    }

    /// What the process has to be started with.
    /// - Parameter library: `libPowerCut.so`.
    package func variables(library: String) -> [String] {
        [
            "LD_PRELOAD=\(library)", "OPTIMYSTIC_POWER_CUT_DIRECTORY=\(directory)",
            "OPTIMYSTIC_POWER_CUT_LOG=\(logFile)",
        ]
    }

    /// Makes the files of the dead process what they would be without power.
    /// - Throws: `.ioFailed`, and `.corrupted` for a log that cannot be read.
    package func strike() throws(DatabaseError) -> Loss {
        guard let log = try? Data(contentsOf: URL(fileURLWithPath: logFile)) else { return Loss() }
        let undo = (try? Data(contentsOf: URL(fileURLWithPath: undoFile))) ?? Data()
        var state = UnsyncedFiles()
        for line in log.split(separator: UInt8(ascii: "\n")) {
            guard state.read(String(decoding: line, as: UTF8.self)) else {
                throw DatabaseError(
                    .corrupted, "\(logFile): \(String(decoding: line, as: UTF8.self))")
            }
        }
        let loss = try state.takeBack(undo)
        // What is there now is there for good: the next life begins with that.
        for saved in state.savedFiles { unlink(saved) }
        unlink(logFile)
        unlink(undoFile)
        return loss
    }

    private var undoFile: String { logFile + ".undo" }
}

/// What the log of a process says of its files.
private struct UnsyncedFiles {
    private struct File {
        var syncedLength: Int
        /// Whether its directory was synced since it was made.
        var hasDurableName: Bool
        /// Bytes that were overwritten since the last sync, oldest first.
        var overwritten: [(offset: Int, length: Int, at: Int)] = []
    }

    private struct Rename {
        let from: String
        let to: String
        /// What was at `to`.
        let saved: String?
    }

    private var files: [String: File] = [:]
    private var renames: [Rename] = []
    private(set) var savedFiles: [String] = []

    /// - Returns: Whether the line says anything.
    mutating func read(_ line: String) -> Bool {
        let kind = line.first
        let rest = String(line.dropFirst(2))
        switch kind {
        case "D": directorySynced(rest)
        case "X":
            files[rest] = nil
            renames.removeAll { $0.to == rest }
        case "R": return renamed(rest)
        case "U":
            let parts = rest.split(separator: " ", maxSplits: 3)
            guard parts.count == 4, let offset = Int(parts[0]), let length = Int(parts[1]),
                let at = Int(parts[2])
            else { return false }
            files[String(parts[3])]?.overwritten.append((offset, length, at))
        case "E", "C", "S", "T":
            let parts = rest.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let length = Int(parts[0]) else { return false }
            lengthNoted(kind, String(parts[1]), length)
        default: return false
        }
        return true
    }

    private mutating func lengthNoted(_ kind: Character?, _ path: String, _ length: Int) {
        switch kind {
        case "E":
            if files[path] == nil {
                files[path] = File(syncedLength: length, hasDurableName: true)
            }
        case "C": files[path] = File(syncedLength: 0, hasDurableName: false)
        case "S":
            files[path]?.syncedLength = length
            files[path]?.overwritten = []
        default:
            let synced = files[path]?.syncedLength ?? 0
            files[path]?.syncedLength = min(synced, length)
        }
    }

    private mutating func directorySynced(_ directory: String) {
        for path in Array(files.keys) where UnsyncedFiles.directory(of: path) == directory {
            files[path]?.hasDurableName = true
        }
        renames.removeAll { UnsyncedFiles.directory(of: $0.to) == directory }
    }

    private mutating func renamed(_ rest: String) -> Bool {
        guard let space = rest.firstIndex(of: " "), let tab = rest.firstIndex(of: "\t") else {
            return false
        }
        let saved = String(rest[..<space])
        let from = String(rest[rest.index(after: space)..<tab])
        let to = String(rest[rest.index(after: tab)...])
        if saved != "-" { savedFiles.append(saved) }
        renames.append(Rename(from: from, to: to, saved: saved == "-" ? nil : saved))
        files[to] = files.removeValue(forKey: from)
        return true
    }

    private static func directory(of path: String) -> String {
        (path as NSString).deletingLastPathComponent
    }

    /// Undoes what was not synced, the newest names first.
    mutating func takeBack(_ undo: Data) throws(DatabaseError) -> PowerCut.Loss {
        var loss = PowerCut.Loss()
        for item in renames.reversed() {
            try expect(rename(item.to, item.from), item.to)
            files[item.from] = files.removeValue(forKey: item.to)
            if let saved = item.saved {
                try expect(rename(saved, item.to), saved)
                files[item.to] = nil
            }
            loss.fileCount += 1
        }
        for (path, file) in files {
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            let length = Int(status.st_size)
            guard file.hasDurableName else {
                try expect(unlink(path), path)
                loss.fileCount += 1
                loss.byteCount += length
                continue
            }
            var lost = max(0, length - file.syncedLength)
            for old in file.overwritten.reversed() {
                guard old.at + old.length <= undo.count else {
                    throw DatabaseError(.corrupted, "what was overwritten in \(path) is not kept")
                }
                try write(undo.dropFirst(old.at).prefix(old.length), path, old.offset)
                lost += old.length
            }
            if length > file.syncedLength {
                try expect(truncate(path, off_t(file.syncedLength)), path)
            }
            if lost > 0 { loss.fileCount += 1 }
            loss.byteCount += lost
        }
        return loss
    }

    private func write(_ bytes: Data, _ path: String, _ offset: Int) throws(DatabaseError) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        let written = bytes.withUnsafeBytes {
            pwrite(file, $0.baseAddress, $0.count, off_t(offset))
        }
        try expect(written == bytes.count ? 0 : -1, path)
    }

    private func expect(_ status: Int32, _ path: String) throws(DatabaseError) {
        guard status == 0 else {
            throw DatabaseError(.ioFailed, "\(path): \(String(cString: strerror(errno)))")
        }
    }
}
