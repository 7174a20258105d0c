import BlockRuntime
import Glibc

/// The lines of a stream as the bytes that they are: split at line feeds and at nothing else.
///
/// Holds one chunk and one line, and no line above the limit.
package struct LineReader {
    private let name: String
    private let lineBytesMax: Int
    private let read: ByteSource.Read
    private var chunk = Bytes()
    private var position = 0
    private var isAtEnd = false
    /// Lines that were given out.
    package private(set) var lineCount = 0

    /// - Parameters:
    ///   - name: What is read, for messages.
    ///   - lineBytesMax: Bytes of a line at most, without its line feed.
    package init(
        name: String = "standard input", lineBytesMax: Int, _ read: @escaping ByteSource.Read
    ) {
        self.name = name
        self.lineBytesMax = lineBytesMax
        self.read = read
    }

    /// Of standard input.
    package init(lineBytesMax: Int) {
        self.init(lineBytesMax: lineBytesMax) { () throws(DatabaseError) in
            try ByteSource.chunk(from: STDIN_FILENO, name: "standard input")
        }
    }

    /// The next line without its line feed; nil at the end. What stands behind the last line feed
    /// is a line, unless it is nothing.
    /// - Throws: `.valueTooLarge` naming line and limit, when it is known to be longer: the rest of
    ///   it is not read; `.ioFailed`.
    package mutating func next() throws(DatabaseError) -> Bytes? {
        var line = Bytes()
        while true {
            if position == chunk.count {
                guard !isAtEnd else { return nil }
                chunk = try read()
                position = 0
                guard !chunk.isEmpty else {
                    isAtEnd = true
                    guard !line.isEmpty else { return nil }
                    lineCount += 1
                    return line
                }
            }
            let end = chunk[position...].firstIndex(of: UInt8(ascii: "\n"))
            let piece = chunk[position..<(end ?? chunk.count)]
            guard line.count + piece.count <= lineBytesMax else {
                isAtEnd = true
                position = chunk.count
                throw DatabaseError(
                    .valueTooLarge,
                    "line \(lineCount + 1) of \(name) is longer than \(lineBytesMax) bytes")
            }
            line += piece
            guard let end else {
                position = chunk.count
                continue
            }
            position = end + 1
            lineCount += 1
            return line
        }
    }
}
