import BlockRuntime
import BlockTransport
import CLinux
import Glibc

/// A network inside one process: transports on any threads reach each other by `loopback://name`.
///
/// It behaves as ZeroMQ over TCP does where the ``Transport`` protocol promises anything, except
/// that nothing is lost while both ends live.
package final class LoopbackNetwork: @unchecked Sendable {
    // SAFETY: `fabric` and `conditions` are touched only while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var conditions: [Int: UnsafeMutablePointer<pthread_cond_t>] = [:]
    private var fabric = LoopbackSwitch()
    private let environment: Environment

    /// - Parameter environment: Waits with a timeout follow its clock, which must be the monotonic
    ///   clock of the system, as in `Environment.live()`.
    package init(environment: Environment) {
        self.environment = environment
        mutex = .allocate(capacity: 1)
        let status = pthread_mutex_init(mutex, nil)
        invariant(status == 0, "pthread_mutex_init: \(status)")
    }

    deinit {
        invariant(conditions.isEmpty, "a transport outlives its network")
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func open(at address: String?) throws(DatabaseError) -> Int {
        lock()
        defer { unlock() }
        let station = try fabric.open(at: address)
        let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        let status = pthread_cond_init(condition, nil)
        invariant(status == 0, "pthread_cond_init: \(status)")
        conditions[station] = condition
        return station
    }

    func close(_ station: Int) {
        lock()
        defer { unlock() }
        for client in fabric.close(station) { signal(client) }
        guard let condition = conditions.removeValue(forKey: station) else { return }
        pthread_cond_destroy(condition)
        condition.deallocate()
    }

    func connect(_ station: Int, link: Int, to address: String) {
        lock()
        defer { unlock() }
        fabric.connect(station, link: link, to: address)
    }

    func disconnect(_ station: Int, link: Int) {
        lock()
        defer { unlock() }
        fabric.disconnect(station, link: link)
    }

    func send(_ frames: [Bytes], from station: Int, to endpoint: Endpoint) -> SendResult {
        lock()
        defer { unlock() }
        let (result, receiver) = fabric.send(frames, from: station, to: endpoint)
        if let receiver { signal(receiver) }
        return result
    }

    func backlogBytes(from station: Int, to endpoint: Endpoint) -> Int {
        lock()
        defer { unlock() }
        return fabric.backlogBytes(from: station, to: endpoint)
    }

    func wake(_ station: Int) {
        lock()
        defer { unlock() }
        fabric.wake(station)
        signal(station)
    }

    private func signal(_ station: Int) {
        if let condition = conditions[station] { pthread_cond_signal(condition) }
    }

    /// Waits until the station has something to read, is woken, or the timeout has passed.
    func receive(
        _ station: Int, timeout: Duration?
    ) -> [(from: Endpoint, arrival: LoopbackSwitch.Arrival)] {
        let until = timeout.map { environment.now().advanced(by: max($0, .zero)) }
        lock()
        defer { unlock() }
        guard let condition = conditions[station] else { return [] }
        while !fabric.isReady(station) {
            guard let until, until != .distantFuture else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            // A wait may end for no reason; only the clock or the fabric ends the loop.
            let status = linux_condition_wait(condition, mutex, until.nanoseconds)
            if status == ETIMEDOUT { break }
        }
        return fabric.take(station)
    }

    private func lock() {
        let status = pthread_mutex_lock(mutex)
        invariant(status == 0, "pthread_mutex_lock: \(status)")
    }

    private func unlock() {
        let status = pthread_mutex_unlock(mutex)
        invariant(status == 0, "pthread_mutex_unlock: \(status)")
    }
}
