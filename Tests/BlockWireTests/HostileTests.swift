import BlockModel
import BlockRuntime
import BlockWire
import CProtocol
import ModelSamples
import Testing

/// Expects `decode` to throw this code with all `words` in the message.
func refuses(
    _ words: [String], _ code: ErrorCode = .malformedMessage,
    _ decode: () throws(DatabaseError) -> Void
) {
    do throws(DatabaseError) {
        try decode()
        Issue.record("\(words) was let through")
    } catch {
        #expect(error.code == code && error.outcome == .notApplied)
        for word in words { #expect(error.message.contains(word), "\(error)") }
    }
}

@Suite("Hostile messages")
struct HostileTests {
    @Test("damaged messages throw or mean something, and never stop the process", arguments: 0..<8)
    func fuzz(position: Int) throws {
        let codec = WireCodec.all[position]
        var samples = ModelSamples(seed: 1000 + UInt64(position))
        var mutations = Mutations(seed: 2000 + UInt64(position))
        var refusedCount = 0
        var roundCount = 0
        for _ in 0..<40 * Mutations.factor {
            // Large values hide the structure from random damage.
            for valid in try codec.samples(&samples) where valid.count < 20_000 {
                for round in 0..<8 {
                    let bytes =
                        round == 0
                        ? mutations.garbage(countMax: 200) : mutations.damaged(valid)
                    roundCount += 1
                    do throws(DatabaseError) {
                        let passed = try codec.pass(bytes)
                        #expect(try codec.pass(passed) == passed, "\(codec.message) is not stable")
                    } catch {
                        refusedCount += 1
                        let codes: [ErrorCode] = [
                            .malformedMessage, .valueTooLarge, .configurationInvalid,
                            .formatUnsupported,
                        ]
                        #expect(codes.contains(error.code), "\(error)")
                        #expect(!error.message.isEmpty)
                    }
                }
            }
        }
        #expect(refusedCount > roundCount / 10, "\(codec.message)")
    }

    @Test("every truncation of a message throws or means something")
    func truncations() throws {
        for (position, codec) in WireCodec.all.enumerated() {
            var samples = ModelSamples(seed: 3000 + UInt64(position))
            for valid in try codec.samples(&samples) where valid.count < 20_000 {
                for count in stride(from: 0, to: valid.count, by: max(1, valid.count / 150)) {
                    do throws(DatabaseError) {
                        let passed = try codec.pass(Bytes(valid[..<count]))
                        #expect(try codec.pass(passed) == passed)
                    } catch {
                        let codes: [ErrorCode] = [.malformedMessage, .configurationInvalid]
                        #expect(codes.contains(error.code))
                    }
                }
            }
        }
    }

    /// A length-delimited field.
    private func field(_ number: UInt8, _ content: Bytes) -> Bytes {
        var length = content.count
        var bytes = number < 16 ? [number << 3 | 2] : [number << 3 & 0x7F | 0x82, number >> 4]
        repeat {
            bytes.append(UInt8(length & 0x7F) | (length > 0x7F ? 0x80 : 0))
            length >>= 7
        } while length > 0
        return bytes + content
    }

    @Test("a frame of the greatest size, full of empty items, takes memory within its budget")
    func memoryBudget() {
        // An empty item takes 2 bytes of the frame and more than 100 unpacked.
        var items: Bytes = [10, 0]
        while items.count < Limits.frameBytesMax { items += items }
        for count in [2, 20, 200, 20_000, 200_000, Limits.frameBytesMax] {
            let frame = Bytes(items[..<count])
            let arena = WireArena(unpackingFrameOf: frame.count)
            _ = frame.withUnsafeBufferPointer { buffer in
                arena.withAllocator {
                    optimystic__v1__peer_batch__unpack($0, buffer.count, buffer.baseAddress) != nil
                }
            }
            let budget = WireArena.budget(frameByteCount: frame.count)
            #expect(arena.bytesReserved <= budget)
            #expect(budget <= count + Limits.unpackBytesMax + Limits.unpackBytesMin)
            #expect(arena.allocationCount <= Limits.unpackAllocationCountMax)
            #expect(arena.isExhausted == (count >= 20_000))
            #expect(throws: DatabaseError.self) { _ = try Wire.decodePeerBatch(frame) }
        }
    }

    @Test("an arena keeps its promises: aligned, disjoint, refusing beyond its budget")
    func arena() {
        let arena = WireArena(unpackingFrameOf: 0)
        var taken: [(start: UInt, end: UInt)] = []
        var random = SeededGenerator(seed: 1)
        while true {
            let count = random.below(3000)
            guard let memory = arena.allocate(count) else { break }
            memory.initializeMemory(as: UInt8.self, repeating: 0xAA, count: count)
            let start = UInt(bitPattern: memory)
            #expect(start.isMultiple(of: 8))
            taken.append((start, start + UInt(count)))
        }
        taken.sort { $0.start < $1.start }
        #expect(zip(taken, taken.dropFirst()).allSatisfy { $0.end <= $1.start })
        #expect(arena.isExhausted && arena.bytesReserved <= Limits.unpackBytesMin)
        #expect(arena.allocate(.max) == nil)
    }

    @Test("a frame above the greatest size is refused unread")
    func frameTooLarge() {
        let frame = Bytes(repeating: 0, count: Limits.frameBytesMax + 1)
        for codec in WireCodec.all {
            #expect { _ = try codec.pass(frame) } throws: { error in
                "\(error)".contains("\(Limits.frameBytesMax)")
            }
        }
    }

    @Test("a bound that is broken is named with its limit and the actual figure")
    func bounds() throws {
        var samples = ModelSamples(seed: 11)
        let life = samples.incarnation()
        let collection = samples.collection()

        let large = ActionRequest(
            collection: collection, incarnation: life, action: samples.action(),
            firstRevision: .zero,
            content: .append(Bytes(repeating: 0, count: Limits.valueBytesMax + 1)))
        refuses(["append.value", "65537", "65536"], .valueTooLarge) { () throws(DatabaseError) in
            _ = try Wire.decodeClientRequest(Wire.encode(.act(large)))
        }
        let late = ActionRequest(
            collection: collection, incarnation: life, action: samples.action(),
            firstRevision: Revision(.max), content: .append([]))
        refuses(["append.first_revision", "\(UInt64.max)"]) { () throws(DatabaseError) in
            _ = try Wire.decodeClientRequest(Wire.encode(.act(late)))
        }
        for count: UInt32 in [0, 4097, .max] {
            refuses(["list_collections.count_max", "\(count)", "4096"]) {
                () throws(DatabaseError) in
                _ = try Wire.decodeClientRequest(
                    Wire.encode(ClientRequest.listCollections(after: nil, countMax: count)))
            }
        }
        for length in [0, Limits.nameBytesMax + 1] {
            let name = String(repeating: "n", count: length)
            refuses(["inspect_tail.name", "\(length) bytes", "256"]) { () throws(DatabaseError) in
                _ = try Wire.decodeClientRequest(Wire.encode(.inspectTail(name: name)))
            }
        }
        let read = DiaryReadRequest(
            collection: collection, incarnation: life, bytesMax: .max, waitMilliseconds: .max)
        refuses(["read_diary.bytes_max", "\(UInt32.max)", "\(Limits.pageBytesMax)"]) {
            () throws(DatabaseError) in
            _ = try Wire.decodeClientRequest(Wire.encode(.readDiary(read)))
        }
    }

    @Test("a bound of the messages between peers that is broken is named, too")
    func peerBounds() throws {
        var samples = ModelSamples(seed: 12)
        let collection = samples.collection()
        let shard = PeerRequest(
            shard: ShardID(rawValue: 4096), epoch: .first, operation: .status)
        refuses(["shard", "4096", "4095"]) { () throws(DatabaseError) in
            _ = try Wire.decodePeerBatch(Wire.encode([PeerBatchItem(id: 1, request: shard)]))
        }
        let ballot = Ballot(
            epoch: .first, counter: .max, proposer: ProposerID(rawValue: .zero))
        let prepare = PeerRequest(
            shard: ShardID(rawValue: 0), epoch: .first, operation: .prepare(collection, ballot))
        refuses(["ballot.counter", "\(UInt64.max)"]) { () throws(DatabaseError) in
            _ = try Wire.decodePeerBatch(Wire.encode([PeerBatchItem(id: 1, request: prepare)]))
        }
        let status = PeerRequest(shard: ShardID(rawValue: 0), epoch: .first, operation: .status)
        let batch = Array(
            repeating: PeerBatchItem(id: 1, request: status),
            count: Limits.batchRequestCountMax + 1)
        refuses(["peer_batch.items", "4097", "4096"]) { () throws(DatabaseError) in
            _ = try Wire.decodePeerBatch(Wire.encode(batch))
        }
        let registers = [collection, collection].map {
            RegisterSummary(collection: $0, accepted: .zero)
        }
        refuses(["registers", "ascend"]) { () throws(DatabaseError) in
            _ = try Wire.decodePeerBatchReply(
                Wire.encode(
                    PeerBatchReply(
                        peer: samples.peer(), epoch: .first,
                        items: [
                            PeerReplyItem(id: 1, reply: .registers(registers, isLast: true))
                        ])))
        }
    }

    @Test("what no encoder of ours makes is refused with the name of the field")
    func handMade() {
        func request(_ bytes: Bytes) -> String {
            do throws(DatabaseError) {
                return "decoded \(try Wire.decodeClientRequest(bytes))"
            } catch {
                return error.message
            }
        }
        #expect(request([]).contains("client_request.request"))
        // A oneof member of a later release.
        #expect(request(field(39, [])).contains("client_request.request"))
        #expect(request(field(10, [])).contains("hello.cluster_name"))
        #expect(request(field(10, field(1, [0xC3, 0x28]))).contains("is not UTF-8"))
        #expect(request(field(12, [])).contains("append.collection"))
        let collection = field(1, Bytes(repeating: 1, count: 31))
        #expect(request(field(12, collection)).contains("31 bytes, of exactly 32"))
        let whole = field(1, Bytes(repeating: 1, count: 32))
        #expect(request(field(12, whole)).contains("append.incarnation: is missing"))
        let nonce = field(2, field(2, Bytes(repeating: 1, count: 17)))
        #expect(request(field(12, whole + nonce)).contains("17 bytes, of exactly 16"))
        // open_collection with kind 9, and with kind −1 as ten bytes.
        let name = field(1, [0x78])
        #expect(request(field(11, name + [0x10, 9])).contains("kind: unknown value 9"))
        let minusOne = Bytes(repeating: 0xFF, count: 9) + [1]
        #expect(request(field(11, name + [0x10] + minusOne)).contains("unknown value -1"))
        #expect(request(field(11, name)).contains("kind: nil"), "0 is whatever it is")
        let life = field(2, [0x08, 1] + field(2, Bytes(repeating: 1, count: 16)))
        #expect(request(field(13, whole + life)).contains("direction: unknown value 0"))
        // A cursor of 5 bytes.
        let listing = field(16, field(1, [1, 2, 3, 4, 5]) + [0x10, 1])
        #expect(request(listing).contains("5 bytes, of exactly 32"))
        // The last member of a oneof counts, as protobuf has it.
        let both = field(10, field(1, [0x78])) + field(17, [])
        #expect(request(both) == "decoded clusterStatus")
        #expect(throws: DatabaseError.self) { _ = try Wire.decodeError([0x10, 1]) }
        #expect(throws: DatabaseError.self) { _ = try Wire.decodeError([0x08, 1, 0x10, 3]) }
    }

    @Test("a tail whose bytes are not canonical is refused inside any reply")
    func tails() {
        // repository_reply.tail = 4 bytes of nonsense
        do throws(DatabaseError) {
            _ = try Wire.decodeRepositoryReply(field(10, [9, 9, 9, 9]))
            Issue.record("nonsense was read as a tail")
        } catch {
            #expect(error.code == .malformedMessage && error.message.contains("field tail"))
        }
        let long = field(10, Bytes(repeating: 3, count: Limits.tailBytesMax + 1))
        #expect(throws: DatabaseError.self) { _ = try Wire.decodeRepositoryReply(long) }
    }
}
