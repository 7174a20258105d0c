import BlockRuntime
import Glibc

/// Finds out with plain sockets why a connection to an address is not made: libzmq tries again
/// without a word.
///
/// It blocks, a few seconds at most, so it runs on a thread of its own.
enum ConnectionProbe {
    /// What was found.
    enum Finding: Hashable, Sendable {
        /// Nothing to say: an address that is not TCP's, or a moment's trouble.
        case nothing
        /// A process that speaks ZeroMQ as the services here do.
        case peer
        /// No connection can be made, or to a stranger; in words for people.
        case problem(String)
    }

    /// What connecting to one IP address came to.
    private enum Attempt {
        case connected(Int32)
        case failed(Int32)
    }

    /// How long a connection, and the first bytes over it, are waited for.
    private static let connectMilliseconds: Int32 = 2000
    private static let greetingMilliseconds: Int32 = 300
    private static let answerMilliseconds: Int32 = 700

    /// Looks at an address.
    static func look(at address: String) -> Finding {
        guard let address = NetworkAddress(address) else { return .nothing }
        return finding(at: address)
    }

    private static func finding(at address: NetworkAddress) -> Finding {
        var list: UnsafeMutablePointer<addrinfo>?
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        let status = getaddrinfo(address.host, "\(address.port)", &hints, &list)
        guard status == 0 else {
            return .problem(
                "\(address.host) cannot be resolved: \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(list) }
        // libzmq looks for IPv6 addresses only where one is written.
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        var failure: Int32?
        var otherFamily: String?
        var next = list
        while let info = next?.pointee {
            next = info.ai_next
            guard info.ai_family == family || info.ai_family == AF_INET6 else { continue }
            switch attempt(info) {
            case .connected(let socket):
                defer { close(socket) }
                if info.ai_family == family {
                    return stranger(on: socket).map { .problem($0) } ?? .peer
                }
                otherFamily = text(of: info)
            case .failed(let number):
                if info.ai_family == family { failure = failure ?? number }
            }
        }
        return .problem(words(for: failure, at: address, elsewhere: otherFamily))
    }

    private static func words(
        for failure: Int32?, at address: NetworkAddress, elsewhere: String?
    ) -> String {
        if let elsewhere {
            return "\(address.host) is there with IPv6 only; write the host as [\(elsewhere)]"
        }
        switch failure {
        case nil: return "\(address.host) has IPv6 addresses only; write one of them in brackets"
        case ECONNREFUSED: return "refused: nothing listens at port \(address.port)"
        case ETIMEDOUT: return "unreachable: no answer to a TCP connection"
        case let number?: return "unreachable: \(String(cString: strerror(number)))"
        }
    }

    private static func attempt(_ info: addrinfo) -> Attempt {
        let kind = info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(info.ai_family, kind, info.ai_protocol)
        guard descriptor >= 0 else { return .failed(errno) }
        if connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 { return .connected(descriptor) }
        var number = errno
        if number == EINPROGRESS {
            var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            number = ETIMEDOUT
            if poll(&watched, 1, connectMilliseconds) == 1 {
                var size = socklen_t(MemoryLayout<Int32>.size)
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
            }
        }
        if number == 0 { return .connected(descriptor) }
        close(descriptor)
        return .failed(number)
    }

    private static func text(of info: addrinfo) -> String {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        getnameinfo(
            info.ai_addr, info.ai_addrlen, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
        return String(
            decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: Who is there

    /// Who answers on a connection, when it is not a process that speaks ZeroMQ as the services do.
    private static func stranger(on socket: Int32) -> String? {
        guard say(ZeroMQHandshake.signature, on: socket) else { return closed }
        var answer = hear(from: socket, within: greetingMilliseconds)
        if answer == nil {
            // Many protocols wait for the end of a line.
            guard say(Bytes("\r\n\r\n".utf8), on: socket) else { return closed }
            answer = hear(from: socket, within: answerMilliseconds)
        }
        guard let answer else { return "connected, but it says nothing; is the process stopped?" }
        if answer.isEmpty { return closed }
        if answer.first == 0xFF { return strangeSocket(on: socket, answer) }
        if answer.starts(with: "HTTP/".utf8) {
            return "speaks another protocol: a web server (HTTP) listens there"
        }
        // A record of TLS: an alert or a handshake, version 3.x.
        if answer.count > 1, [0x15, 0x16].contains(answer[0]), answer[1] == 0x03 {
            return "speaks another protocol: TLS, which this system does not use"
        }
        let shown = String(
            decoding: answer.prefix(40).filter { (0x20...0x7E).contains($0) }, as: UTF8.self)
        return "speaks another protocol: it answers \"\(shown)\""
    }

    /// Who answers, of those who speak ZeroMQ, when it is no service of this system.
    private static func strangeSocket(on socket: Int32, _ first: Bytes) -> String? {
        var handshake = ZeroMQHandshake(heard: first)
        guard say(ZeroMQHandshake.rest, on: socket) else { return nil }
        while !handshake.isComplete,
            let more = hear(from: socket, within: greetingMilliseconds), !more.isEmpty
        {
            handshake.heard += more
        }
        return handshake.stranger
    }

    private static let closed =
        "speaks another protocol, or is stopping: it closed the connection without a word"

    private static func say(_ bytes: Bytes, on socket: Int32) -> Bool {
        send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// - Returns: nil when nothing came in time; empty at the end of the connection.
    private static func hear(from socket: Int32, within milliseconds: Int32) -> Bytes? {
        var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, milliseconds) == 1 else { return nil }
        var bytes = Bytes(repeating: 0, count: 256)
        let count = recv(socket, &bytes, bytes.count, 0)
        return Bytes(bytes.prefix(max(0, count)))
    }
}
