import BlockModel
import BlockRuntime
import BlockWire
import ModelSamples
import Testing

@Suite("Golden protobuf vectors")
struct WireVectorTests {
    @Test("every message is encoded as Protos/vectors/messages.json says")
    func messages() throws {
        var samples = ModelSamples(seed: 77)
        var vectors: [VectorFile.Vector] = []
        for codec in WireCodec.all {
            // Values of hundreds of kilobytes test nothing that smaller ones do not.
            for bytes in try codec.samples(&samples) where bytes.count < 20_000 {
                vectors.append([
                    "message": codec.message, "kind": codec.kind.map { "\($0.rawValue)" } ?? "",
                    "protobuf": ByteText.hex(bytes),
                ])
            }
        }
        let file = VectorFile(
            about: "Payload frames, one for each case of each message; in hex", vectors: vectors)
        #expect(try file.golden("messages") == file)
    }

    @Test("every golden message is decoded and encoded to the same bytes")
    func decodes() throws {
        let file = try VectorFile.read("messages")
        for vector in file.vectors {
            let codec = try #require(WireCodec.all.first { $0.message == vector["message"] })
            let bytes = try #require(ByteText.bytes(hex: vector["protobuf"] ?? "?"))
            #expect(try codec.pass(bytes) == bytes, "\(codec.message)")
        }
        #expect(Set(file.vectors.compactMap { $0["message"] }).count == WireCodec.all.count)
    }
}
