import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made runs of a load test, good and bad.
@Suite("The checker of load tests")
struct LoadCheckerTests {
    /// A write of client 1 to record 0, under way from one time to another.
    private func write(
        _ sequence: Int, _ times: ClosedRange<Int64>, _ outcome: LoadWrite.Outcome,
        of number: Int = 0
    ) -> LoadWrite {
        LoadWrite(
            number: number, client: 1, sequence: sequence,
            invoked: Instant(nanoseconds: times.lowerBound),
            completed: Instant(nanoseconds: times.upperBound), outcome: outcome)
    }

    /// What is wrong with these records after these writes, of `loaded` that were loaded.
    private func violations(
        _ records: [LoadRecord], _ writes: [LoadWrite] = [], loaded: Int = 1,
        countsWrites: Bool = false
    ) -> [String] {
        var checker = LoadChecker(
            loadedCount: loaded, writes: writes, countsWrites: countsWrites)
        let entries = records.map { (LoadRecord.key($0.number), $0.value(byteCount: 64)) }
        for (key, value) in entries.sorted(by: { $0.0.lexicographicallyPrecedes($1.0) }) {
            checker.entry(key, value)
        }
        let result = checker.finish()
        #expect(result.checkedCount >= records.count)
        return result.violations
    }

    private func record(_ sequence: Int, number: Int = 0, count: Int = 0) -> LoadRecord {
        LoadRecord(number: number, client: 1, sequence: sequence, count: count)
    }

    @Test("What was loaded and not written since is right, and missing if it is not there")
    func loaded() {
        #expect(violations((0..<50).map(LoadRecord.loaded), loaded: 50) == [])
        let missing = violations((1..<50).map(LoadRecord.loaded), loaded: 50)
        #expect(missing == ["record 0 was acknowledged and is lost"])
        #expect(violations([.loaded(0), .loaded(1)]) == ["record 1: nobody loaded it"])
    }

    @Test("The last acknowledged write must be there, not an earlier one and not what was loaded")
    func last() {
        let writes = [
            write(1, 0...10, .acknowledged(Revision(5))),
            write(2, 11...20, .acknowledged(Revision(6))),
        ]
        #expect(violations([record(2)], writes) == [])
        #expect(violations([record(1)], writes).count == 1)
        #expect(violations([.loaded(0)], writes).count == 1)
        #expect(violations([], writes).count == 1)
    }

    @Test("Of writes at the same time the greater revision is the last one, where both are known")
    func concurrent() {
        func both(_ first: Revision?, _ second: Revision?) -> [LoadWrite] {
            [write(1, 0...10, .acknowledged(first)), write(2, 5...20, .acknowledged(second))]
        }
        #expect(violations([record(1)], both(nil, nil)) == [])
        #expect(violations([record(2)], both(nil, Revision(3))) == [])
        #expect(violations([record(1)], both(Revision(3), Revision(3))) == [])
        #expect(violations([record(1)], both(Revision(4), Revision(3))) == [])
        #expect(violations([record(2)], both(Revision(4), Revision(3))).count == 1)
    }

    @Test("A revision does not excuse what real time forbids")
    func realTime() {
        let writes = [
            write(1, 0...10, .acknowledged(Revision(9))),
            write(2, 11...20, .acknowledged(Revision(6))),
        ]
        #expect(violations([record(1)], writes).count == 1)
    }

