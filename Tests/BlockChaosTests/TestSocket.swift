import BlockDeployment
import BlockRuntime
import Glibc

/// A blocking TCP socket on loopback, for tests: a read waits 3 s at most.
final class TestSocket {
    let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var wait = timeval(tv_sec: 3, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    private var isClosed = false
    func close() {
        if !isClosed { Glibc.close(descriptor) }
        isClosed = true
    }

    private static func call(
        _ port: UInt16, _ descriptor: Int32,
        _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    static func listening(at port: UInt16) -> TestSocket? {
        let socket = TestSocket(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var yes: Int32 = 1
        setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        guard call(port, socket.descriptor, { bind($0, $1, $2) }),
            listen(socket.descriptor, 8) == 0
        else { return nil }
        return socket
    }

    static func connected(to port: UInt16) -> TestSocket? {
        let socket = TestSocket(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        return call(port, socket.descriptor) { connect($0, $1, $2) } ? socket : nil
    }

    func accepted() -> TestSocket? {
        let accepted = accept(descriptor, nil, nil)
        return accepted < 0 ? nil : TestSocket(accepted)
    }

    /// - Returns: Whether all of it was taken.
    @discardableResult
    func write(_ bytes: Bytes) -> Bool {
        send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// How much is taken without waiting.
    func writeWhatFits(_ bytes: Bytes) -> Int {
        max(0, send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
    }

    /// Exactly `count` bytes; nil when the connection ends or they do not come.
    func read(_ count: Int) -> Bytes? {
        var result = Bytes()
        while result.count < count {
            var buffer = Bytes(repeating: 0, count: count - result.count)
            let got = recv(descriptor, &buffer, buffer.count, 0)
            guard got > 0 else { return nil }
            result += buffer.prefix(got)
        }
        return result
    }

    /// Whether anything, an end as well, comes within `milliseconds`.
    func hasNews(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Whether the other side has ended or broken the connection, within 3 s.
    var isEnded: Bool {
        var byte: UInt8 = 0
        let got = recv(descriptor, &byte, 1, 0)
        return got == 0 || (got < 0 && errno == ECONNRESET)
    }
}
