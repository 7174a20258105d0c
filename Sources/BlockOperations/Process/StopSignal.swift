import BlockRuntime
import Glibc
import Synchronization

/// The wish of the operating system that this process end: SIGTERM, SIGINT or SIGHUP.
///
/// The first signal asks: ``isRequested`` turns true, ``fileDescriptor`` becomes readable and stays
/// so, and the actions given to ``onRequest(_:)`` run. The second one ends the process at once with
/// ``ExitCode/tryAgain``, without running anything else: a drain that hangs can be cut short.
/// SIGHUP says that the terminal is gone, which its shell and the system may both say: it asks, but
/// cuts nothing short. An operator who started the process with SIGHUP ignored (`nohup`) wants it
/// to go on. SIGPIPE and SIGXFSZ are ignored from then on: a reader who goes away and a file that
/// may not grow are errors of one write.
package final class StopSignal: Sendable {
    /// Readable (level-triggered) from the first signal on: for `poll` and `zmq_poll`. No caller
    /// reads from it or closes it.
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

    /// Takes over SIGTERM, SIGINT, SIGHUP, SIGPIPE and SIGXFSZ for the whole process.
    ///
    /// - Precondition: Called once in a process, early in `main`.
    /// - Throws: `ioFailed` when the process has no file descriptor or thread left.
    package static func install() throws(DatabaseError) -> StopSignal {
        invariant(signalPipe < 0, "the stop signal is installed once in a process")
        StandardDescriptors.reserve()
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
        if let problem = BackgroundThread.start({
            stop.wait()
            stop.runActions()
        }) {
            throw problem
        }
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        for number in [SIGTERM, SIGINT, SIGHUP] where number != SIGHUP || !isIgnored(SIGHUP) {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = handleStopSignal
            // File operations that a signal meets go on; only polls end early.
            action.sa_flags = SA_RESTART
            invariant(sigaction(number, &action, nil) == 0, "signal \(number) can be handled")
        }
        return stop
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var current = sigaction()
        guard sigaction(number, nil, &current) == 0 else { return false }
        let handler = unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self)
        return handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// A handler may do almost nothing, so a thread that waits for the pipe runs the actions.
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
    if signalCount.add(1, ordering: .acquiringAndReleasing).oldValue > 0, number != SIGHUP {
        _exit(ExitCode.tryAgain.rawValue)
    }
    var byte: UInt8 = 1
    _ = write(signalPipe, &byte, 1)
    errno = saved
}
