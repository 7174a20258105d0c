import BlockRuntime
import Glibc
import Optimystic
import Synchronization

/// Results. Lines are collected and written together; ``flush()`` before waiting for the database
/// or the user.
///
/// A write that fails ends nothing: a command that writes to the database finishes that first, one
/// that only reads looks at ``isBroken`` and stops. ``endCommand()`` then tells.
struct StandardOutput: ~Copyable {
    private var buffer = Bytes()
    /// Bytes that are worth a write.
    private static let flushCount = 64 * 1024
    /// `errno` of the first write of the command that failed.
    private static let failure = Mutex<Int32?>(nil)

    init() {}

    deinit { StandardOutput.write(buffer) }

    mutating func line(_ text: String) { line(Array(text.utf8)) }

    mutating func line(_ bytes: Bytes) {
        buffer += bytes
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= StandardOutput.flushCount { flush() }
    }

    /// - Returns: Whether all that was given so far could be written.
    @discardableResult
    mutating func flush() -> Bool {
        StandardOutput.write(buffer)
        buffer.removeAll(keepingCapacity: true)
        return !StandardOutput.isBroken
    }

    /// Whether a write of this command failed: what is written from then on is lost.
    static var isBroken: Bool { failure.withLock { $0 != nil } }

    /// Why, for people.
    static var problem: String? {
        failure.withLock { $0 }.map { String(cString: strerror($0)) }
    }

    /// Whether no reader is there for what would be written, as far as one can know before.
    static var hasNoReader: Bool {
        if fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE == O_RDONLY { return true }
        var entry = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 0) >= 0 else { return false }
        return entry.revents & Int16(POLLERR | POLLNVAL) != 0
    }

    /// Forgets the failure of the command that ends.
    /// - Parameter isAnswer: Whether what was printed is all that the command is for, and one text:
    ///   help, a version, a plan.
    /// - Throws: ``ResultsLost`` when results were lost and the reader did not want that: one who
    ///   goes away from a list has read what he needs, but he has nothing of an answer.
    static func endCommand(isAnswer: Bool = false) throws(ResultsLost) {
        let number = failure.withLock { number in
            defer { number = nil }
            return number
        }
        guard let number, isAnswer || number != EPIPE else { return }
        let problem = String(cString: strerror(number))
        throw ResultsLost(
            message: isAnswer
                ? "the answer could not be written: \(problem)"
                : "what was asked for is done, but the results could not be written: \(problem)")
    }

    static func write(_ bytes: Bytes) {
        guard !bytes.isEmpty, !isBroken else { return }
        let error = StandardOutput.write(bytes, to: STDOUT_FILENO)
        if let error { failure.withLock { $0 = error } }
    }

    /// - Returns: `errno` when not all of it could be written.
    private static func write(_ bytes: Bytes, to descriptor: Int32) -> Int32? {
        bytes.withUnsafeBytes { raw in
            var offset = 0
            while offset < raw.count {
                let count = Glibc.write(
                    descriptor, raw.baseAddress?.advanced(by: offset), raw.count - offset)
                if count >= 0 {
                    offset += count
                } else if errno == EAGAIN {
                    // Another process made the pipe non-blocking; it is full, not gone.
                    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&entry, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return nil
        }
    }
}

/// Everything that is not a result.
enum StandardError {
    private static let currentForm = Mutex(OutputForm.text)

    /// How the command that runs writes: with objects as results, what goes wrong is one too.
    static var form: OutputForm {
        get { currentForm.withLock { $0 } }
        set { currentForm.withLock { $0 = newValue } }
    }

    /// A line for people; with objects as results, an object with it.
    static func line(_ text: String) {
        write(text: text, object: .object(["note": .string(text)]))
    }

    static func write(text: String, object: JSONText) {
        write((form == .json ? object.text : text) + "\n")
    }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// On a terminal only, in one line that is written over.
    static func progress(_ text: String) {
        guard isTerminal else { return }
        write("\r\u{1B}[K" + text)
    }

    /// One write for one text, so that lines of several processes do not mix. A stderr that is
    /// closed is no failure of the command.
    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}

/// The three descriptors that every program has.
enum StandardDescriptors {
    /// Takes the place of those that are closed, so that no file of the database gets their
    /// numbers. The way is the wrong one: who reads or writes still learns that there is no other
    /// end.
    static func reserve() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free, which is this one.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
