import BlockRuntime
import CLinux
import Glibc
import Synchronization

/// Lines on their way to a file descriptor, written by a thread of their own: the thread that logs
/// waits for no reader of the log, not even for one that does not read.
///
/// When ``Limits/logQueueBytesMax`` bytes wait, further lines are dropped and counted; a line says
/// how many were, at the place where they are missing, as soon as there is room for it.
package final class LogQueue: Sendable {
    /// A line, and how many lost ones it tells of.
    private struct Line {
        let bytes: Bytes
        let lossCount: UInt64
    }

    private struct State {
        var lines: [Line] = []
        /// Of the lines, and of the one that is being written.
        var byteCount = 0
        /// Dropped, or not taken by the descriptor, since the last line that said so.
        var lostCount: UInt64 = 0
        /// Whether the descriptor took the last line.
        var isTaking = true
        var lossLine: @Sendable (UInt64) -> Bytes

        mutating func append(_ bytes: Bytes, lossCount: UInt64) {
            lines.append(Line(bytes: bytes, lossCount: lossCount))
            byteCount += bytes.count
        }

        mutating func tellOfLosses() {
            guard lostCount > 0 else { return }
            append(lossLine(lostCount), lossCount: lostCount)
            lostCount = 0
        }
    }

    private let state: Mutex<State>
    private let writer: LineWriter
    /// Readable while there may be lines.
    private let bell: Int32
    private let bytesMax: Int

    /// - Parameters:
    ///   - lossLine: The line that tells of so many lost ones; see ``setLossLine(_:)``.
    /// - Throws: `.ioFailed` when there is no descriptor or thread left.
    package init(
        to fileDescriptor: Int32, bytesMax: Int = Limits.logQueueBytesMax,
        lossLine: @escaping @Sendable (UInt64) -> Bytes = { Bytes("\($0) log lines lost\n".utf8) }
    ) throws(DatabaseError) {
        state = Mutex(State(lossLine: lossLine))
        writer = LineWriter(fileDescriptor: fileDescriptor)
        self.bytesMax = bytesMax
        bell = linux_eventfd()
        guard bell >= 0 else {
            throw DatabaseError(
                .ioFailed, "no descriptor for the log; raise the limit of open files (ulimit -n)")
        }
        // It lives as long as the process.
        if let problem = BackgroundThread.start({ self.writeForEver() }) { throw problem }
    }

    /// Lines lost that no line has told of yet.
    package var lostCount: UInt64 { state.withLock { $0.lostCount } }

    package func setLossLine(_ lossLine: @escaping @Sendable (UInt64) -> Bytes) {
        state.withLock { $0.lossLine = lossLine }
    }

    /// Hands a line over. Never waits.
    package func write(_ line: Bytes) {
        let isFirst = state.withLock { state in
            let wasEmpty = state.lines.isEmpty
            // Room for the line that tells of the lost ones is left in any case.
            guard state.byteCount + line.count <= bytesMax else {
                state.lostCount += 1
                return false
            }
            state.tellOfLosses()
            state.append(line, lossCount: 0)
            return wasEmpty
        }
        if isFirst { _ = linux_eventfd_signal(bell) }
    }

    /// Waits until everything is written, `time` at most: a reader who does not read is not waited
    /// for any longer.
    package func flush(within time: Duration, environment: Environment) {
        let end = environment.now().advanced(by: time)
        state.withLock { $0.tellOfLosses() }
        _ = linux_eventfd_signal(bell)
        while state.withLock({ $0.byteCount > 0 }), environment.now() < end { usleep(500) }
    }

    private func writeForEver() {
        while true {
            var watched = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
            poll(&watched, 1, -1)
            _ = linux_eventfd_clear(bell)
            while let line = next() {
                let isTaken = writer.write(line.bytes)
                state.withLock { state in
                    state.byteCount -= line.bytes.count
                    state.isTaking = isTaken
                    if !isTaken { state.lostCount += max(1, line.lossCount) }
                }
            }
        }
    }

    /// The next line; when none waits, the one that tells of what was dropped.
    private func next() -> Line? {
        state.withLock { state in
            if state.lines.isEmpty, state.isTaking { state.tellOfLosses() }
            return state.lines.isEmpty ? nil : state.lines.removeFirst()
        }
    }
}
