import BlockRuntime

/// What a collection may be called.
package enum CollectionName {
    /// nil when `name` is 1 to ``Limits/nameBytesMax`` bytes without control characters.
    package static func problem(_ name: String) -> DatabaseError? {
        let count = name.utf8.count
        if count == 0 { return DatabaseError(.invalidArgument, "the collection's name is empty") }
        if count > Limits.nameBytesMax {
            return DatabaseError(
                .invalidArgument,
                "a collection's name of \(count) bytes, nameBytesMax = \(Limits.nameBytesMax)")
        }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return DatabaseError(.invalidArgument, "a collection's name has a control character")
        }
        return nil
    }
}
