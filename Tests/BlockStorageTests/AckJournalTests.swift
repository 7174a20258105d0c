import BlockModel
import BlockRuntime
import BlockStorage
import Testing

@Suite("The ack journal")
struct AckJournalTests {
    private static let slotBytes = 40
    private static let offsets = [0, 4096]

    private func open(_ bytes: Bytes?, recovered: UInt64) throws -> AckJournal {
        let disk = SimulatedDisk()
        disk.journal = bytes
        return try AckJournal.open(
            on: FaultEngine(on: disk).journalFile, owner: Sample.peer, recovered: recovered)
    }

    private func code(_ bytes: Bytes?, recovered: UInt64) -> ErrorCode? {
        do {
            _ = try open(bytes, recovered: recovered)
            return nil
        } catch {
            return (error as? DatabaseError)?.code
        }
    }

    /// The file after each of the given cycles was answered, 10 ms apart; first the empty one.
    private func files(_ sequences: [UInt64]) throws -> [Bytes] {
        let disk = SimulatedDisk()
        let journal = try AckJournal.create(
            on: FaultEngine(on: disk).journalFile, owner: Sample.peer)
        var files = [try #require(disk.journal)]
        for (number, sequence) in sequences.enumerated() {
            try journal.acknowledge(
                sequence, at: .origin.advanced(by: .milliseconds(10) * number))
            files.append(try #require(disk.journal))
        }
        return files
    }

    @Test("The ack journal is a preallocated file whose two slots are written in turn")
    func slotsInTurn() throws {
        let files = try files([3, 5, 9, 20])
        #expect(files.allSatisfy { $0.count == AckJournal.fileBytes })
        for (number, (before, after)) in zip(files, files.dropFirst()).enumerated() {
            let changed = before.indices.filter { before[$0] != after[$0] }
            let slot = Self.offsets[number % 2]
            #expect(changed.allSatisfy { $0 >= slot && $0 < slot + Self.slotBytes })
            #expect(!changed.isEmpty)
        }
    }

    @Test("The ack journal accepts a store that has as much or more, and refuses one that has less")
    func aheadAndBehind() throws {
        let file = try files([3, 5]).last
        #expect(code(file, recovered: 0) == .amnesia)
        #expect(code(file, recovered: 4) == .amnesia)
        #expect(code(file, recovered: 5) == nil)
        #expect(code(file, recovered: 6) == nil)
        #expect(try open(file, recovered: 6).written == 5)
    }

    #if SIMULATION_HOOKS
    @Test("A peer that takes part though its journal remembers more is found")
    func plantedAmnesia() throws {
        let file = try files([3, 5]).last
        SimulationHooks.$plantedBug.withValue(.amnesiaIgnored) {
            #expect(code(file, recovered: 4) == nil)
        }
        #expect(code(file, recovered: 4) == .amnesia)
    }
    #endif

    @Test("The ack journal goes on in the older slot after it was opened again")
    func goesOn() throws {
        let disk = SimulatedDisk()
        disk.journal = try files([3, 5, 9]).last
        for sequence in UInt64(10)...15 {
            let journal = try AckJournal.open(
                on: FaultEngine(on: disk).journalFile, owner: Sample.peer, recovered: sequence)
            try journal.acknowledge(sequence, at: .origin)
            #expect(journal.written == sequence)
            let previous = sequence == 10 ? 9 : sequence - 1
            var damaged = try #require(disk.journal)
            let newest = sequence.isMultiple(of: 2) ? 1 : 0
            damaged[Self.offsets[newest]] ^= 1
            #expect(try open(damaged, recovered: sequence).written == previous)
        }
    }

    @Test("A journal slot torn at any byte leaves the value before it or the new one")
    func tornSlot() throws {
        let states = try files([3, 5, 9])
        let sequences: [UInt64] = [0, 3, 5, 9]
        for number in 1..<states.count {
            let (before, after) = (states[number - 1], states[number])
            let slot = Self.offsets[(number - 1) % 2]
            for written in 0...Self.slotBytes {
                var torn = before
                torn.replaceSubrange(
                    slot..<slot + written, with: after[slot..<slot + written])
                let held = try open(torn, recovered: 100).written
                let isComplete = torn == after
                #expect(held == (isComplete ? sequences[number] : sequences[number - 1]))
            }
        }
    }

    @Test("The ack journal with any bit of its newest slot flipped falls back to the older one")
    func flippedBits() throws {
        let file = try #require(try files([3, 5]).last)
        for bit in 0..<Self.slotBytes * 8 {
            var damaged = file
            damaged[4096 + bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try open(damaged, recovered: 5).written == 3)
            damaged[0] ^= 1
            #expect(code(damaged, recovered: 5) == .amnesia)
        }
    }

    @Test("A journal that is missing, short or another's is amnesia, unless the store is empty")
    func unreadable() throws {
        let file = try #require(try files([3, 5]).last)
        let foreign = SimulatedDisk()
        _ = try AckJournal.create(
            on: FaultEngine(on: foreign).journalFile, owner: PeerID(rawValue: Identifier128(1)))
        let unreadable: [Bytes?] = [nil, [], Bytes(file[..<39]), foreign.journal]
        for bytes in unreadable {
            #expect(code(bytes, recovered: 1) == .amnesia)
            #expect(code(bytes, recovered: 0) == nil)
        }
    }

    @Test("The ack journal is written at most once in 10 ms and says when it is due")
    func interval() throws {
        func at(_ milliseconds: Int) -> Instant {
            .origin.advanced(by: .milliseconds(milliseconds))
        }
        let engine = FaultEngine(on: SimulatedDisk())
        let journal = try AckJournal.create(on: engine.journalFile, owner: Sample.peer)
        #expect(journal.nextWrite == nil)
        try journal.acknowledge(1, at: at(100))
        #expect(journal.written == 1)
        #expect(journal.nextWrite == nil)
        for millisecond in 101..<110 {
            try journal.acknowledge(UInt64(millisecond), at: at(millisecond))
            #expect(journal.written == 1)
            #expect(journal.nextWrite == at(110))
        }
        try journal.writeIfDue(at: at(109))
        #expect(journal.written == 1)
        try journal.writeIfDue(at: at(110))
        #expect(journal.written == 109)
        try journal.writeIfDue(at: at(500))
        #expect(engine.journalWrites == 3)
        try journal.acknowledge(110, at: at(111))
        #expect(journal.written == 109)
        try journal.close()
        #expect(journal.written == 110)
        #expect(engine.journalWrites == 4)
    }
}
