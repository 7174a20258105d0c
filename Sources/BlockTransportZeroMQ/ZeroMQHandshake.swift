import BlockRuntime

/// The opening of a connection by the rules of ZMTP 3 (rfc.zeromq.org/spec/23), as far as it says
/// who listens: every socket names its kind before any message.
struct ZeroMQHandshake {
    /// What each side sends first, whatever its version.
    static let signature: Bytes = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F]
    private static let greetingCount = 64
    private static let mechanismBytes = 12..<32
    /// Bytes of a command that are looked at, at most: those of libzmq have some 40.
    static let bytesMax = 64 + 512

    /// What follows the signature: version 3.0 and no security. The command that names the kind of
    /// socket on this side is left out: a socket that does not go with it closes the connection
    /// before it has said of what kind it is.
    static let rest: Bytes =
        [3, 0] + padded(Array("NULL".utf8), to: 20) + Bytes(repeating: 0, count: 32)

    /// What came from the other side so far.
    var heard: Bytes

    /// Whether what came says all that it will say.
    var isComplete: Bool {
        heard.count >= Self.bytesMax || socketType != nil
            || mechanism.map { $0 != "NULL" } == true
    }

    /// Who listens, when it is no service of this system; nil when it may be.
    var stranger: String? {
        if let mechanism, mechanism != "NULL" {
            return "speaks ZeroMQ with the security mechanism \(mechanism), which this system does "
                + "not use"
        }
        guard let socketType, socketType != "ROUTER" else { return nil }
        return "speaks ZeroMQ, but with a socket of kind \(socketType): it is no client proxy"
    }

    /// The name of the security mechanism; nil while it is not known.
    private var mechanism: String? {
        guard heard.count >= Self.mechanismBytes.upperBound else { return nil }
        return Self.text(heard[Self.mechanismBytes].prefix { $0 != 0 })
    }

    /// The kind of the socket; nil while it is not known.
    private var socketType: String? {
        var rest = heard.dropFirst(Self.greetingCount)
        // A short command: its size in one byte.
        guard rest.popFirst() == 0x04, let size = rest.popFirst(), rest.count >= size else {
            return nil
        }
        rest = rest.prefix(Int(size))
        guard let nameSize = rest.popFirst(),
            rest.prefix(Int(nameSize)).elementsEqual("READY".utf8)
        else { return nil }
        rest = rest.dropFirst(Int(nameSize))
        while let size = rest.popFirst(), rest.count >= Int(size) + 4 {
            let name = Self.text(rest.prefix(Int(size))).lowercased()
            rest = rest.dropFirst(Int(size))
            let valueSize = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard rest.count >= valueSize else { return nil }
            if name == "socket-type" { return Self.text(rest.prefix(valueSize)) }
            rest = rest.dropFirst(valueSize)
        }
        return nil
    }

    /// What can be printed of it.
    private static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.filter { (0x20...0x7E).contains($0) }.prefix(20), as: UTF8.self)
    }

    private static func padded(_ bytes: Bytes, to count: Int) -> Bytes {
        bytes + Bytes(repeating: 0, count: count - bytes.count)
    }
}
