import BlockRuntime

/// Where a damaged row ends: where the quotes of the rest of it say, not at the next line feed.
///
/// It goes on with the state that the reader has at the damage. A quote opens a field only where
/// one begins, and closes it also when something else than a comma follows.
enum CSVResync {
    private enum State {
        case fieldStart
        /// In a field without quotes, or behind the end of one with them.
        case plain
        case quoted
        /// Behind a quote in a quoted field: its end, or the first of two.
        case quote
    }

    /// Reads up to the end of the row, from within a field that no quote is open in.
    /// - Returns: Whether it ends before the file does, or with it: false inside a quoted field.
    static func skipRow(of source: inout ByteSource) throws(DatabaseError) -> Bool {
        var state = State.plain
        while let byte = try source.next() {
            switch (state, byte) {
            case (.fieldStart, UInt8(ascii: "\"")), (.quote, UInt8(ascii: "\"")): state = .quoted
            case (.quoted, UInt8(ascii: "\"")): state = .quote
            case (.quoted, _): break
            case (_, UInt8(ascii: ",")): state = .fieldStart
            case (_, UInt8(ascii: "\n")): return true
            default: state = .plain
            }
        }
        return state != .quoted
    }
}
