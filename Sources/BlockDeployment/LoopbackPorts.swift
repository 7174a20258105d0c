import BlockRuntime
import Glibc

/// Free TCP ports of the loopback interface.
package enum LoopbackPorts {
    /// Below the ports that the system gives to outgoing connections (from 32768 on Linux): a link
    /// that looks for a killed service again and again must not be given the service's own port.
    private static let range = 12_000..<32_000

    /// - Returns: `count` different ports at which no process listens at the moment.
    /// - Throws: `.addressInUse` when there are not as many.
    package static func take(
        _ count: Int, using generator: inout SeededGenerator
    ) throws(DatabaseError) -> [UInt16] {
        var ports: [UInt16] = []
        let start = generator.below(range.count)
        for offset in 0..<range.count where ports.count < count {
            let port = UInt16(range.lowerBound + (start + offset) % range.count)
            if isFree(port) { ports.append(port) }
        }
        guard ports.count == count else {
            throw DatabaseError(.addressInUse, "no \(count) free ports on the loopback interface")
        }
        return ports
    }

    /// Whether a process could listen at `port` of the loopback interface.
    package static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // As the services do: ports on which a connection is just ending count as free.
        var yes: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0
            }
        }
    }
}
