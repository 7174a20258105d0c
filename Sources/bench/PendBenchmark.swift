import BlockMeasurement
import BlockModel
import BlockRuntime
import BlockWire

/// What it costs to turn an attempt that changes blocks into bytes and back.
struct PendBenchmark {
    static let title = "an attempt that changes 20 blocks, one entry of 200 bytes each, as protobuf"

    private static let blockCount = 20
    private static let valueBytes = 200
    private static let roundCount = 3000

    private static let encode = Figure("pend.encode", "encode", unit: "attempts/s")
    private static let encodeBytes = Figure("pend.encode.bytes", "encode", unit: "MB/s")
    private static let decode = Figure("pend.decode", "decode", unit: "attempts/s")
    private static let decodeBytes = Figure("pend.decode.bytes", "decode", unit: "MB/s")
    private static let size = Figure("pend.size", "size of one", unit: "bytes")

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() throws -> [MeasuredFigure] {
        let request = RepositoryRequest.commit(try PendBenchmark.attempt())
        let frame = Wire.encode(request)
        let megabytes = Double(frame.count) / 1_000_000
        var samples = SampleSet()
        for _ in 0..<setting.runs {
            var byteCount = 0
            let encodes = setting.rate(of: PendBenchmark.roundCount) {
                for _ in 0..<PendBenchmark.roundCount { byteCount += Wire.encode(request).count }
            }
            invariant(byteCount == frame.count * PendBenchmark.roundCount, "one size of frame")
            samples.add(encodes, to: PendBenchmark.encode)
            samples.add(encodes * megabytes, to: PendBenchmark.encodeBytes)
            var decoded: RepositoryRequest?
            let decodes = try setting.rate(of: PendBenchmark.roundCount) {
                for _ in 0..<PendBenchmark.roundCount {
                    decoded = try Wire.decodeRepositoryRequest(frame)
                }
            }
            invariant(decoded == request, "what was encoded is decoded")
            samples.add(decodes, to: PendBenchmark.decode)
            samples.add(decodes * megabytes, to: PendBenchmark.decodeBytes)
            samples.add(Double(frame.count), to: PendBenchmark.size)
        }
        return samples.measurements
    }

    private static func attempt() throws -> CommitAttempt {
        var generator = SeededGenerator(seed: 2)
        let payload = PayloadID(
            action: ActionID(rawValue: generator.identifier()), execution: 0)
        let base = PayloadID(action: ActionID(rawValue: generator.identifier()), execution: 0)
        let writes = (0..<blockCount).map { number in
            let block = BlockID(content: [UInt8(number)])
            let inserted = [
                generator.identifier().bytes, Bytes(repeating: UInt8(number), count: valueBytes),
            ]
            let transform = BlockTransform(updates: [
                .splice(BlockAttribute(1), index: 10, deleteCount: 0, inserted: inserted)
            ])
            let record = PendRecord(
                transform: transform.canonicalBytes, baseRevision: Revision(40), basePayload: base,
                baseHash: Digest(domain: "bench", [0, UInt8(number)]),
                resultHash: Digest(domain: "bench", [1, UInt8(number)]),
                collection: CollectionID(name: "bench"), bound: [])
            return BlockWrite(block: block, record: record)
        }
        let body = EntryBody(
            actions: [Action(id: payload.action, bytes: Bytes(repeating: 1, count: valueBytes))],
            blocks: writes.map(\.touched))
        let participant = Participant(
            collection: CollectionID(name: "bench"),
            incarnation: Incarnation(generation: 1, nonce: generator.identifier()),
            target: Revision(42))
        return CommitAttempt(
            participant: participant, payload: payload, body: body.canonicalBytes, writes: writes,
            wallMilliseconds: 1_700_000_000_000)
    }
}
