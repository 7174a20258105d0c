import BlockRuntime
import Foundation

/// A file of Debian's package iso-codes: an object whose only member is a list of records.
struct IsoFile: Sendable {
    typealias Record = [String: String]

    /// What the tree of it is called.
    let name: String
    let path: String
    /// The field that is the key.
    let key: String
    let records: [Record]

    /// - Throws: `.configurationInvalid` when the package is not installed.
    private init(_ name: String, _ file: String, key: String) throws {
        let path = "/usr/share/iso-codes/json/\(file).json"
        guard let data = FileManager.default.contents(atPath: path),
            let content = try? JSONDecoder().decode([String: [Record]].self, from: data),
            let records = content.values.first
        else {
            throw DatabaseError(
                .configurationInvalid,
                "\(path) is missing or is none; install the Debian package iso-codes")
        }
        self.name = name
        self.path = path
        self.key = key
        self.records = records
    }

    static func countries() throws -> IsoFile {
        try IsoFile("countries", "iso_3166-1", key: "alpha_2")
    }
    static func subdivisions() throws -> IsoFile {
        try IsoFile("subdivisions", "iso_3166-2", key: "code")
    }
    static func languages() throws -> IsoFile {
        try IsoFile("languages", "iso_639-3", key: "alpha_3")
    }

    /// What is wrong with an export of its tree; nil when it holds the records and nothing else.
    func problem(with export: String) -> String? {
        let decoder = JSONDecoder()
        var found = Set<Record>()
        var count = 0
        for line in export.split(separator: "\n") {
            guard let record = try? decoder.decode(Record.self, from: Data(line.utf8)) else {
                return "not a record: \(line.prefix(100))"
            }
            count += 1
            found.insert(record)
        }
        let expected = Set(records)
        if count != found.count { return "\(count - found.count) records are there twice" }
        let missing = expected.subtracting(found).count
        let foreign = found.subtracting(expected).count
        return missing + foreign == 0
            ? nil : "\(missing) records are missing, \(foreign) were never in the file"
    }
}
