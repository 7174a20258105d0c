/// A TCP address: `host:port` or `tcp://host:port`, an IPv6 host in brackets.
package struct NetworkAddress: Hashable, Sendable {
    /// A name or an IP address, without brackets. `*` is every interface.
    package let host: String
    /// 0 asks the system for a free port.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// - Returns: nil when `text` is no address. A port may be written `*` for 0.
    package init?(_ text: String) {
        let bare = text.hasPrefix("tcp://") ? text.dropFirst(6) : text[...]
        guard let colon = bare.lastIndex(of: ":") else { return nil }
        var host = bare[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.utf8.allSatisfy(Self.isAddressByte) else { return nil }
        } else {
            guard host == "*" || host.utf8.allSatisfy(Self.isNameByte) else { return nil }
        }
        let digits = bare[bare.index(after: colon)...]
        let port =
            digits == "*" ? 0 : SettingText.integer(String(digits)).flatMap(UInt16.init(exactly:))
        guard !host.isEmpty, let port else { return nil }
        self.init(host: String(host), port: port)
    }

    /// Letters, digits, dot, hyphen and underscore.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        let isPunctuation = byte == 0x2D || byte == 0x2E || byte == 0x5F
        return isPunctuation || isAlphanumeric(byte)
    }

    /// What an IPv6 address with a zone may hold.
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%") || isNameByte(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

extension NetworkAddress: CustomStringConvertible {
    /// `tcp://host:port`, which ``init(_:)`` and ZeroMQ both read.
    package var description: String {
        "tcp://\(host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host):\(port)"
    }
}
