import BlockModel
import BlockRuntime
import Foundation
import Optimystic
import OptimysticClient
import Testing

/// A key of an application's own, which says what it is.
private struct OrderKey: OrderedKey, Hashable {
    var customer: String
    var number: Int

    static let keyType: KeyType = "(text,int64)"

    init(_ customer: String, _ number: Int) {
        self.customer = customer
        self.number = number
    }

    func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        try encoder.append(leading: customer)
        try encoder.append(last: number)
    }

    init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        customer = try decoder.leading(String.self)
        number = try decoder.last(Int.self)
    }
}

/// A collection remembers what its keys are, whoever opens it.
@Suite("Types of keys at opening", .serialized) struct KeyTypeOpeningTests {
    private func refusal<Key: OrderedKey>(
        of key: Key.Type, opening name: String, in database: Database
    ) async -> DatabaseError? {
        var refusals: [DatabaseError] = []
        do {
            _ = try await database.tree(name, key: key, value: String.self)
        } catch let error as DatabaseError {
            refusals.append(error)
        } catch { Issue.record(error) }
        do {
            _ = try await database.openTree(name, key: key, value: String.self)
        } catch let error as DatabaseError {
            refusals.append(error)
        } catch { Issue.record(error) }
        #expect(refusals.count != 1, "to create and to open are refused alike")
        return refusals.first
    }

    @Test("a tree is opened with the keys it has and with no others; the error says both")
    func opening() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let ints = try await database.tree("ints", key: Int.self, value: String.self)
            #expect(ints.info.header.keyType?.text == "int64")
            _ = try await database.tree("orders", key: OrderKey.self, value: String.self)
            _ = try await database.tree("dates", key: Date.self, value: String.self)
            let error = await refusal(of: String.self, opening: "ints", in: database)
            #expect(error?.code == .collectionKindMismatch)
            #expect(error?.outcome == .notApplied)
            #expect(error?.message == "\"ints\" has int64 keys, not text keys")
            for refused in [
                await refusal(of: Int32.self, opening: "ints", in: database),
                await refusal(of: UInt64.self, opening: "ints", in: database),
                await refusal(of: Int?.self, opening: "ints", in: database),
                await refusal(of: Bytes.self, opening: "ints", in: database),
                await refusal(of: Double.self, opening: "dates", in: database),
                await refusal(of: KeyPair<Int, String>.self, opening: "orders", in: database),
            ] {
                #expect(refused?.code == .collectionKindMismatch)
            }
            // The same encoding is the same type.
            _ = try await database.openTree("ints", key: Int64.self, value: String.self)
            _ = try await database.openTree(
                "orders", key: KeyPair<String, Int>.self, value: String.self)
        }
    }

    @Test("raw bytes that are no key of the tree are refused, so that nobody can poison it")
    func poison() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let ints = try await database.tree("ints", key: Int.self, value: String.self)
            try await ints.set(7, to: "seven")
            let raw = try await database.openTree(named: "ints")
            for key in [try "abc".keyBytes, [], try (7 as Int32).keyBytes, try 7.keyBytes + [0]] {
                let error = await #expect(throws: DatabaseError.self) {
                    try await raw.set(key, to: Bytes("\"x\"".utf8))
                }
                #expect(error?.code == .invalidArgument)
                #expect(error?.outcome == .notApplied)
                #expect(error?.message.contains("the keys are int64") == true)
            }
            // A key that fits is one, and taking away is harmless.
            try await raw.set(try 8.keyBytes, to: Bytes("\"eight\"".utf8))
            try await raw.remove(try "abc".keyBytes)
            var all: [Int: String] = [:]
            for try await (key, value) in ints.entries() { all[key] = value }
            #expect(all == [7: "seven", 8: "eight"])
        }
    }

    @Test("a type of keys that takes too long to write is refused before anything is sent")
    func longType() async throws {
        typealias Four = KeyPair<KeyPair<String, Identifier128>, KeyPair<Double, UInt32>>
        typealias Sixteen = KeyPair<KeyPair<Four, Four>, KeyPair<Four, Four>>
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            _ = try await database.tree(
                "short", key: KeyPair<Sixteen, Bool>.self, value: String.self)
            let error = await #expect(throws: DatabaseError.self) {
                try await database.tree(
                    "long", key: KeyPair<Sixteen, Sixteen>.self, value: String.self)
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("keyTypeBytesMax = 128") == true)
        }
    }

    @Test("a tree of an opening that names no keys has bytes for keys, and is refused as text")
    func unnamed() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let raw = try await database.tree(named: "raw")
            #expect(raw.info.header.keyType == Bytes.keyType)
            try await raw.set([0xFF], to: [1])
            let error = await #expect(throws: DatabaseError.self) {
                try await database.tree("raw", key: String.self, coding: .bytes)
            }
            #expect(error?.message == "\"raw\" has bytes keys, not text keys")
        }
    }
}
