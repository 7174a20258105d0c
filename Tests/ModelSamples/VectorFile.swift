import BlockRuntime
import Foundation

/// A file of golden vectors in `Protos/vectors`: JSON that tests of every language read.
///
/// The tests compare; run with `OPTIMYSTIC_WRITE_VECTORS=1` they write instead, which is right only
/// for a format that was never released.
package struct VectorFile: Equatable {
    /// One vector: names of its parts, and hex or text.
    package typealias Vector = [String: String]

    /// What the file is, for people.
    package let about: String
    package let vectors: [Vector]

    package init(about: String, vectors: [Vector]) {
        self.about = about
        self.vectors = vectors
    }

    private static func url(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Protos/vectors/\(name).json")
    }

    /// Reads `Protos/vectors/<name>.json`.
    package static func read(_ name: String) throws -> VectorFile {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: url(name)))
        guard let file = object as? [String: Any], let about = file["about"] as? String,
            let vectors = file["vectors"] as? [Vector]
        else { throw DatabaseError(.corrupted, "Protos/vectors/\(name).json is no vector file") }
        return VectorFile(about: about, vectors: vectors)
    }

    /// The golden file of this name; itself, after writing it, when asked to by the environment.
    package func golden(_ name: String) throws -> VectorFile {
        if ProcessInfo.processInfo.environment["OPTIMYSTIC_WRITE_VECTORS"] == "1" {
            let object: [String: Any] = ["about": about, "vectors": vectors]
            let data = try JSONSerialization.data(
                withJSONObject: object,
                options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
            try (data + Data("\n".utf8)).write(to: Self.url(name))
        }
        return try Self.read(name)
    }
}
