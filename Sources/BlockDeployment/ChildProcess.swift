import BlockRuntime
import Glibc
import Synchronization

/// A process that this one started and will end, by its id and no other way.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Ending: Hashable, Sendable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    package let processID: pid_t
    package let name: String
    private let ending = Mutex<Ending?>(nil)
    /// How often a wait looks whether the process has ended, in microseconds.
    private static let pollMicroseconds: UInt32 = 5000

    private init(processID: pid_t, name: String) {
        self.processID = processID
        self.name = name
    }

    /// Starts `executable` in a process group of its own, so that a key pressed at the terminal
    /// reaches only this process, which then ends its children in order.
    ///
    /// - Parameters:
    ///   - input: The file that standard input is read from; nil: nothing.
    ///   - output: The file that standard output is written to; nil throws it away.
    ///   - errors: The same for standard error.
    ///   - variables: The whole environment, as `NAME=value`; nil passes on that of this process.
    /// - Throws: `.ioFailed` when the process cannot be made.
    package static func start(
        _ executable: String, _ arguments: [String], input: String? = nil, output: String?,
        errors: String?, variables: [String]? = nil
    ) throws(DatabaseError) -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let writing = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(
            &actions, STDIN_FILENO, input ?? "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, output ?? "/dev/null", writing, 0o644)
        posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, errors ?? "/dev/null", writing, 0o644)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals that this process ignores or blocks are not ignored or blocked there.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var processID = pid_t()
        let status = withCStrings([executable] + arguments) { argv in
            guard let variables else {
                return posix_spawn(&processID, executable, &actions, &attributes, argv, environ)
            }
            return withCStrings(variables) {
                posix_spawn(&processID, executable, &actions, &attributes, argv, $0)
            }
        }
        guard status == 0 else {
            throw DatabaseError(
                .ioFailed, "cannot start \(executable): \(String(cString: strerror(status)))")
        }
        let name = executable.split(separator: "/").last.map(String.init) ?? executable
        return ChildProcess(processID: processID, name: name)
    }

    private static func withCStrings<Value>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
    ) -> Value {
        let strings = texts.map { strdup($0) }
        defer { for string in strings { free(string) } }
        return body(strings + [nil])
    }

    /// How it ended; nil while it runs.
    package func poll() -> Ending? {
        ending.withLock { ending in
            if ending != nil { return ending }
            var status: Int32 = 0
            guard waitpid(processID, &status, WNOHANG) == processID else { return nil }
            let signal = status & 0x7F
            ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
            return ending
        }
    }

    package var isRunning: Bool { poll() == nil }

    /// Processor time it has used, in the system's ticks; nil when it has ended.
    package var processorTicks: Int? {
        guard let file = fopen("/proc/\(processID)/stat", "r") else { return nil }
        defer { fclose(file) }
        var bytes = Bytes(repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        // The name in brackets may hold spaces; the fields after it are counted from the state, 3.
        guard let bracket = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(bracket + 1)..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 12 else { return nil }
        let times = fields[11...12].compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        return times.reduce(0, +)
    }

    /// Memory it has resident, in bytes; nil when it has ended.
    package var residentBytes: Int? {
        guard let file = fopen("/proc/\(processID)/statm", "r") else { return nil }
        defer { fclose(file) }
        var bytes = Bytes(repeating: 0, count: 256)
        let count = fread(&bytes, 1, bytes.count, file)
        let fields = bytes[..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 1 else { return nil }
        return Int(String(decoding: fields[1], as: UTF8.self)).map { $0 * Int(getpagesize()) }
    }

    /// Sends `signal`, unless the process has ended: its id may be another's by then.
    package func send(_ signal: Int32) {
        ending.withLock { ending in
            if ending == nil { Glibc.kill(processID, signal) }
        }
    }

    /// Waits until it has ended.
    /// - Returns: nil when it still runs after `timeout`.
    package func wait(timeout: Duration, environment: Environment) -> Ending? {
        let end = environment.now().advanced(by: timeout)
        while true {
            if let ending = poll() { return ending }
            guard environment.now() < end else { return nil }
            usleep(ChildProcess.pollMicroseconds)
        }
    }

    /// Asks it to stop, and kills it when it has not within `patience`.
    @discardableResult
    package func stop(patience: Duration, environment: Environment) -> Ending {
        send(SIGTERM)
        return awaitEnd(patience: patience, environment: environment)
    }

    /// Waits until it has ended, and kills it when it has not within `patience`.
    package func awaitEnd(patience: Duration, environment: Environment) -> Ending {
        if let ending = wait(timeout: patience, environment: environment) { return ending }
        return kill(environment: environment)
    }

    /// Ends it at once, as a power cut would end it for the other processes.
    @discardableResult
    package func kill(environment: Environment) -> Ending {
        send(SIGKILL)
        // Nothing survives SIGKILL.
        while true {
            let ending = wait(timeout: Limits.killTime, environment: environment)
            if let ending { return ending }
        }
    }
}
