import CLinux
import Glibc
import Synchronization

/// What became of standard output: results that could not be written must not end with 0.
package enum LostOutput {
    /// `errno` of the first write to standard output that failed; 0 while none has.
    private static let failure = Atomic<Int32>(0)

    /// A write to standard output has failed.
    static func note(_ number: Int32) {
        _ = failure.compareExchange(expected: 0, desired: number, ordering: .relaxed)
    }

    /// Why something that was written is lost, for people; nil when nothing is.
    package static var problem: String? {
        let number = failure.load(ordering: .relaxed)
        return number == 0 ? nil : String(cString: strerror(number))
    }

    /// Sees to it that this process, a tool, ends with ``ExitCode/ioFailed`` and a sentence instead
    /// of with 0 when something it printed could not be written, by ``LineWriter/standardOutput``
    /// or by `print`. A reader who goes away is an error of a write from then on, and no end.
    ///
    /// - Precondition: Called once in a process, first thing in `main`.
    package static func endsProcess() {
        signal(SIGPIPE, SIG_IGN)
        _ = on_exit({ status, _ in LostOutput.check(status) }, nil)
    }

    /// The last thing that a process does.
    private static func check(_ status: Int32) {
        if linux_finish_standard_output() != 0 { note(errno == 0 ? EIO : errno) }
        guard let problem else { return }
        LineWriter.standardError.writeLine(
            "the results could not be written to standard output: \(problem)")
        if status == ExitCode.success.rawValue { _exit(ExitCode.ioFailed.rawValue) }
    }
}
