import Dispatch
import Glibc
import Synchronization

/// The command of a conversation that runs at the moment: Ctrl-C ends it, and not the shell.
struct InterruptedCommand: ~Copyable {
    private final class Running: Sendable {
        let cancel = Mutex<(@Sendable () -> Void)?>(nil)
    }

    private let running = Running()
    private let source: any DispatchSourceSignal

    /// Takes over SIGINT for the whole process.
    init() {
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler { [running] in running.cancel.withLock { $0?() } }
        source.activate()
    }

    deinit { source.cancel() }

    /// Runs `body`, as a task that Ctrl-C cancels.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        let task = Task { await body() }
        running.cancel.withLock { $0 = { task.cancel() } }
        defer { running.cancel.withLock { $0 = nil } }
        return await task.value
    }
}
