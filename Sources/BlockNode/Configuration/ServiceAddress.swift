import BlockRuntime

/// Where a service is found: what the cluster file may name as an address.
package enum ServiceAddress {
    /// nil when others can connect to `text`: `tcp://host:port` with a real host and port, or
    /// another scheme of the transport.
    package static func problem(_ text: String) -> String? {
        guard JSONPlace.isName(text), !text.contains(" ") else {
            return "an address without spaces, such as tcp://127.0.0.1:7710"
        }
        guard text.hasPrefix("tcp://") else {
            let schemes = ["ipc://", "loopback://"]
            let isOther = schemes.contains { text.hasPrefix($0) && text.utf8.count > $0.utf8.count }
            return isOther ? nil : "an address such as tcp://127.0.0.1:7710"
        }
        let rest = text.dropFirst(6)
        guard let colon = rest.lastIndex(of: ":"), rest.startIndex < colon else {
            return "an address with host and port, such as tcp://127.0.0.1:7710"
        }
        guard rest[..<colon] != "*", let port = UInt16(rest[rest.index(after: colon)...]), port > 0
        else { return "an address that others can connect to: a host, and a port from 1 to 65535" }
        return nil
    }
}
