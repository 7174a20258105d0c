import BlockRuntime
import Foundation

/// The values of a JSON configuration file: one flat object of flags and texts or integers.
struct ConfigurationFile {
    let path: String
    /// Texts by flag; integers as their decimal text.
    let texts: [String: String]

    private enum Scalar: Decodable {
        case text(String)
        case integer(Int)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let integer = try? container.decode(Int.self) {
                self = .integer(integer)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }

    /// - Throws: `configurationInvalid` when the file cannot be read, is larger than
    ///   `Limits.configurationFileBytesMax`, or is not an object of texts and integers.
    init(path: String) throws(DatabaseError) {
        self.path = path
        let data = try Self.contents(of: path)
        do {
            texts = try JSONDecoder().decode([String: Scalar].self, from: data).mapValues { value in
                switch value {
                case .text(let text): text
                case .integer(let integer): String(integer)
                }
            }
        } catch {
            throw DatabaseError(
                .configurationInvalid, "\(path) is not \(Self.shape)\(Self.place(of: error))",
                cause: error)
        }
    }

    private static let shape = "a JSON object whose values are texts or integers"

    private static func contents(of path: String) throws(DatabaseError) -> Data {
        let limit = Limits.configurationFileBytesMax
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            let data = try file.read(upToCount: limit + 1) ?? Data()
            guard data.count <= limit else {
                throw DatabaseError(
                    .configurationInvalid, "\(path) is larger than the limit of \(limit) bytes")
            }
            return data
        } catch let error as DatabaseError {
            throw error
        } catch {
            throw DatabaseError(
                .configurationInvalid, "the configuration file \(path) cannot be read", cause: error
            )
        }
    }

    private static func place(of error: any Error) -> String {
        switch error {
        case DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context):
            context.codingPath.first.map { ": key \"\($0.stringValue)\"" } ?? ""
        default: ""
        }
    }
}
