import BlockRuntime

/// Where a service is found: what the cluster file may name as an address.
package enum ServiceAddress {
    /// Other ways of the transport than TCP, for one machine and one process.
    private static let otherSchemes = ["ipc://", "loopback://"]

    /// The address in the one form that the transport takes: `tcp://host:port` also for
    /// `host:port`.
    /// - Returns: nil when no client can connect to `text`; ``expected`` says what would be right.
    package static func canonical(_ text: String) -> String? {
        if let address = NetworkAddress(text) {
            return address.canBeReached ? address.description : nil
        }
        guard NameText.problem(ofServiceName: text) == nil, !text.utf8.contains(0x20) else {
            return nil
        }
        let isOther = otherSchemes.contains { scheme in
            text.utf8.starts(with: scheme.utf8) && text.utf8.count > scheme.utf8.count
        }
        return isOther ? text : nil
    }

    /// To go behind "must be".
    package static let expected =
        "an address that others can connect to: host:port or tcp://host:port, one host and not "
        + "every interface (* or 0.0.0.0), an IPv6 host in brackets, the port from 1 to 65535"
}
