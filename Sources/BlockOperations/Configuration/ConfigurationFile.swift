import BlockRuntime
import Foundation

/// The values of a JSON configuration file: one flat object of flags and texts or integers.
struct ConfigurationFile {
    let path: String
    /// Texts by flag; integers as their decimal text.
    let texts: [String: String]

    /// - Throws: `configurationInvalid` when the file cannot be read, is larger than
    ///   `Limits.configurationFileBytesMax`, or is not an object of texts and integers that names
    ///   each key once.
    init(path: String) throws(DatabaseError) {
        self.path = path
        let bytes = Bytes(try Self.contents(of: path))
        let value: JSONText
        do throws(JSONParser.Problem) {
            value = try JSONParser.parse(bytes)
        } catch {
            throw DatabaseError(
                .configurationInvalid, "\(path) is not \(Self.shape): it is \(error)")
        }
        guard case .object(let members) = value else {
            throw DatabaseError(.configurationInvalid, "\(path) is not \(Self.shape)")
        }
        var texts: [String: String] = [:]
        for (key, value) in members {
            switch value {
            case .string(let text): texts[key.text] = text
            case .raw(let digits) where Int(digits) != nil: texts[key.text] = digits
            default:
                throw DatabaseError(
                    .configurationInvalid, "\(path) is not \(Self.shape): key \"\(key)\"")
            }
        }
        self.texts = texts
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
}
