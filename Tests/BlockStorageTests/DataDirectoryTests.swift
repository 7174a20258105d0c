import BlockModel
import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import Foundation
import Testing

@Suite("A data directory")
struct DataDirectoryTests {
    private let cluster = ClusterID(rawValue: Identifier128(0xC1))

    /// Commits `count` cycles and answers each, 10 ms apart.
    private func run(_ directory: DataDirectory, cycles count: Int) throws {
        let repository = try #require(directory.repository)
        let journal = try #require(directory.journal)
        for _ in 0..<count {
            let cycle = repository.writeSequence + 1
            try repository.commit(
                .register(Sample.collection(1), Sample.record(cycle, bytes: 1000)),
                Sample.contentWrite(Int(cycle)))
            try journal.acknowledge(
                cycle, at: .origin.advanced(by: .milliseconds(10) * Int(cycle)))
        }
    }

    /// A closed directory in which cycles were committed and answered.
    private func made(in scratch: Scratch, cycles: Int) throws -> String {
        let path = scratch.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        let directory = try DataDirectory.open(at: path)
        try run(directory, cycles: cycles)
        try directory.close()
        return path
    }

    private func openCode(_ path: String) -> ErrorCode? {
        errorCode { try DataDirectory.open(at: path).close() }
    }

    private func refusalCode(_ path: String) throws -> ErrorCode? {
        let directory = try DataDirectory.open(at: path)
        defer { try? directory.close() }
        #expect((directory.repository == nil) == (directory.refusal != nil))
        #expect((directory.journal == nil) == (directory.refusal != nil))
        return directory.refusal?.code
    }

