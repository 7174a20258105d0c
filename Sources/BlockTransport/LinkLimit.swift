import BlockRuntime

/// The bound on outgoing links, the same for every transport.
package enum LinkLimit {
    package static func error(address: String) -> DatabaseError {
        DatabaseError(
            .overloaded,
            "no link to \"\(address)\": there are \(Limits.linkCountMax) links, the limit")
    }
}
