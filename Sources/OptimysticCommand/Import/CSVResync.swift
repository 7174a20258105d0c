import BlockRuntime

/// Where a damaged row ends, when the damage leaves open whether a quoted field goes on.
///
/// It follows every reading of the quotes that there is, and a row has ended only where all of them
/// say so. What stands inside a field in one of them is never taken for a row.
struct CSVResync {
    /// What stands before the next byte, in one reading.
    private enum State: Hashable {
        case fieldStart
        /// In a field without quotes, or behind the end of one with them.
        case plain
        case quoted
        /// Behind a quote in a quoted field: its end, the first of two, or one that does not count.
        case quote
    }

    private var states: Set<State>

    /// Behind a quoted field something follows that is not its end: its last quote ended it, and
    /// the rest of it is rubbish, or the quote does not count.
    static let afterQuotedField = CSVResync(states: [.plain, .quoted])
    /// In a field without quotes.
    static let inPlainField = CSVResync(states: [.plain])

    /// Reads up to the end of the row.
    /// - Returns: Whether there is one for certain before the end of the file, or with it.
    mutating func skipRow(of source: inout ByteSource) throws(DatabaseError) -> Bool {
        while let byte = try source.next() {
            if byte == UInt8(ascii: "\r"), try source.peek() == UInt8(ascii: "\n") { continue }
            let isLineEnd = byte == UInt8(ascii: "\n")
            states = states.reduce(into: []) { $0.formUnion(Self.next($1, byte)) }
            if isLineEnd, !states.contains(.quoted) { return true }
        }
        return states.isDisjoint(with: [.quoted])
    }

    private static func next(_ state: State, _ byte: UInt8) -> Set<State> {
        switch (state, byte) {
        case (.fieldStart, UInt8(ascii: "\"")), (.quote, UInt8(ascii: "\"")): [.quoted]
        case (.quoted, UInt8(ascii: "\"")): [.quote]
        case (.quoted, _): [.quoted]
        case (_, UInt8(ascii: ",")), (_, UInt8(ascii: "\n")): [.fieldStart]
        case (.quote, _): [.plain, .quoted]
        default: [.plain]
        }
    }
}
