import BlockRuntime
import Foundation

/// A language of ISO 639-3, from Debian's package iso-codes.
struct Language: Hashable, Sendable {
    let code: String
    let name: String

    private static let path = "/usr/share/iso-codes/json/iso_639-3.json"

    private struct File: Decodable {
        struct Row: Decodable {
            let code: String
            let name: String
            enum CodingKeys: String, CodingKey {
                case code = "alpha_3"
                case name
            }
        }
        let rows: [Row]
        enum CodingKeys: String, CodingKey { case rows = "639-3" }
    }

    /// All of them, in the order of the file.
    /// - Throws: `.configurationInvalid` when the package is not installed.
    static func all() throws -> [Language] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DatabaseError(
                .configurationInvalid, "\(path) is missing; install the Debian package iso-codes")
        }
        let file = try JSONDecoder().decode(File.self, from: data)
        return file.rows.map { Language(code: $0.code, name: $0.name) }
    }
}

/// One entry of the diary.
struct LanguageEntry: Codable, Hashable, Sendable {
    let writer: Int
    /// Counts the entries of the writer, from 1.
    let sequence: Int
    let code: String
    let name: String
}