    @Test("A write of unknown outcome may be there or not, a refused one may not")
    func unknown() {
        let acknowledged = write(1, 0...10, .acknowledged(Revision(5)))
        let unknown = [acknowledged, write(2, 1...2, .unknown)]
        #expect(violations([record(1)], unknown) == [])
        #expect(violations([record(2)], unknown) == [])
        let refused = [acknowledged, write(2, 11...20, .notApplied)]
        #expect(violations([record(1)], refused) == [])
        #expect(
            violations([record(2)], refused)
                == ["record 0: write 2 of client 1 was refused and is there"])
        #expect(violations([record(7)], refused).count == 1, "a write nobody made")
    }

    @Test("An insert that was acknowledged is there; of others nothing is known")
    func inserts() {
        let acknowledged = write(1, 0...10, .acknowledged(Revision(5)), of: 8)
        #expect(violations([.loaded(0), record(1, number: 8)], [acknowledged]) == [])
        #expect(violations([.loaded(0)], [acknowledged]).count == 1)
        #expect(violations([.loaded(0)], [write(1, 0...10, .unknown, of: 8)]) == [])
        #expect(violations([.loaded(0)], [write(1, 0...10, .notApplied, of: 8)]) == [])
    }

    @Test("Each read-modify-write counts once: a lost and a doubled one are found")
    func counts() {
        let writes = [
            write(1, 0...10, .acknowledged(nil)), write(2, 5...20, .acknowledged(nil)),
            write(3, 6...8, .unknown), write(4, 6...8, .notApplied),
        ]
        func found(_ count: Int) -> [String] {
            violations([record(2, count: count)], writes, countsWrites: true)
        }
        #expect(found(2) == [])
        #expect(found(3) == [])
        #expect(found(1) == ["record 0 counts 1 writes, and 2 were acknowledged, 1 unknown"])
        #expect(found(4).count == 1)
    }

    @Test("A read sees nothing that was overwritten before it began")
    func reads() {
        let writes = [
            write(1, 0...10, .acknowledged(nil)), write(2, 11...20, .acknowledged(nil)),
            write(3, 1...2, .unknown), write(4, 1...2, .notApplied),
        ]
        func found(_ record: LoadRecord, at time: Int64) -> Int {
            var checker = LoadChecker(loadedCount: 0, writes: writes, countsWrites: false)
            checker.entry(LoadRecord.key(0), self.record(2).value(byteCount: 64))
            checker.read(LoadRead(record: record, invoked: Instant(nanoseconds: time)))
            return checker.finish().violations.count
        }
        // What was loaded is gone once the first write was acknowledged.
        #expect([5, 10, 11].map { found(.loaded(0), at: $0) } == [0, 0, 1])
        #expect([5, 20, 21].map { found(record(1), at: $0) } == [0, 0, 1])
        #expect(found(record(2), at: 100) == 0)
        #expect(found(record(3), at: 100) == 0)
        #expect(found(record(4), at: 100) == 1)
        #expect(found(record(9), at: 100) == 1)
    }

    @Test("A value of another key, a torn value and keys out of order are found")
    func damage() {
        func found(_ entries: [(Bytes, Bytes)]) -> Int {
            var checker = LoadChecker(loadedCount: 0, writes: [], countsWrites: false)
            for (key, value) in entries { checker.entry(key, value) }
            return checker.finish().violations.count
        }
        let value = LoadRecord.loaded(3).value(byteCount: 64)
        #expect(found([(LoadRecord.key(4), value)]) == 1)
        #expect(found([(LoadRecord.key(3), Bytes(value.dropLast() + [value[63] ^ 1]))]) == 1)
        #expect(found([(LoadRecord.key(3), Bytes(value.prefix(16)))]) == 1)
        // Twice the same key: out of order, and both values are nobody's.
        #expect(found([(Bytes("b".utf8), []), (Bytes("b".utf8), [])]) == 3)
    }

    @Test("A value tells who wrote it, at every size, and no two keys are the same")
    func values() {
        let record = LoadRecord(number: 12, client: 3, sequence: 4567, count: 9)
        for size in [LoadRecord.valueBytesMin, 40, 41, 256, 65_536] {
            let value = record.value(byteCount: size)
            #expect(value.count == size)
            #expect(LoadRecord(value: value) == record)
        }
        #expect(LoadRecord(value: []) == nil)
        #expect(LoadRecord(value: Bytes(repeating: 0xFF, count: 256)) == nil)
        let keys = LoadRecord.numbersByKey(10_000).map(LoadRecord.key)
        #expect(Set(keys).count == 10_000)
        #expect(zip(keys, keys.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
    }

    @Test("A diary is checked as a set and as an order")
    func diary() {
        func value(_ sequence: Int) -> Bytes {
            LoadAppend.value(client: 1, sequence: sequence, byteCount: 64)
        }
        var history = History()
        for sequence in 1...2 {
            let now = Instant(nanoseconds: Int64(sequence))
            let id = history.invoke(
                .append(LoadAppend.name(of: value(sequence))), on: "d", by: 1, at: now)
            let position = LogPosition(revision: Revision(UInt64(sequence)), index: 0)
            history.complete(id, .appended(position), at: now)
        }
        func found(_ values: [Bytes]) -> [String] {
            let final = values.enumerated().map { place, value in
                History.Observation(
                    position: LogPosition(revision: Revision(UInt64(place + 1)), index: 0),
                    value: LoadAppend.name(of: value))
            }
            return LoadAppend.check(history, collection: "d", final: final).violations
        }
        #expect(found([value(1), value(2)]) == [])
        #expect(found([value(2), value(1)]).isEmpty == false)
        #expect(found([value(1)]).contains("\"1:2\" was acknowledged and is lost"))
        #expect(found([value(1), value(2), value(2)]).isEmpty == false)
        #expect(found([value(1), value(2), [1, 2]]).contains { $0.contains("damaged") })
    }
}
