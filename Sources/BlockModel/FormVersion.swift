import BlockRuntime

/// The version of a form that is stored, and hashed, for longer than a release lives: the first
/// byte of each tail value, entry, body, segment and block.
///
/// A reader that finds a version that it does not know says so. It is no damage.
package struct FormVersion: Hashable, Sendable {
    /// The upper half of every version byte. No form of before there were versions began so, but by
    /// chance.
    private static let mark: UInt8 = 0xA0

    package let byte: UInt8

    /// - Parameter number: 1 to 15.
    package init(_ number: UInt8) {
        invariant((1...15).contains(number), "version \(number) of a form")
        byte = Self.mark | number
    }

    fileprivate var number: UInt8 { byte & 0x0F }

    /// The error of another first byte; nil for this one.
    fileprivate func problem(
        with other: UInt8, of what: StaticString, _ decoder: CanonicalDecoder
    ) -> DatabaseError? {
        if other == byte { return nil }
        guard other & 0xF0 == Self.mark else {
            return decoder.malformed(
                "\(other) where \(what) has its version, \(byte): it is another thing, or "
                    + "was written before there were versions,")
        }
        return DatabaseError(
            .formatUnsupported,
            "\(what) of version \(other & 0x0F), and this release knows version \(number); run "
                + "the release that wrote it, or a later one")
    }
}

extension CanonicalEncoder {
    mutating func append(_ version: FormVersion) { append(version.byte) }
}

extension CanonicalDecoder {
    /// - Throws: `.formatUnsupported` for another version; `.malformedMessage` for none.
    mutating func version(_ version: FormVersion, of what: StaticString) throws(DatabaseError) {
        let byte = try uint8()
        if let problem = version.problem(with: byte, of: what, self) { throw problem }
    }
}

extension DatabaseError {
    /// What stored bytes that do not decode are: of a version that this release does not know, or
    /// damaged.
    package static func undecodable(_ what: String, _ error: DatabaseError) -> DatabaseError {
        DatabaseError(
            error.code == .formatUnsupported ? .formatUnsupported : .corrupted,
            "\(what): \(error.message)", cause: error)
    }
}
