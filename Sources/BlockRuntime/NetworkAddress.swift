/// A TCP address: `host:port` or `tcp://host:port`, an IPv6 host in brackets. The one form of an
/// address, wherever one is written: in a flag, a setting, a cluster file or a URL.
package struct NetworkAddress: Hashable, Sendable {
    /// A name or an IP address, without brackets. `*` is every interface.
    package let host: String
    /// 0 asks the system for a free port.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package static let scheme = "tcp://"

    /// - Returns: nil when `text` is no address. A port may be written `*` for 0.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        let bare = bytes.starts(with: Self.scheme.utf8) ? bytes.dropFirst(6) : bytes[...]
        guard let colon = bare.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        var host = bare[..<colon]
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]"), host.count > 2 {
            host = host.dropFirst().dropLast()
            guard host.allSatisfy(Self.isAddressByte) else { return nil }
        } else {
            guard host.elementsEqual("*".utf8) || host.allSatisfy(Self.isNameByte) else {
                return nil
            }
        }
        guard !host.isEmpty, let port = Self.port(bare[(colon + 1)...]) else { return nil }
        self.init(host: String(decoding: host, as: UTF8.self), port: port)
    }

    /// Whether a client can connect to it: it names a host and a port.
    package var canBeReached: Bool { port != 0 && host != "*" }

    /// Whether the host is written as an IPv6 address.
    package var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        if digits.elementsEqual("*".utf8) { return 0 }
        // Digits and nothing else: no sign, no letters.
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self))
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
        "\(Self.scheme)\(isIPv6 ? "[\(host)]" : host):\(port)"
    }
}
