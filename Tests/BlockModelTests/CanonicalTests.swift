import BlockModel
import BlockRuntime
import ModelSamples
import Testing

/// Bytes → value → bytes of one type, with the type forgotten.
private struct Codec: Sendable {
    let name: String
    let sample: @Sendable (inout ModelSamples) -> Bytes
    /// Decodes and encodes again.
    let pass: @Sendable (Bytes) throws(DatabaseError) -> Bytes

    init<Value: CanonicalCodable & Hashable & Sendable>(
        _ name: String, _ make: @escaping @Sendable (inout ModelSamples) -> Value
    ) {
        self.name = name
        sample = { make(&$0).canonicalBytes }
        pass = { bytes throws(DatabaseError) in
            let value = try Value(canonicalBytes: bytes)
            return value.canonicalBytes
        }
    }

    static let all = [
        Codec("CollectionID") { $0.collection() },
        Codec("BlockID") { $0.block() },
        Codec("ActionID") { $0.action() },
        Codec("Revision") { $0.revision() },
        Codec("Incarnation") { $0.incarnation() },
        Codec("PayloadID") { $0.payload() },
        Codec("Ballot") { $0.ballot() },
        Codec("CollectionHeader") { $0.header() },
        Codec("Participant") { $0.participant() },
        Codec("Attempt") { $0.attempt(participantCount: 1 + $0.random.below(16)) },
        Codec("OpenDecision") { $0.openDecision() },
        Codec("Intent") {
            let tail = $0.tail()
            return $0.intent(after: tail)
        },
        Codec("AttemptAnchor") { $0.anchor() },
        Codec("SegmentKey") { $0.segmentKey() },
        Codec("SegmentLink") { $0.segmentLink() },
        Codec("Entry") { $0.entry(revision: $0.revision(), previousHash: $0.digest()) },
        Codec("EntryBody") { $0.body() },
        Codec("Segment") { $0.segment() },
        Codec("Tail") { $0.tail() },
        Codec("TailValue") { $0.tailValue() },
        Codec("TreeAction") { $0.treeAction() },
        Codec("TreeOutcome") { $0.anyOf { $0.treeOutcomes() } },
        Codec("QueueAction") { $0.anyOf { $0.queueActions() } },
        Codec("QueueOutcome") { $0.anyOf { $0.queueOutcomes() } },
    ]
}

extension ModelSamples {
    /// One of several, so that each is drawn now and then.
    fileprivate mutating func anyOf<Value>(_ make: (inout ModelSamples) -> [Value]) -> Value {
        let values = make(&self)
        return values[random.below(values.count)]
    }
}

@Suite("Canonical bytes")
struct CanonicalTests {
    @Test("what is encoded is decoded to the same, for every type")
    func roundTrip() throws {
        for (number, codec) in Codec.all.enumerated() {
            var samples = ModelSamples(seed: UInt64(number))
            for _ in 0..<60 {
                let bytes = codec.sample(&samples)
                #expect(try codec.pass(bytes) == bytes, "\(codec.name)")
            }
        }
    }

