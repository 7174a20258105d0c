import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

/// What an argument holds: bytes, until a command asks for text.
package struct ArgumentBytes: ExpressibleByArgument, Hashable, Sendable {
    package let bytes: Bytes
    /// Whether the word is `-` and did not stand behind `--`: it then means a stream.
    package let isStream: Bool

    package init(_ bytes: Bytes) {
        self.bytes = bytes
        isStream = false
    }

    package init?(argument: String) {
        bytes = ArgumentEscape.bytes(of: argument)
        isStream = argument.utf8.elementsEqual([UInt8(ascii: "-")])
    }

    /// - Parameter what: What it should be, for the message.
    /// - Throws: `.textInvalid` with the offset where it is no text.
    package func text(_ what: String) throws(DatabaseError) -> String {
        try OutsideText.text(of: bytes, what)
    }

    /// The name of a collection.
    /// - Throws: `.textInvalid`; `.invalidArgument` when no collection can be called so.
    package func collectionName() throws(DatabaseError) -> String {
        let name = try text("the collection's name")
        if let problem = CollectionName.problem(name) { throw problem }
        return name
    }

    /// Runs `body` with the path that the bytes are.
    package func withPath<Value>(_ body: (UnsafePointer<CChar>) throws -> Value) rethrows -> Value {
        try path.withCString(body)
    }

    /// The path that the bytes are.
    package var path: SystemPath { SystemPath(bytes) }
}

extension ArgumentBytes: CustomStringConvertible {
    /// For people.
    package var description: String { OutsideText.shown(bytes) }
}

extension ArgumentBytes: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        bytes = Array(text.utf8)
        isStream = text.utf8.elementsEqual([UInt8(ascii: "-")])
    }
}
