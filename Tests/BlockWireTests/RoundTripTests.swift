import BlockModel
import BlockRuntime
import BlockWire
import ModelSamples
import Testing

@Suite("Messages")
struct RoundTripTests {
    @Test("every message is decoded to what was encoded, in every case", arguments: 0..<8)
    func roundTrip(position: Int) throws {
        let codec = WireCodec.all[position]
        var samples = ModelSamples(seed: UInt64(position))
        for _ in 0..<25 { #expect(try codec.keeps(&samples), "\(codec.message)") }
    }

    @Test("the kinds of the header frame keep their numbers, and each has one message")
    func kinds() {
        #expect(WireKind.allCases.map(\.rawValue) == Array(1...7))
        #expect(WireCodec.all.compactMap(\.kind) == WireKind.allCases)
    }

    @Test("the largest values that the limits allow pass")
    func maximal() throws {
        var samples = ModelSamples(seed: 9)
        let body = Bytes(repeating: 1, count: Limits.bodyBytesMax)
        let commit = RepositoryRequest.commit(
            CommitAttempt(
                participant: samples.participant(), payload: samples.payload(), body: body,
                wallMilliseconds: .max))
        #expect(try Wire.decodeRepositoryRequest(Wire.encode(commit)) == commit)

        let batch = (0..<Limits.batchRequestCountMax).map { number in
            PeerBatchItem(
                id: UInt64(number),
                request: PeerRequest(
                    shard: ShardID(rawValue: 0), epoch: .first,
                    operation: .accept(
                        samples.collection(), samples.ballot(), value: [1], wantsNext: false)))
        }
        #expect(try Wire.decodePeerBatch(Wire.encode(batch)) == batch)

        let name = String(repeating: "n", count: Limits.nameBytesMax)
        let status = PeerStatus(
            peer: samples.peer(),
            refusedShards: (0..<1000).map(ShardID.init),
            shardCount: UInt32(Limits.shardCountMax),
            revisions: Array(
                repeating: CollectionRevision(name: "x", revision: Revision(1)),
                count: Limits.statusCollectionCountMax))
        let report = PeerReport(peer: samples.peer(), name: name, address: name, status: status)
        let cluster = ClientReply.clusterStatus(
            Array(repeating: report, count: Limits.peerCountMax))
        #expect(try Wire.decodeClientReply(Wire.encode(cluster)) == cluster)

        let page = DiaryPage(
            entries: (0..<Limits.pageItemCountMax).map { _ in
                DiaryEntry(
                    position: .start, action: samples.action(), bytes: [], wallMilliseconds: 0)
            }, asOf: Revision(Limits.counterMax), isLast: true)
        #expect(try Wire.decodeClientReply(Wire.encode(.diaryPage(page))) == .diaryPage(page))
    }

    @Test("an error that is too long for the wire is cut between two characters and arrives")
    func longErrors() throws {
        for text in ["x", "é", "€", "😀"] {
            let long = String(repeating: text, count: Limits.errorMessageBytesMax)
            let error = DatabaseError(.internalError, "-" + long, retryAfter: .seconds(100_000))
            let arrived = try Wire.decodeError(Wire.encode(error))
            #expect(error.message.hasPrefix(arrived.message))
            let room = Limits.errorMessageBytesMax - arrived.message.utf8.count
            #expect(room >= 0 && room < text.utf8.count)
            #expect(arrived.retryAfter == Limits.requestTimeMax)
        }
    }

    @Test("fields that a later release adds are skipped")
    func unknownFields() throws {
        var samples = ModelSamples(seed: 10)
        let request = ClientRequest.inspectTail(name: "events")
        // Field 1000, varint 1; field 1001, 2 bytes.
        let later: Bytes = [0xC0, 0x3E, 1, 0xCA, 0x3E, 2, 7, 7]
        #expect(try Wire.decodeClientRequest(Wire.encode(request) + later) == request)
        let error = samples.error()
        #expect(try Wire.decodeError(later + Wire.encode(error)) == error)
    }
}
