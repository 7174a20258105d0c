import Glibc

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

    /// Whether a client or service can connect to it: it names a host and a port. Where every
    /// interface is listened at (`*`, `0.0.0.0`, `::`) is no host, and many at once (broadcast,
    /// multicast) are none either.
    package var canBeReached: Bool { port != 0 && host != "*" && !isNoHost }

    /// Whether the host is an IP address, and no name.
    package var isNumeric: Bool {
        var four = in_addr()
        return isIPv6 || inet_aton(host, &four) == 1
    }

    /// Whether the host is an IP address that belongs to no single host, however it is written.
    private var isNoHost: Bool {
        var four = in_addr()
        // As the resolver reads it: `0`, `0.0` and `0x0` are `0.0.0.0`.
        if !isIPv6 { return inet_aton(host, &four) == 1 && Self.isNoHost(four) }
        var six = in6_addr()
        let bare = String(Substring(host.utf8.prefix { $0 != UInt8(ascii: "%") }))
        guard inet_pton(AF_INET6, bare, &six) == 1 else { return false }
        let bytes = withUnsafeBytes(of: six) { Array($0) }
        if bytes[0] == 0xFF { return true }
        guard bytes[..<10].allSatisfy({ $0 == 0 }) else { return false }
        // `::`, or an IPv4 address as one of IPv6.
        if bytes[10...].allSatisfy({ $0 == 0 }) { return true }
        guard bytes[10] == 0xFF, bytes[11] == 0xFF else { return false }
        return Self.isNoHost(bytes[12...])
    }

    private static func isNoHost(_ address: in_addr) -> Bool {
        // In the order of the network.
        withUnsafeBytes(of: address) { isNoHost(Array($0)[...]) }
    }

    /// "This network" 0/8, multicast 224/4 and the broadcast address.
    private static func isNoHost(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.first == 0 || (bytes.first ?? 0) & 0xF0 == 0xE0 || bytes.allSatisfy { $0 == 0xFF }
    }

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
