import BlockModel
import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import Foundation
import Testing

/// What fails on a full disk is an error that says so, and never the end of the process; when there
/// is room again, everything that was acknowledged is there.
@Suite("A data directory on a full disk")
struct FullDiskTests {
    /// Commits and answers cycles of 2 KiB until one fails.
    /// - Returns: How many were answered, and what ended it.
    private func fill(
        _ directory: DataDirectory, upTo countMax: Int = .max
    ) throws -> (UInt64, ErrorCode?) {
        let repository = try #require(directory.repository)
        let journal = try #require(directory.journal)
        var answered = repository.writeSequence
        while answered < UInt64(clamping: countMax) {
            let code = errorCode {
                try repository.commit(
                    .register(
                        Sample.collection(1), Sample.record(answered + 1, bytes: 2000)))
                answered += 1
                try journal.acknowledge(
                    answered, at: .origin.advanced(by: .milliseconds(10) * Int(answered)))
            }
            if let code { return (answered, code) }
        }
        return (answered, nil)
    }

    @Test(
        "Making one fails with noSpace, and succeeds at the same place when there is room",
        .enabled(if: SmallDisk.isAllowed, SmallDisk.hint),
        arguments: [0, 1, 2, 3, 4, 5, 6, 8, 10])
    func making(pages: Int) throws {
        let disk = try SmallDisk(kilobytes: 512)
        let path = disk.path + "/data"
        try disk.fill(leavingPages: pages)
        let code = errorCode { _ = try DataDirectory.initialize(at: path, environment: .live()) }
        #expect(code == .noSpace || (code == nil && pages > 4), "\(String(describing: code))")
        try disk.empty()
        if code != nil {
            #expect(try DataDirectory.isFree(at: path))
            _ = try DataDirectory.initialize(at: path, environment: .live())
        }
        let directory = try DataDirectory.open(at: path)
        #expect(directory.refusal == nil)
        #expect(try fill(directory, upTo: 3).0 == 3)
        try directory.close()
        #expect(!FileManager.default.fileExists(atPath: path + "/UNFINISHED"))
    }

    @Test(
        "A write that finds no room is noSpace, closing after it is no crash, and nothing is lost",
        .enabled(if: SmallDisk.isAllowed, SmallDisk.hint))
    func writing() throws {
        let disk = try SmallDisk(kilobytes: 512)
        let path = disk.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        let directory = try DataDirectory.open(at: path)
        try disk.fill(leavingPages: 20)
        let (answered, code) = try fill(directory)
        #expect(code == .noSpace)
        #expect(answered > 5)
        #expect(try fill(directory).1 == .ioFailed, "a failed write is not tried again")
        try directory.close()
        try disk.empty()
        let again = try DataDirectory.open(at: path)
        #expect(again.refusal == nil)
        let sequence = try #require(again.repository).writeSequence
        #expect(sequence == answered || sequence == answered + 1)
        #expect(try fill(again, upTo: Int(answered) + 5).1 == nil)
        try again.close()
    }

    @Test(
        "Opening one that is full throws noSpace or opens it; with room, all is there",
        .enabled(if: SmallDisk.isAllowed, SmallDisk.hint), arguments: [0, 1, 2, 3, 4, 6, 16])
    func opening(pages: Int) throws {
        let disk = try SmallDisk(kilobytes: 512)
        let path = disk.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        let first = try DataDirectory.open(at: path)
        #expect(try fill(first, upTo: 20).0 == 20)
        try first.close()
        try disk.fill(leavingPages: pages)
        // Each try would leave something: the third must find no less than the first.
        for _ in 0..<3 {
            let code = errorCode {
                let directory = try DataDirectory.open(at: path)
                #expect(directory.refusal == nil)
                #expect(try #require(directory.repository).writeSequence == 20)
                try directory.close()
            }
            #expect(code == nil || code == .noSpace, "\(String(describing: code))")
        }
        try disk.empty()
        let again = try DataDirectory.open(at: path)
        #expect(again.refusal == nil)
        #expect(try #require(again.repository).writeSequence == 20)
        try again.close()
    }

    @Test("A limit of file sizes is noSpace too, at making and at writing")
    func fileSizeLimit() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let scratch = try Scratch()
            let path = scratch.path + "/data"
            func limit(_ bytes: rlim_t) {
                var limit = rlimit()
                if getrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit) != 0 { exit(2) }
                limit.rlim_cur = bytes
                if setrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit) != 0 { exit(2) }
            }
            limit(100)
            let made = errorCode {
                _ = try DataDirectory.initialize(at: path, environment: .live())
            }
            if made != .noSpace { exit(3) }
            limit(200_000)
            _ = try DataDirectory.initialize(at: path, environment: .live())
            let directory = try DataDirectory.open(at: path)
            if try FullDiskTests().fill(directory).1 != .noSpace { exit(4) }
            try directory.close()
        }
    }

    @Test("A journal that cannot be written is noSpace")
    func journal() {
        let file = PosixJournalFile(path: "/dev/full")
        #expect(errorCode { try file.write([1, 2, 3], at: 0) } == .noSpace)
    }

    @Test("Opening and closing again and again leaves no more files than opening once")
    func readOnlyOpens() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        let first = try DataDirectory.open(at: path)
        #expect(try fill(first, upTo: 3).0 == 3)
        try first.close()
        var counts: [Int] = []
        for _ in 0..<12 {
            let directory = try DataDirectory.open(at: path)
            #expect(try #require(directory.repository).writeSequence == 3)
            try directory.close()
            counts.append(try FileManager.default.subpathsOfDirectory(atPath: path).count)
        }
        #expect(Set(counts.suffix(9)).count == 1, "\(counts)")
        #expect(counts[11] <= counts[1] + 1, "\(counts)")
    }
}
