import BlockRuntime

/// Reads JSON lines: one value a line. Empty lines are nothing. A line feed is in no text, so that
/// a damaged line never reaches into the next one.
package struct JSONLinesReader: RecordReader {
    private var source: ByteSource

    package init(_ source: ByteSource) { self.source = source }

    package mutating func next() throws(DatabaseError) -> ReadRecord? {
        while true {
            let line = source.line
            guard try source.peek() != nil else { return nil }
            var bytes = Bytes()
            while let byte = try source.next(), byte != UInt8(ascii: "\n") {
                if bytes.count <= Limits.importRecordBytesMax { bytes.append(byte) }
            }
            guard !bytes.allSatisfy(JSONParser.isSpace) else { continue }
            return JSONArrayReader.record(line, bytes)
        }
    }
}

/// Reads the elements of one array, or of an object whose only member is one, as the files of
/// iso-codes are: `{"3166-1": [{…}, {…}]}`.
package struct JSONArrayReader: RecordReader {
    static let sizeProblem = "a record over importRecordBytesMax = \(Limits.importRecordBytesMax)"

    private enum Place {
        case start
        case element
        case end
    }

    private var source: ByteSource
    private var place = Place.start
    /// Whether the array is a member of an object.
    private var isWrapped = false

    package init(_ source: ByteSource) { self.source = source }

    package mutating func next() throws(DatabaseError) -> ReadRecord? {
        switch place {
        case .end: return nil
        case .start:
            if let problem = try start() { return broken(problem) }
            place = .element
            if try token() == UInt8(ascii: "]") { return try end() }
        case .element:
            switch try token() {
            case UInt8(ascii: ","): _ = try source.next()
            case UInt8(ascii: "]"): return try end()
            default: return broken("neither a comma nor the end of the array")
            }
        }
        _ = try token()
        let line = source.line
        var bytes = Bytes()
        guard try element(&bytes) else { return broken("the file ends inside a record", line) }
        guard !bytes.isEmpty else { return broken("a record is missing") }
        let record = JSONArrayReader.record(line, bytes)
        guard bytes.count <= Limits.importRecordBytesMax, case .bad(_, let problem) = record,
            JSONArrayReader.mayEndInText(bytes)
        else { return record }
        return broken("\(problem), and a text may go on behind the record", line)
    }

    /// Whether the damage of a record leaves open if its end is one, or stands in a text.
    private static func mayEndInText(_ bytes: Bytes) -> Bool {
        do throws(JSONParser.Problem) {
            _ = try JSONParser.parse(bytes)
            return false
        } catch {
            return error.mayBeInText
        }
    }

    /// A record of these bytes.
    static func record(_ line: Int, _ bytes: Bytes) -> ReadRecord {
        guard bytes.count <= Limits.importRecordBytesMax else {
            return .bad(line: line, sizeProblem)
        }
        do throws(JSONParser.Problem) {
            return .record(line: line, try JSONParser.parse(bytes))
        } catch {
            return .bad(line: line, "\(error)")
        }
    }

    private mutating func broken(_ problem: String, _ line: Int? = nil) -> ReadRecord {
        place = .end
        return .broken(line: line ?? source.line, problem)
    }

    /// The next byte that is no space, which stays the next.
    private mutating func token() throws(DatabaseError) -> UInt8? {
        while let byte = try source.peek() {
            guard JSONParser.isSpace(byte) else { return byte }
            _ = try source.next()
        }
        return nil
    }

    /// Reads up to the first element.
    /// - Returns: What is wrong, if anything is.
    private mutating func start() throws(DatabaseError) -> String? {
        let problem = "neither an array nor an object whose only member is an array"
        if try token() == UInt8(ascii: "{") {
            isWrapped = true
            _ = try source.next()
            var name = Bytes()
            guard try token() == UInt8(ascii: "\""), try element(&name),
                try token() == UInt8(ascii: ":")
            else { return problem }
            _ = try source.next()
        }
        guard try token() == UInt8(ascii: "[") else { return problem }
        _ = try source.next()
        return nil
    }

    /// Reads the end of the array, and that nothing follows.
    private mutating func end() throws(DatabaseError) -> ReadRecord? {
        _ = try source.next()
        if isWrapped {
            guard try token() == UInt8(ascii: "}") else {
                return broken("the object has another member, or does not end")
            }
            _ = try source.next()
        }
        guard try token() == nil else { return broken("something follows the end of the array") }
        place = .end
        return nil
    }

    /// Collects the bytes of one value, up to what ends it: they are parsed afterwards.
    /// - Returns: Whether it ends before the file does.
    private mutating func element(_ bytes: inout Bytes) throws(DatabaseError) -> Bool {
        var depth = 0
        var isInText = false
        var isEscaped = false
        while let byte = try source.peek() {
            if isInText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInText = true
                case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
                case UInt8(ascii: "]"), UInt8(ascii: "}"):
                    guard depth > 0 else { return true }
                    depth -= 1
                case UInt8(ascii: ","), UInt8(ascii: ":"):
                    guard depth > 0 else { return true }
                default: break
                }
            }
            if bytes.count <= Limits.importRecordBytesMax { bytes.append(byte) }
            _ = try source.next()
        }
        return false
    }
}
