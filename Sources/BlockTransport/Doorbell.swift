import BlockRuntime
import CLinux
import Glibc

/// Where one thread waits for others of its process, when there is no transport to wait for.
package final class Doorbell: @unchecked Sendable {
    // SAFETY: `isRung` is touched only while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var isRung = false
    private let environment: Environment

    /// - Parameter environment: Its clock must be the monotonic clock of the system, as in
    ///   `Environment.live()`.
    package init(environment: Environment) {
        self.environment = environment
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        var status = pthread_mutex_init(mutex, nil)
        invariant(status == 0, "pthread_mutex_init: \(status)")
        status = pthread_cond_init(condition, nil)
        invariant(status == 0, "pthread_cond_init: \(status)")
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Rings it from any thread.
    package var waker: Waker { Waker { self.ring() } }

    private func ring() {
        pthread_mutex_lock(mutex)
        isRung = true
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }

    /// Waits until another thread has rung since the last wait, or the timeout has passed.
    /// - Parameter timeout: nil waits without end; zero does not wait.
    package func wait(timeout: Duration?) {
        let until = timeout.map { environment.now().advanced(by: max($0, .zero)) }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isRung {
            guard let until, until != .distantFuture else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            // A wait may end for no reason; only the clock or a ring ends the loop.
            let status = linux_condition_wait(condition, mutex, until.nanoseconds)
            if status == ETIMEDOUT { break }
        }
        isRung = false
    }
}
