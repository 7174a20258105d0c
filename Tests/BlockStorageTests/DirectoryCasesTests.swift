import BlockModel
import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import Foundation
import Testing

/// Whoever meets one of these acts on what it says: it must be true, and cost no data.
@Suite("Each case of opening a directory")
struct DirectoryCasesTests {
    private func error(_ body: () throws -> Void) -> DatabaseError? {
        do {
            try body()
            return nil
        } catch {
            return error as? DatabaseError
        }
    }

    private func expect(
        _ error: DatabaseError?, _ code: ErrorCode, saying words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard let error else {
            Issue.record("no error", sourceLocation: sourceLocation)
            return
        }
        let sentence = "\(error.message)\n\(error.code.explanation?.remedy ?? "")"
        #expect(error.code == code, "\(sentence)", sourceLocation: sourceLocation)
        #expect(sentence.contains(words), "\(sentence)", sourceLocation: sourceLocation)
        for advice in ["remove", "replace the disk", "delete", "wipe"] {
            #expect(!sentence.contains(advice), "\(sentence)", sourceLocation: sourceLocation)
        }
    }

    private func made(in scratch: Scratch) throws -> String {
        let path = scratch.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        return path
    }

    @Test("that is not there, or whose parent is not, says that it is not there")
    func absent() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/typo"
        expect(error { _ = try DataDirectory.open(at: path) }, .pathNotFound, saying: path)
        expect(
            error { _ = try DataDirectory.initialize(at: path + "/dir", environment: .live()) },
            .pathNotFound, saying: "\(path) is not a directory")
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("that is a file, or lies in one, says so")
    func file() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/file"
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
        for body in [
            { _ = try DataDirectory.open(at: path) },
            { _ = try DataDirectory.isFree(at: path) },
            { _ = try DataDirectory.initialize(at: path, environment: .live()) },
        ] {
            expect(error(body), .directoryForeign, saying: "is a file")
        }
        expect(
            error { _ = try DataDirectory.initialize(at: path + "/d", environment: .live()) },
            .pathNotFound, saying: "is not a directory")
    }

    @Test("that is empty, unfinished or somebody else's says what it is")
    func notOurs() throws {
        let scratch = try Scratch()
        expect(
            error { _ = try DataDirectory.open(at: scratch.path) }, .directoryForeign,
            saying: "is empty; `storage-peer init` makes")
        try Data().write(to: URL(fileURLWithPath: scratch.path + "/UNFINISHED"))
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/store", withIntermediateDirectories: false)
        expect(
            error { _ = try DataDirectory.open(at: scratch.path) }, .directoryForeign,
            saying: "run that again")
        _ = try DataDirectory.initialize(at: scratch.path, environment: .live())
        try DataDirectory.open(at: scratch.path).close()

        let other = try Scratch()
        try Data("mine".utf8).write(to: URL(fileURLWithPath: other.path + "/notes.txt"))
        expect(
            error { _ = try DataDirectory.open(at: other.path) }, .directoryForeign,
            saying: "it holds notes.txt")
        expect(
            error { _ = try DataDirectory.initialize(at: other.path, environment: .live()) },
            .directoryForeign, saying: "it holds notes.txt")
        expect(
            error { _ = try DataDirectory.restoreIdentity(at: other.path) }, .directoryForeign,
            saying: "lost its IDENTITY")
        #expect(try FileManager.default.subpathsOfDirectory(atPath: other.path) == ["notes.txt"])
    }

    @Test("that lost its IDENTITY says to keep the rest, and the identity can be restored")
    func headless() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch)
        let identity = URL(fileURLWithPath: path + "/IDENTITY")
        let original = try Data(contentsOf: identity)
        #expect(errorCode { _ = try DataDirectory.restoreIdentity(at: path) } == .directoryForeign)
        try FileManager.default.removeItem(at: identity)
        for body in [
            { _ = try DataDirectory.open(at: path) },
            { _ = try DataDirectory.identity(at: path) },
            { _ = try DataDirectory.initialize(at: path, environment: .live()) },
        ] {
            expect(error(body), .corrupted, saying: "restore-identity")
        }
        #expect(try !DataDirectory.isFree(at: path))
        _ = try DataDirectory.restoreIdentity(at: path)
        #expect(try Data(contentsOf: identity) == original)
        let directory = try DataDirectory.open(at: path)
        #expect(directory.refusal == nil)
        try directory.close()
    }

    @Test("whose journal is another's gets no identity from its store")
    func mixed() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch)
        let directory = try DataDirectory.open(at: path)
        try #require(directory.repository).commit(
            .register(Sample.collection(1), Sample.record(1, bytes: 10)))
        try directory.close()
        let other = scratch.path + "/other"
        _ = try DataDirectory.initialize(at: other, environment: .live())
        try FileManager.default.removeItem(atPath: path + "/IDENTITY")
        try FileManager.default.removeItem(atPath: path + "/journal")
        try FileManager.default.moveItem(atPath: other + "/journal", toPath: path + "/journal")
        #expect(errorCode { _ = try DataDirectory.restoreIdentity(at: path) } == .amnesia)
        #expect(!FileManager.default.fileExists(atPath: path + "/IDENTITY"))
    }

    @Test("that somebody has open says that it is open")
    func locked() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch)
        let directory = try DataDirectory.open(at: path)
        expect(
            error { _ = try DataDirectory.open(at: path) }, .directoryLocked,
            saying: "open")
        try directory.close()
    }

    @Test(
        "that is on a read-only disk says so, and is as it was",
        .enabled(if: SmallDisk.isAllowed, SmallDisk.hint))
    func readOnly() throws {
        let disk = try SmallDisk(kilobytes: 512)
        let path = disk.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        try disk.makeReadOnly()
        expect(
            error { _ = try DataDirectory.open(at: path) }, .accessDenied,
            saying: "Read-only file system")
        expect(
            error { _ = try DataDirectory.initialize(at: path + "2", environment: .live()) },
            .accessDenied, saying: "Read-only file system")
    }

    @Test("that belongs to another user says that it is not allowed", .enabled(if: getuid() == 0))
    func wrongOwner() async {
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            let path = scratch.path + "/data"
            _ = try DataDirectory.initialize(at: path, environment: .live())
            if chmod(scratch.path, 0o755) != 0 || seteuid(65_534) != 0 { exit(2) }
            let opened = errorCode { _ = try DataDirectory.open(at: path) }
            let made = errorCode {
                _ = try DataDirectory.initialize(at: path + "2", environment: .live())
            }
            if opened != .accessDenied || made != .accessDenied { exit(3) }
            if seteuid(0) != 0 { exit(4) }
        }
    }

    @Test("whose store lacks a file is opened to say that it takes no part, and why")
    func damagedStore() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch)
        try FileManager.default.removeItem(atPath: path + "/store/CURRENT")
        let directory = try DataDirectory.open(at: path)
        #expect(directory.refusal?.code == .amnesia)
        try directory.close()
    }
}
