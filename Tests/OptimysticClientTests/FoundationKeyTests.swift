import BlockRuntime
import Foundation
import ModelSamples
import Optimystic
import Testing

@Suite("Keys of Foundation's types")
struct FoundationKeyTests {
    @Test("UUIDs and dates are encoded as Protos/vectors/keys.json says, and come back")
    func vectors() throws {
        var seen: Set<String> = []
        for vector in try VectorFile.read("keys").vectors {
            let type = try #require(vector["type"])
            let value = try #require(vector["value"])
            let bytes = try #require(vector["key"].flatMap(ByteText.bytes(hex:)))
            if type == "uuid" {
                let id = try #require(UUID(uuidString: value.filter { $0 != "\"" }))
                #expect(try id.keyBytes == bytes)
                #expect(try UUID(keyBytes: bytes) == id)
            } else if type == "date" {
                let date = Date(timeIntervalSinceReferenceDate: try #require(Double(value)))
                #expect(try date.keyBytes == bytes)
                #expect(try Date(keyBytes: bytes) == date)
            } else {
                continue
            }
            seen.insert(type)
        }
        #expect(seen == ["uuid", "date"])
    }

    @Test("UUIDs and dates order as in Swift, and those without a place in the order are refused")
    func order() throws {
        var random = SeededGenerator(seed: 11)
        let ids = try (0..<100).map { _ in try UUID(keyBytes: random.identifier().bytes) }
        let dates =
            [.distantPast, .distantFuture, Date(timeIntervalSince1970: 0)]
            + (0..<100).map { _ in
                Date(timeIntervalSinceReferenceDate: Double(random.below(1 << 40)) / 1024 - 1e9)
            }
        for (left, right) in zip(ids, ids.dropFirst()) {
            let keys = (try left.keyBytes, try right.keyBytes)
            #expect(keys.0.lexicographicallyPrecedes(keys.1) == (left < right))
        }
        for (left, right) in zip(dates, dates.dropFirst()) {
            let keys = (try left.keyBytes, try right.keyBytes)
            #expect(keys.0.lexicographicallyPrecedes(keys.1) == (left < right))
            #expect(try Date(keyBytes: keys.0) == left)
        }
        #expect(throws: DatabaseError.self) {
            _ = try Date(timeIntervalSinceReferenceDate: .nan).keyBytes
        }
        #expect(throws: DatabaseError.self) { _ = try UUID(keyBytes: [1, 2, 3]) }
    }
}
