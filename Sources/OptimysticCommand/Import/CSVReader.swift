import BlockRuntime

/// Reads comma-separated values as RFC 4180 has them, strictly: quotes are around whole fields, a
/// quote in a field is doubled, and each row has as many fields as the header names. Lines end with
/// CR LF or LF, also inside quotes; a line without anything is no row, unless there is one column.
///
/// A record is an object of texts. A field without anything is absent; `""` is the empty text.
///
/// A row that is damaged is left out to its end, which its quotes say (``CSVResync``): what stands
/// inside a field is never taken for a row.
package struct CSVReader: RecordReader {
    private var source: ByteSource
    /// The names of the fields; nil before the header was read.
    private var names: [ExactText]?
    private var isBroken = false

    package init(_ source: ByteSource) { self.source = source }

    package mutating func next() throws(DatabaseError) -> ReadRecord? {
        guard !isBroken else { return nil }
        guard let names else {
            if let broken = try header() {
                isBroken = true
                return broken
            }
            return try next()
        }
        while let row = try row() {
            switch row {
            case .end(let line):
                // Whatever follows is inside the field.
                isBroken = true
                return .broken(line: line, "a quoted field that begins here does not end")
            case .lost(let line, let problem):
                isBroken = true
                return .broken(line: line, "\(problem), and the row does not end")
            case .bad(let line, let problem): return .bad(line: line, problem)
            case .fields(let line, let fields):
                if fields.count == 1, case .absent = fields[0], names.count > 1 { continue }
                guard fields.count == names.count else {
                    return .bad(
                        line: line,
                        "\(fields.count) fields where the header names \(names.count)")
                }
                var pairs: [ExactText: JSONText] = [:]
                for (name, field) in zip(names, fields) {
                    if case .text(let text) = field { pairs[name] = .string(text) }
                }
                return .record(line: line, .object(pairs))
            }
        }
        return nil
    }

    /// - Returns: What is wrong with it, if anything is.
    private mutating func header() throws(DatabaseError) -> ReadRecord? {
        switch try row() {
        case nil: return .broken(line: 1, "there is no header row")
        case .end(let line):
            return .broken(line: line, "a quoted field that begins here does not end")
        case .bad(let line, let problem), .lost(let line, let problem):
            return .broken(line: line, problem)
        case .fields(let line, let fields):
            var names: [ExactText] = []
            for field in fields {
                guard case .text(let name) = field, !name.isEmpty else {
                    return .broken(line: line, "column \(names.count + 1) has no name")
                }
                guard !names.contains(ExactText(name)) else {
                    return .broken(line: line, "two columns are called \"\(name)\"")
                }
                names.append(ExactText(name))
            }
            self.names = names
            return nil
        }
    }

    // MARK: Rows

    private enum Field {
        case absent
        case text(String)
    }

    private enum Row {
        case fields(line: Int, [Field])
        case bad(line: Int, String)
        /// The file ends inside quotes.
        case end(line: Int)
        /// Damaged, and the file ends inside quotes.
        case lost(line: Int, String)
    }

    private enum Byte {
        static let quote = UInt8(ascii: "\"")
        static let comma = UInt8(ascii: ",")
        static let lineFeed = UInt8(ascii: "\n")
        static let carriageReturn = UInt8(ascii: "\r")
    }

    /// What ended a field.
    private enum FieldEnd {
        case comma
        case row
        case bad(String)
        case file
    }

    /// The next row, with its end read; nil at the end of the file.
    private mutating func row() throws(DatabaseError) -> Row? {
        let line = source.line
        guard try source.peek() != nil else { return nil }
        var fields: [Field] = []
        var byteCount = 0
        // What is wrong in a field whose end is certain all the same.
        var problem: String?
        while true {
            let fieldLine = source.line
            var bytes = Bytes()
            let isQuoted = try source.peek() == Byte.quote
            let end = try isQuoted ? quoted(&bytes) : plain(&bytes)
            byteCount += bytes.count
            switch end {
            case .file: return .end(line: fieldLine)
            case .bad(let damage):
                let hasEnd = try CSVResync.skipRow(of: &source)
                let first = problem ?? damage
                return hasEnd ? .bad(line: line, first) : .lost(line: line, first)
            case .comma, .row: break
            }
            let text = String(validating: bytes, as: UTF8.self)
            if text == nil {
                problem = problem ?? "field \(fields.count + 1) is not UTF-8"
            }
            fields.append(text.map { $0.isEmpty && !isQuoted ? .absent : .text($0) } ?? .absent)
            if case .row = end {
                if let problem { return .bad(line: line, problem) }
                guard byteCount <= Limits.importRecordBytesMax else {
                    return .bad(line: line, JSONArrayReader.sizeProblem)
                }
                return .fields(line: line, fields)
            }
        }
    }

    /// Reads a field without quotes, and what ends it.
    private mutating func plain(_ bytes: inout Bytes) throws(DatabaseError) -> FieldEnd {
        while let byte = try source.peek() {
            switch byte {
            case Byte.comma:
                _ = try source.next()
                return .comma
            case Byte.lineFeed, Byte.carriageReturn: return try lineEnd()
            case Byte.quote:
                return .bad("a quote inside a field that does not begin with one")
            default: CSVReader.append(byte, to: &bytes)
            }
            _ = try source.next()
        }
        return .row
    }

    /// Reads a field in quotes, and what ends it.
    private mutating func quoted(_ bytes: inout Bytes) throws(DatabaseError) -> FieldEnd {
        _ = try source.next()
        while let byte = try source.next() {
            guard byte == Byte.quote else {
                CSVReader.append(byte, to: &bytes)
                continue
            }
            switch try source.peek() {
            case Byte.quote:
                CSVReader.append(byte, to: &bytes)
                _ = try source.next()
            case Byte.comma:
                _ = try source.next()
                return .comma
            case Byte.lineFeed, Byte.carriageReturn: return try lineEnd()
            case nil: return .row
            default:
                return .bad("something else than a comma behind a quoted field")
            }
        }
        return .file
    }

    /// Beyond the limit the row is refused, and its bytes need no place.
    private static func append(_ byte: UInt8, to bytes: inout Bytes) {
        if bytes.count <= Limits.importRecordBytesMax { bytes.append(byte) }
    }

    private mutating func lineEnd() throws(DatabaseError) -> FieldEnd {
        if try source.next() == Byte.carriageReturn {
            guard try source.peek() == Byte.lineFeed else {
                return .bad("a carriage return without a line feed")
            }
            _ = try source.next()
        }
        return .row
    }
}
