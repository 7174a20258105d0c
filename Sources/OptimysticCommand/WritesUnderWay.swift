import Dispatch
import Glibc
import Synchronization

/// What the command that runs has changed so far, and what it has sent and has no answer to: a
/// signal that ends the process is not the end of what was sent.
enum WritesUnderWay {
    private struct State {
        /// Where the command stands among others, of a shell.
        var place: String?
        /// What is done for certain.
        var done: String?
        /// How to find out what becomes of what was sent, as far as that is known when it is asked.
        var resolving: (@Sendable () -> String)?
        /// Whether the command has sent anything that may change something.
        var hasSent = false
    }

    private static let state = Mutex(State())
    // SAFETY: changed by the thread that starts the process, before there is another one.
    private nonisolated(unsafe) static var sources: [Int32: any DispatchSourceSignal] = [:]
    private static let names = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"]

    // MARK: What the commands tell

    /// Something is sent.
    /// - Parameter resolving: What a person can do to find out what became of it.
    static func begin(resolving: @autoclosure @escaping @Sendable () -> String) {
        state.withLock {
            $0.resolving = resolving
            $0.hasSent = true
        }
    }

    /// Whether the command that runs has sent anything that may change something.
    static var hasSent: Bool { state.withLock { $0.hasSent } }

    /// An answer has come, or the failure has been told. What is done stays known until the
    /// command ends: its results may not be written yet.
    static func end(done: String? = nil) {
        state.withLock {
            $0.resolving = nil
            if let done { $0.done = done }
        }
    }

    /// More is done, while other things are under way.
    static func progress(done: String) { state.withLock { $0.done = done } }

    /// Runs `body`, which changes something that no action id stands for.
    static func during<Value>(
        resolving: @autoclosure @escaping @Sendable () -> String, done: String,
        _ body: () async throws -> Value
    ) async throws -> Value {
        begin(resolving: resolving())
        do {
            let value = try await body()
            end(done: done)
            return value
        } catch {
            end()
            throw error
        }
    }

    /// A line of a shell begins.
    static func atPlace(_ place: String?) { state.withLock { $0.place = place } }

    static func endCommand() {
        state.withLock {
            $0.done = nil
            $0.resolving = nil
            $0.hasSent = false
        }
    }

    // MARK: Signals

    /// Takes over the signals that end a process, but for those that the user had it ignore
    /// (`nohup`).
    ///
    /// - Parameter isConversing: Whether Ctrl-C is for the one who talks with a person, and who
    ///   takes it over: two who listen to one signal are not both told.
    static func watchSignals(isConversing: Bool) {
        let numbers = isConversing ? [SIGTERM, SIGHUP] : [SIGINT, SIGTERM, SIGHUP]
        for number in numbers where !isIgnored(number) {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { stop(by: number) }
            source.activate()
            sources[number] = source
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var current = sigaction()
        guard sigaction(number, nil, &current) == 0 else { return false }
        let handler = unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self)
        return handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Says what is known, and ends the process as the signal would have.
    private static func stop(by number: Int32) {
        state.withLock { state in
            if let told = words(of: state) {
                let name = names[number] ?? "signal \(number)"
                StandardError.line("optimystic: stopped by \(name)\(told)")
            }
            signal(number, SIG_DFL)
            kill(getpid(), number)
        }
    }

    /// nil when nothing was written and nothing is under way.
    private static func words(of state: State) -> String? {
        guard state.done != nil || state.resolving != nil else { return nil }
        var words = state.place.map { " \($0)" } ?? ""
        if let done = state.done { words += "; \(done)" }
        if let resolving = state.resolving {
            words += "; what was sent last may still be carried out; to resolve it: "
            words += resolving()
        }
        return words
    }
}
