import BlockRuntime

/// Reads the records of a file, one after the other.
package protocol RecordReader {
    /// The next record; nil after the last one, and after ``ReadRecord/broken(line:_:)``.
    /// - Throws: `.ioFailed` when the file cannot be read.
    mutating func next() throws(DatabaseError) -> ReadRecord?
}

/// What stands where a record is expected.
package enum ReadRecord {
    /// - Parameter line: Where it begins, from 1.
    case record(line: Int, JSONText)
    /// Something that is no record; the one behind it can be read.
    case bad(line: Int, String)
    /// Something that is no record, and the reader cannot say where the next one begins.
    case broken(line: Int, String)
}

/// How the records of a file are written.
package enum RecordFormat: String, CaseIterable, Sendable {
    /// One array, or an object whose only member is one.
    case json
    /// One value a line.
    case jsonl
    /// RFC 4180, with a header row.
    case csv

    /// What the end of a file's name says, if it says anything.
    package init?(path: Bytes) {
        let ending = path.split(separator: UInt8(ascii: ".")).last.map { $0.map { $0 | 0x20 } }
        switch ending.flatMap({ String(validating: $0, as: UTF8.self) }) {
        case "json": self = .json
        case "jsonl", "ndjson": self = .jsonl
        case "csv": self = .csv
        default: return nil
        }
    }

    package func reader(of source: ByteSource) -> any RecordReader {
        switch self {
        case .json: JSONArrayReader(source)
        case .jsonl: JSONLinesReader(source)
        case .csv: CSVReader(source)
        }
    }
}
