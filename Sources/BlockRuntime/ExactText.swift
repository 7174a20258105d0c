/// A text that is equal to another one when its bytes are.
///
/// `String` takes texts for equal that only look alike: one `é` may be one scalar or two. A name
/// from outside is what its bytes are: as a key of a dictionary, in a set, in an order, it is this.
package struct ExactText: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    /// The UTF-8 of the text.
    package var bytes: Bytes { Array(text.utf8) }

    package static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        // No byte of UTF-8: a text never is the beginning of another one's.
        hasher.combine(0xFF as UInt8)
    }
}

extension ExactText: Comparable {
    package static func < (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}

extension ExactText: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}

extension ExactText: CustomStringConvertible {
    package var description: String { text }
}