    @Test("A data directory is made with an identity of its own and keeps what was committed")
    func lifeCycle() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/data"
        let peer = try DataDirectory.initialize(at: path, environment: .live())
        let other = try DataDirectory.initialize(
            at: scratch.path + "/other", environment: .live())
        #expect(peer != other)
        let first = try DataDirectory.open(at: path)
        #expect(first.peer == peer)
        #expect(first.refusal == nil)
        #expect(first.cluster == nil)
        try run(first, cycles: 4)
        try first.close()
        let second = try DataDirectory.open(at: path + "/")
        #expect(second.peer == peer)
        let repository = try #require(second.repository)
        #expect(repository.writeSequence == 4)
        #expect(try repository.register(Sample.collection(1)) == Sample.record(4, bytes: 1000))
        #expect(second.journal?.written == 4)
        try second.close()
    }

    @Test("A data directory is bound to one cluster for ever")
    func binding() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch, cycles: 1)
        let other = ClusterID(rawValue: Identifier128(0xC2))
        for _ in 0..<2 {
            let directory = try DataDirectory.open(at: path)
            try directory.bind(to: cluster)
            try directory.bind(to: cluster)
            #expect(directory.cluster == cluster)
            #expect(errorCode { try directory.bind(to: other) } == .wrongCluster)
            try directory.close()
        }
        let born = scratch.path + "/born"
        _ = try DataDirectory.initialize(at: born, cluster: other, environment: .live())
        let directory = try DataDirectory.open(at: born)
        #expect(directory.cluster == other)
        #expect(errorCode { try directory.bind(to: cluster) } == .wrongCluster)
        try directory.close()
    }

    @Test("A data directory is made only where nothing is")
    func refusesNonEmpty() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch, cycles: 1)
        let again = errorCode {
            _ = try DataDirectory.initialize(at: path, environment: .live())
        }
        #expect(again == .directoryForeign)
        #expect(try refusalCode(path) == nil)
        try Data("x".utf8).write(to: URL(fileURLWithPath: scratch.path + "/note"))
        #expect(
            errorCode { _ = try DataDirectory.initialize(at: scratch.path, environment: .live()) }
                == .directoryForeign)
        #expect(
            errorCode {
                _ = try DataDirectory.initialize(
                    at: scratch.path + "/missing/data", environment: .live())
            } == .pathNotFound)
    }

    @Test("A data directory is locked while another process has the lock, and by its own opener")
    func locked() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch, cycles: 1)
        let holder = Process()
        let input = Pipe()
        let output = Pipe()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        holder.arguments = [path + "/LOCK", "sh", "-c", "echo locked; exec cat"]
        holder.standardInput = input
        holder.standardOutput = output
        try holder.run()
        let announced = output.fileHandleForReading.availableData
        #expect(String(decoding: announced, as: UTF8.self) == "locked\n")
        #expect(openCode(path) == .directoryLocked)
        try input.fileHandleForWriting.close()
        holder.waitUntilExit()

        let directory = try DataDirectory.open(at: path)
        #expect(openCode(path) == .directoryLocked)
        try directory.close()
        #expect(openCode(path) == nil)
    }

    @Test("A data directory is foreign without identity, and unsupported in another format")
    func foreignAndNewer() throws {
        let scratch = try Scratch()
        #expect(openCode(scratch.path) == .directoryForeign)
        #expect(openCode(scratch.path + "/missing") == .pathNotFound)
        let path = try made(in: scratch, cycles: 1)
        let identity = path + "/IDENTITY"
        let original = try Data(contentsOf: URL(fileURLWithPath: identity))
        let text = String(decoding: original, as: UTF8.self)
        func open(with text: String) throws -> ErrorCode? {
            try Data(text.utf8).write(to: URL(fileURLWithPath: identity))
            return openCode(path)
        }
        let ours = StorageKeys.formatVersion
        for other in [ours - 1, ours + 1] {
            let edited = text.replacingOccurrences(of: "format \(ours)", with: "format \(other)")
            #expect(edited != text)
            #expect(try open(with: edited) == .formatUnsupported)
        }
        #expect(
            try open(with: "optimystic data directory\nformat 9\nnew things\n")
                == .formatUnsupported)
        // Beside a store it can only be what is left of an identity.
        #expect(try open(with: "") == .corrupted)
        #expect(try open(with: "something else\n") == .corrupted)
        #expect(try open(with: String(text.dropLast(2))) == .corrupted)
        let digit = try #require(text.range(of: "storage "))
        var flipped = text
        flipped.replaceSubrange(
            digit.upperBound...digit.upperBound, with: text[digit.upperBound] == "0" ? "1" : "0")
        #expect(try open(with: flipped) == .corrupted)
        #expect(try open(with: text) == nil)
        try FileManager.default.removeItem(atPath: identity)
        #expect(openCode(path) == .corrupted)
    }

    @Test("A data directory is foreign when its store belongs to another peer")
    func wrongStore() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch, cycles: 1)
        let other = scratch.path + "/other"
        _ = try DataDirectory.initialize(at: other, environment: .live())
        try FileManager.default.removeItem(atPath: path + "/store")
        try FileManager.default.moveItem(atPath: other + "/store", toPath: path + "/store")
        #expect(openCode(path) == .directoryForeign)
    }

    @Test("A data directory is amnesiac without its journal, with a foreign one or without store")
    func amnesia() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch, cycles: 3)
        let other = scratch.path + "/other"
        _ = try DataDirectory.initialize(at: other, environment: .live())

        let withoutJournal = try scratch.copy(of: path, named: "a")
        try FileManager.default.removeItem(atPath: withoutJournal + "/journal")
        #expect(try refusalCode(withoutJournal) == .amnesia)

        let foreignJournal = try scratch.copy(of: path, named: "b")
        try FileManager.default.removeItem(atPath: foreignJournal + "/journal")
        try FileManager.default.copyItem(
            atPath: other + "/journal", toPath: foreignJournal + "/journal")
        #expect(try refusalCode(foreignJournal) == .amnesia)

        let withoutStore = try scratch.copy(of: path, named: "c")
        try FileManager.default.removeItem(atPath: withoutStore + "/store")
        #expect(try refusalCode(withoutStore) == .amnesia)
        #expect(!FileManager.default.fileExists(atPath: withoutStore + "/store"))
        #expect(try refusalCode(path) == nil)
    }

    @Test("A data directory that refuses cannot be bound")
    func refusedIsNotBound() throws {
        let scratch = try Scratch()
        let path = try made(in: scratch, cycles: 1)
        try FileManager.default.removeItem(atPath: path + "/journal")
        let directory = try DataDirectory.open(at: path)
        #expect(errorCode { try directory.bind(to: cluster) } == .amnesia)
        try directory.close()
    }
}
