/// What a name may be, in one place for its writers and its readers.
package enum NameText {
    /// What stands in URLs as it is must have no meaning of its own there.
    private static let reservedInURLs: Set<Unicode.Scalar> = ["/", "?", "#", "%"]

    /// What a cluster's name must be, to go behind "must be"; nil when `text` is it.
    package static func problem(ofClusterName text: String) -> String? {
        let isPlain =
            isPlain(text)
            && !text.unicodeScalars.contains { $0 == " " || reservedInURLs.contains($0) }
        return isPlain
            ? nil
            : "1 to \(Limits.nameBytesMax) bytes that a URL can carry: no spaces, control "
                + "characters, quotes, backslashes, and none of / ? # %"
    }

    /// What the name of a service must be, to go behind "must be"; nil when `text` is it.
    package static func problem(ofServiceName text: String) -> String? {
        isPlain(text)
            ? nil
            : "a text of 1 to \(Limits.nameBytesMax) bytes without quotes, backslashes and control "
                + "characters"
    }

    /// Whether it is a name that JSON carries without an escape and a line of a log without harm.
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= Limits.nameBytesMax
            && text.unicodeScalars.allSatisfy {
                // C0, DEL and C1.
                $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) && $0 != "\"" && $0 != "\\"
            }
    }
}