    @Test("every proper prefix and every extension is refused")
    func lengths() {
        for (number, codec) in Codec.all.enumerated() {
            var samples = ModelSamples(seed: 100 + UInt64(number))
            let bytes = codec.sample(&samples)
            for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 100)) {
                #expect(throws: DatabaseError.self, "\(codec.name), \(count) bytes") {
                    _ = try codec.pass(Bytes(bytes[..<count]))
                }
            }
            #expect(throws: DatabaseError.self, "\(codec.name)") { _ = try codec.pass(bytes + [0]) }
        }
    }

    @Test("damaged bytes are refused, or are the one encoding of another value")
    func fuzz() {
        for (number, codec) in Codec.all.enumerated() {
            var samples = ModelSamples(seed: 200 + UInt64(number))
            var mutations = Mutations(seed: 300 + UInt64(number))
            var refusedCount = 0
            for round in 0..<400 * Mutations.factor {
                let bytes =
                    round.isMultiple(of: 4)
                    ? mutations.garbage(countMax: 300) : mutations.damaged(codec.sample(&samples))
                do throws(DatabaseError) {
                    #expect(try codec.pass(bytes) == bytes, "\(codec.name) is not canonical")
                } catch {
                    refusedCount += 1
                    #expect([.malformedMessage, .formatUnsupported].contains(error.code))
                }
            }
            #expect(refusedCount > 0, "\(codec.name)")
        }
    }

    @Test("a list that claims more than the bytes can hold is refused before memory is taken")
    func hugeCounts() {
        var encoder = CanonicalEncoder()
        encoder.append(UInt32.max)
        #expect(throws: DatabaseError.self) {
            _ = try EntryBody(canonicalBytes: encoder.bytes + Bytes(repeating: 0, count: 64))
        }
        var plausible = CanonicalEncoder()
        plausible.append(UInt32(Limits.bodyActionCountMax))
        #expect(throws: DatabaseError.self) {
            _ = try EntryBody(canonicalBytes: plausible.bytes + Bytes(repeating: 0, count: 1024))
        }
    }

    @Test("lists of the smallest items are read back: their count is no lie")
    func smallestItems() throws {
        let keys: [Bytes] = [[], [1], [1, 2]]
        for key in keys {
            for count in [1, 2, Limits.treeOperationCountMax] {
                let actions = [
                    TreeAction(operations: Array(repeating: .delete(key: key), count: count)),
                    TreeAction(
                        checks: Array(repeating: .present(key: key), count: count), operations: []),
                ]
                for action in actions {
                    #expect(try TreeAction(canonicalBytes: action.canonicalBytes) == action)
                }
                let taken = QueueOutcome.dequeued(Array(repeating: key, count: count))
                #expect(try QueueOutcome(canonicalBytes: taken.canonicalBytes) == taken)
            }
        }
    }

    @Test("counters at the end of 64 bits are refused, where adding one would stop the process")
    func greatestCounters() {
        var samples = ModelSamples(seed: 5)
        var entry = samples.entry(revision: Revision(.max), previousHash: .zero)
        #expect(throws: DatabaseError.self) { _ = try Entry(canonicalBytes: entry.canonicalBytes) }
        entry.revision = Revision(Limits.counterMax)
        #expect(throws: Never.self) { _ = try Entry(canonicalBytes: entry.canonicalBytes) }
        #expect(throws: DatabaseError.self) {
            _ = try TailValue(canonicalBytes: TailValue.absent(generation: .max).canonicalBytes)
        }
        let link = SegmentLink(index: .max, hash: .zero, firstRevision: .zero)
        #expect(throws: DatabaseError.self) {
            _ = try SegmentLink(canonicalBytes: link.canonicalBytes)
        }
    }

    @Test("a tail that contradicts itself is refused")
    func inconsistentTails() {
        var samples = ModelSamples(seed: 6)
        var tail = samples.tail()
        while tail.entries.count < 3 { tail = samples.tail() }
        let breaks: [(String, (inout Tail) -> Void)] = [
            ("hash", { $0.lastHash = .zero }),
            ("revision", { $0.revision = $0.revision.next }),
            ("gap", { $0.entries.remove(at: 1) }),
            ("settled", { $0.settled = $0.revision.next }),
            ("checkpoint", { $0.checkpoint = Checkpoint($0.revision.next) }),
            ("truncation", { $0.truncatedThrough = $0.checkpoint.oldest.next }),
            ("header", { $0.headerRevision = $0.revision.next }),
            ("generation", { $0.incarnation = Incarnation(generation: 0, nonce: .zero) }),
            ("links", { $0.segments = [SegmentLink(index: 5, hash: .zero, firstRevision: .zero)] }),
        ]
        for (name, change) in breaks {
            var broken = tail
            change(&broken)
            #expect(throws: DatabaseError.self, "\(name)") {
                _ = try Tail(canonicalBytes: broken.canonicalBytes)
            }
        }
    }

    @Test("the byte count of an entry is that of its encoding")
    func entryByteCount() {
        var samples = ModelSamples(seed: 7)
        for _ in 0..<200 {
            let entry = samples.entry(revision: samples.revision(), previousHash: .zero)
            #expect(entry.byteCount == entry.canonicalBytes.count)
        }
    }

    @Test("a register that was never written has one encoding, no bytes")
    func neverWritten() throws {
        let never = TailValue.absent(generation: 0)
        #expect(never.registerBytes.isEmpty)
        #expect(try TailValue(registerBytes: []) == never)
        #expect(throws: DatabaseError.self) {
            _ = try TailValue(registerBytes: never.canonicalBytes)
        }
        let dropped = TailValue.dropped(
            EndedLife(
                incarnation: Incarnation(generation: 3, nonce: Identifier128(1)),
                createdBy: ActionID(rawValue: .zero), droppedBy: ActionID(rawValue: .zero)))
        #expect(try TailValue(registerBytes: dropped.registerBytes) == dropped)
    }
}
