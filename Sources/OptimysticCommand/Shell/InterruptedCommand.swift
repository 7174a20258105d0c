import Dispatch
import Glibc
import Synchronization

/// Ctrl-C in a conversation: it ends the command that runs, or drops the line that is written, and
/// not the shell.
final class InterruptedCommand: Sendable {
    private let cancel = Mutex<(@Sendable () -> Void)?>(nil)
    /// The ends of a pipe that holds a byte when Ctrl-C came at the prompt.
    private let pipe: (read: Int32, write: Int32)
    // SAFETY: made and activated by `init`, cancelled by `deinit`; no other code touches it.
    private nonisolated(unsafe) let source: any DispatchSourceSignal

    /// Takes over SIGINT for the whole process.
    init() {
        signal(SIGINT, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        // Without a pipe Ctrl-C does nothing at the prompt.
        if Glibc.pipe(&ends) == 0 {
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
            }
        }
        pipe = (ends[0], ends[1])
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler { [weak self] in self?.interrupt() }
        source.activate()
    }

    deinit { source.cancel() }

    private func interrupt() {
        let runs = cancel.withLock { cancel in
            cancel?()
            return cancel != nil
        }
        guard !runs else { return }
        var byte: UInt8 = 0
        _ = write(pipe.write, &byte, 1)
    }

    /// Runs `body`, as a task that Ctrl-C cancels.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        let task = Task { await body() }
        cancel.withLock { $0 = { task.cancel() } }
        defer { cancel.withLock { $0 = nil } }
        return await task.value
    }

    /// Waits for a byte of the terminal.
    /// - Returns: Whether one is there; false when Ctrl-C came first.
    func waitForInput() -> Bool {
        while true {
            var entries = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&entries, 2, -1) > 0 else {
                if errno == EINTR { continue }
                return true
            }
            if entries[1].revents & Int16(POLLIN) != 0 {
                forget()
                return false
            }
            if entries[0].revents != 0 { return true }
        }
    }

    /// Forgets a Ctrl-C that came while the shell did not wait.
    func forget() {
        var bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
        while read(pipe.read, &bytes, bytes.count) > 0 {}
    }
}
