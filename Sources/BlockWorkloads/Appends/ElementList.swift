import BlockModel
import BlockRuntime

/// The value of a key of the list-append workload: elements in the order they were appended in.
package enum ElementList {
    private static let separator = UInt8(ascii: ",")

    package static func bytes(_ elements: [Bytes]) -> Bytes {
        Bytes(elements.joined(separator: [separator]))
    }

    /// The elements of a value; none where there is no value.
    package static func elements(_ value: Bytes?) -> [Bytes] {
        guard let value, !value.isEmpty else { return [] }
        return value.split(separator: separator, omittingEmptySubsequences: false).map(Bytes.init)
    }
}
