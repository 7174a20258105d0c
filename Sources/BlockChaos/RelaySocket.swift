import BlockRuntime
import Glibc

/// A TCP socket on loopback that never blocks. Belongs to the relay's thread.
final class RelaySocket {
    /// What became of a read or a write.
    enum Progress {
        case bytes(Int)
        case nothing
        /// The other side has ended or broken the connection.
        case ended
    }

    /// -1 once it is closed: `poll` looks past it.
    private(set) var descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    private static func make() throws(DatabaseError) -> RelaySocket {
        // Closed on exec: a service started meanwhile must not hold others' connections open.
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(AF_INET, Int32(kind), 0)
        guard descriptor >= 0 else { throw failure("socket") }
        return RelaySocket(descriptor)
    }

    private static func failure(_ call: String) -> DatabaseError {
        DatabaseError(.ioFailed, "\(call) of the relay: \(String(cString: strerror(errno)))")
    }

    private static func withLoopback(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }

    /// Listens at `port` of the loopback interface, and nowhere else.
    static func listening(at port: UInt16) throws(DatabaseError) -> RelaySocket {
        let socket = try make()
        socket.set(SOL_SOCKET, SO_REUSEADDR, Int32(1))
        guard withLoopback(port, { bind(socket.descriptor, $0, $1) }) == 0,
            listen(socket.descriptor, 128) == 0
        else { throw failure("listening at \(port)") }
        return socket
    }

    /// Begins to connect; it is done when the socket can be written.
    static func connecting(to port: UInt16) throws(DatabaseError) -> RelaySocket {
        let socket = try make()
        socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
        let status = withLoopback(port) { connect(socket.descriptor, $0, $1) }
        guard status == 0 || errno == EINPROGRESS else { throw failure("connecting to \(port)") }
        return socket
    }

    /// The next connection of a listening socket; nil when there is none.
    func accepted() -> RelaySocket? {
        let accepted = accept(descriptor, nil, nil)
        guard accepted >= 0 else { return nil }
        // A service that is started just between these calls would hold the connection open with
        // us, and only until then: `close` shuts it down for both.
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        let socket = RelaySocket(accepted)
        socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
        return socket
    }

    private func set<Value>(_ level: Int32, _ option: Int32, _ value: Value) {
        withUnsafePointer(to: value) {
            _ = setsockopt(
                descriptor, level, option, $0, socklen_t(MemoryLayout<Value>.size))
        }
    }

    /// The error of a connection that could not be made; 0 when it was.
    var connectError: Int32 {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        return error
    }

    func read(into buffer: inout Bytes, countMax: Int) -> Progress {
        progress(of: recv(descriptor, &buffer, min(countMax, buffer.count), 0))
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Progress {
        let count = bytes.withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        return progress(of: count)
    }

    private func progress(of count: Int) -> Progress {
        if count > 0 { return .bytes(count) }
        if count == 0 { return .ended }
        return [EAGAIN, EINTR].contains(errno) ? .nothing : .ended
    }

    /// Ends it; what was written still arrives.
    func close() {
        guard descriptor >= 0 else { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Ends it with a reset, as a process that was killed does: the other side gets an error.
    func abort() {
        guard descriptor >= 0 else { return }
        set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
        Glibc.close(descriptor)
        descriptor = -1
    }
}
