import BlockRuntime
import Glibc
import Synchronization

/// The wish of the operating system that this process end: SIGTERM or SIGINT.
///
/// The first signal asks: ``isRequested`` turns true, ``fileDescriptor`` becomes readable and stays
/// so, and the actions given to ``onRequest(_:)`` run. The second one ends the process at once with
/// ``ExitCode/tryAgain``, without running anything else: a drain that hangs can be cut short.
/// SIGPIPE is ignored from then on, so that a reader who goes away is an error of one write.
package final class StopSignal: Sendable {
    /// Readable (level-triggered) from the first signal on: for `poll` and `zmq_poll`. Nobody reads
    /// from it or closes it.
    package let fileDescriptor: Int32
    private let actions: Mutex<Actions>

    private struct Actions {
        var requested = false
        var waiting: [@Sendable () -> Void] = []
    }

    private init(fileDescriptor: Int32) {
        self.fileDescriptor = fileDescriptor
        actions = Mutex(Actions())
    }

    /// Whether a signal has come. Costs one atomic load.
    package var isRequested: Bool { signalCount.load(ordering: .acquiring) > 0 }

    /// Runs `action` once, on a thread of its own, when the first signal comes; at once and on the
    /// calling thread when it has come already. Typically the waker of an event loop.
    package func onRequest(_ action: @escaping @Sendable () -> Void) {
        let runsNow = actions.withLock { actions in
            if !actions.requested { actions.waiting.append(action) }
            return actions.requested
        }
        if runsNow { action() }
    }

    /// Blocks the calling thread until the first signal has come.
    package func wait() {
        var watched = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
        while poll(&watched, 1, -1) < 1 {}
    }

    /// Takes over SIGTERM, SIGINT and SIGPIPE for the whole process.
    ///
    /// - Precondition: Called once in a process, early in `main`.
    /// - Throws: `ioFailed` when the process has no file descriptor or thread left.
    package static func install() throws(DatabaseError) -> StopSignal {
        invariant(signalPipe < 0, "the stop signal is installed once in a process")
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw DatabaseError(
                .ioFailed, "no pipe for signals: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // Touched before a handler can run: a lazily made global must not be made inside one.
        _ = signalCount.load(ordering: .acquiring)
        signalPipe = ends[1]
        let stop = StopSignal(fileDescriptor: ends[0])
        try stop.startWatcher()
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGTERM, SIGINT] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = handleStopSignal
            // File operations that a signal meets go on; only polls end early.
            action.sa_flags = SA_RESTART
            invariant(sigaction(number, &action, nil) == 0, "signal \(number) can be handled")
        }
        return stop
    }

    /// A handler may do almost nothing, so the actions run on a thread that waits for the pipe.
    private func startWatcher() throws(DatabaseError) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let stop = Unmanaged<StopSignal>.fromOpaque(context).takeRetainedValue()
                stop.wait()
                stop.runActions()
                return nil
            }, context.toOpaque())
        guard status == 0 else {
            context.release()
            let reason = String(cString: strerror(status))
            throw DatabaseError(.ioFailed, "no thread for signals: \(reason)")
        }
        pthread_detach(thread)
    }

    private func runActions() {
        let waiting = actions.withLock { actions in
            actions.requested = true
            defer { actions.waiting = [] }
            return actions.waiting
        }
        for action in waiting { action() }
    }
}

/// How many stop signals have come.
private let signalCount = Atomic<Int>(0)

/// The write end of the pipe, -1 before ``StopSignal/install()``.
// SAFETY: written once, before the handlers that read it are installed.
nonisolated(unsafe) private var signalPipe: Int32 = -1

/// Only what POSIX lists as async-signal-safe: an atomic, `write` and `_exit`.
private func handleStopSignal(_ number: Int32) {
    let saved = errno
    if signalCount.add(1, ordering: .acquiringAndReleasing).oldValue > 0 {
        _exit(ExitCode.tryAgain.rawValue)
    }
    var byte: UInt8 = 1
    _ = write(signalPipe, &byte, 1)
    errno = saved
}
